//! How many pixels a drawing wants touched and held, counted before the first is.

use common::Failure;
use resvg::usvg::{Group, Image, Node, Paint, Path, Rect, Tree, filter};

use super::too_much;

/// Pixels that may be touched: some seconds of work.
const MAX_WORK: f64 = 1.5e9;

/// What an element costs though it be empty, in pixels.
const ELEMENT: f64 = 200.0;

/// Layers, patterns and results of filters may take this much a pixel of the picture, and this much for a start.
pub(super) const LAYER_BYTES: u64 = 64;
pub(super) const FIXED_BYTES: u64 = 64 * 1024 * 1024;

struct Count {
    /// Pixels of the whole picture.
    whole: f64,
    work: f64,
    most_bytes: f64,
}

/// Refuses what would take too long or too much memory.
pub(super) fn check(tree: &Tree, pixels: u64) -> Result<(), Failure> {
    let whole = pixels as f64;
    let most_bytes = whole * LAYER_BYTES as f64 + FIXED_BYTES as f64;
    Count { whole, work: 0.0, most_bytes }.group(tree.root(), 0.0)
}

impl Count {
    fn work(&mut self, pixels: f64) -> Result<(), Failure> {
        self.work += pixels + ELEMENT;
        // Not a number is too much as well.
        if self.work < MAX_WORK { Ok(()) } else { Err(too_much("it touches too many pixels too often")) }
    }

    /// Bytes that are held while something is drawn; gives how many there are then.
    fn hold(&self, held: f64, bytes: f64) -> Result<f64, Failure> {
        let all = held + bytes;
        if all < self.most_bytes { Ok(all) } else { Err(too_much("it needs too many layers at once")) }
    }

    fn area(&self, rect: Rect) -> f64 {
        (f64::from(rect.width()).ceil() * f64::from(rect.height()).ceil()).min(self.whole)
    }

    fn group(&mut self, group: &Group, held: f64) -> Result<(), Failure> {
        let mut held = held;
        let area = self.area(group.abs_layer_bounding_box().to_rect());
        if group.should_isolate() {
            held = self.hold(held, area * 4.0)?;
            self.work(area * 2.0)?;
        }
        for filter in group.filters() {
            self.filter(filter, area, held)?;
        }
        if let Some(clip) = group.clip_path() {
            self.covered(area, held)?;
            self.group(clip.root(), self.hold(held, area * 4.0)?)?;
            let mut next = clip.clip_path();
            while let Some(clip) = next {
                self.covered(area, held)?;
                self.group(clip.root(), self.hold(held, area * 4.0)?)?;
                next = clip.clip_path();
            }
        }
        let mut next = group.mask();
        while let Some(mask) = next {
            self.covered(area, held)?;
            held = self.hold(held, area * 5.0)?;
            self.group(mask.root(), held)?;
            next = mask.mask();
        }
        for child in group.children() {
            match child {
                Node::Group(group) => self.group(group, held)?,
                Node::Path(path) => self.path(path, held)?,
                Node::Image(image) => self.image(image, held)?,
                Node::Text(text) => self.group(text.flattened(), held)?,
            }
        }
        Ok(())
    }

    /// A mask as large as the layer.
    fn covered(&mut self, area: f64, held: f64) -> Result<(), Failure> {
        self.hold(held, area * 5.0)?;
        self.work(area * 3.0)
    }

    fn path(&mut self, path: &Path, held: f64) -> Result<(), Failure> {
        let area = self.area(path.abs_stroke_bounding_box());
        let segments = path.data().len() as f64;
        let paints = path.fill().map(|fill| fill.paint()).into_iter().chain(path.stroke().map(|stroke| stroke.paint()));
        for paint in paints {
            self.work(area + segments * 50.0)?;
            let Paint::Pattern(pattern) = paint else { continue };
            // The tile is drawn as large as it will be seen, even where that is outside.
            let transform = path.abs_transform().pre_concat(pattern.transform());
            let (sx, sy) = transform.get_scale();
            let tile = f64::from(pattern.rect().width() * sx) * f64::from(pattern.rect().height() * sy);
            let held = self.hold(held, tile * 4.0)?;
            self.work(tile)?;
            self.group(pattern.root(), held)?;
        }
        if let Some(stroke) = path.stroke()
            && let Some(dashes) = stroke.dasharray()
        {
            // A dash shorter than a hair makes very many of them.
            let length: f64 = dashes.iter().map(|dash| f64::from(*dash)).sum();
            let rect = path.bounding_box();
            let around = segments * (f64::from(rect.width()) + f64::from(rect.height()));
            self.work((around / length.max(1e-6)).min(1e6) * 100.0)?;
        }
        Ok(())
    }

    fn image(&mut self, image: &Image, held: f64) -> Result<(), Failure> {
        // Its own pixels are limited where it is read.
        let pixels = f64::from(image.size().width()) * f64::from(image.size().height());
        self.hold(held, pixels.min(self.whole + FIXED_BYTES as f64 / 8.0) * 4.0)?;
        self.work(self.area(image.abs_bounding_box()) * 10.0 + pixels * 10.0)
    }

    fn filter(&mut self, filter: &filter::Filter, area: f64, held: f64) -> Result<(), Failure> {
        // Every result is kept until the last one is done.
        let results = filter.primitives().len() as f64 + 3.0;
        let held = self.hold(held, results * area * 4.0)?;
        for primitive in filter.primitives() {
            let each = match primitive.kind() {
                filter::Kind::Morphology(step) => {
                    // The radius is in units of the drawing; what it is in pixels is at most the side of the picture.
                    let side = |radius: f32| (2.0 * f64::from(radius) + 1.0).min(self.whole);
                    side(step.radius_x().get()) * side(step.radius_y().get()) * 4.0
                }
                filter::Kind::ConvolveMatrix(step) => f64::from(step.matrix().columns() * step.matrix().rows()) * 2.0,
                filter::Kind::Turbulence(step) => f64::from(step.num_octaves()) * 30.0,
                filter::Kind::DiffuseLighting(_) | filter::Kind::SpecularLighting(_) => 30.0,
                filter::Kind::GaussianBlur(_) | filter::Kind::DropShadow(_) => 20.0,
                _ => 5.0,
            };
            self.work(area * each)?;
            if let filter::Kind::Image(image) = primitive.kind() {
                self.group(image.root(), held)?;
            }
        }
        Ok(())
    }
}
