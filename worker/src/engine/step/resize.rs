//! `resize`: where the picture goes is worked out first, in numbers; then it is resampled.

use common::{
    Failure,
    recipe::{Color, Filter, Fit, Focus, Resize},
};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ImageBuffer, Pixel, imageops};

use super::{Context, Notes};
use crate::engine::{
    Stop,
    limits::Size,
    pixels::{Buffer, Sample, able_to_show, each_buffer, pixel_of},
    saliency,
};

/// Where a picture goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    /// The size of the result.
    pub(crate) canvas: Size,
    /// The size to which the picture is resampled; smaller than the canvas only for `contain`.
    pub(crate) picture: Size,
    /// Left and top edge of the picture on the canvas.
    pub(crate) at: (u32, u32),
    /// The part of the source that is kept: left, top, width, height. Fractions count.
    pub(crate) source: (f64, f64, f64, f64),
    /// Whether it would have been enlarged, had that been allowed.
    pub(crate) held_back: bool,
}

/// Works out where a picture of size `from` goes; `hold` says where in the spare room, as fractions.
pub(crate) fn place(step: &Resize, from: Size, (gx, gy): (f64, f64)) -> Place {
    let (w, h) = (f64::from(from.width), f64::from(from.height));
    let whole = (0.0, 0.0, w, h);
    let plain = |size| Place { canvas: size, picture: size, at: (0, 0), source: whole, held_back: false };
    let turned = step.match_orientation && from.width != from.height && {
        let across = |(width, height)| width > height;
        step.width.zip(step.height).is_some_and(|asked| across(asked) != across((from.width, from.height)))
    };
    let (width, height) = if turned { (step.height, step.width) } else { (step.width, step.height) };
    let (Some(width), Some(height)) = (width, height) else {
        // With one side the other follows.
        let scale = match (step.width, step.height) {
            (Some(width), _) => f64::from(width) / w,
            (_, Some(height)) => f64::from(height) / h,
            _ => 1.0,
        };
        return kept_aspect(step, from, scale, plain);
    };
    let canvas = Size::new(width, height);
    let (across, down) = (f64::from(width) / w, f64::from(height) / h);
    match step.fit {
        Fit::Inside => kept_aspect(step, from, across.min(down), plain),
        Fit::Outside => kept_aspect(step, from, across.max(down), plain),
        Fit::Fill => plain(canvas),
        Fit::Cover => {
            let scale = across.max(down);
            let (kept_w, kept_h) = ((f64::from(width) / scale).min(w), (f64::from(height) / scale).min(h));
            Place { source: ((w - kept_w) * gx, (h - kept_h) * gy, kept_w, kept_h), ..plain(canvas) }
        }
        Fit::Contain | Fit::Pad => {
            let scale = across.min(down);
            let picture = Size::new(side(w * scale).min(width), side(h * scale).min(height));
            let spare =
                |canvas: u32, picture: u32, gravity: f64| (f64::from(canvas - picture) * gravity).round() as u32;
            let at = (spare(width, picture.width, gx), spare(height, picture.height, gy));
            Place { picture, at, ..plain(canvas) }
        }
    }
}

fn kept_aspect(step: &Resize, from: Size, scale: f64, plain: impl Fn(Size) -> Place) -> Place {
    if scale > 1.0 && !step.upscale {
        return Place { held_back: true, ..plain(from) };
    }
    plain(Size::new(side(f64::from(from.width) * scale), side(f64::from(from.height) * scale)))
}

/// A side in pixels: rounded, at least 1. `as` saturates; the limits refuse what is too large.
fn side(length: f64) -> u32 {
    (length.round() as u32).max(1)
}

/// The largest size of the aspect of `from` within a square of `side` pixels, never larger than `from`.
pub(crate) fn inside(from: Size, side: u32) -> Size {
    place(&Resize { width: Some(side), height: Some(side), ..Resize::default() }, from, (0.5, 0.5)).canvas
}

impl Place {
    /// Whether a picture of size `from` stays as it is.
    pub(crate) fn changes_nothing(&self, from: Size) -> bool {
        let whole = (0.0, 0.0, f64::from(from.width), f64::from(from.height));
        self.held_back || (self.canvas == from && self.picture == from && self.source == whole)
    }
}

/// Where a picture of size `from` goes, and a note of it; `None` where it stays as it is.
pub(crate) fn decide(step: &Resize, from: Size, hold: (f64, f64), path: &str, notes: &mut Notes) -> Option<Place> {
    let place = place(step, from, hold);
    if place.held_back {
        notes.ignored(format!("resize ({path}): the picture of {from} is not enlarged unless upscale is true"));
        notes.warn("not_enlarged", format!("The picture stays {from}: it is not enlarged unless upscale is true."));
        return None;
    }
    if place.changes_nothing(from) {
        notes.ignored(format!("resize ({path}): the picture has {from} already"));
        return None;
    }
    let (fit, filter) = (fit_name(step.fit), filter_name(step.filter));
    notes.applied(format!("resize {from} -> {} ({fit}, {filter})", place.canvas));
    Some(place)
}

/// Whether the picture itself must be asked what to keep.
pub(crate) fn asks_the_picture(step: &Resize) -> bool {
    step.gravity == Focus::Smart && step.fit == Fit::Cover
}

pub(super) fn apply(
    step: &Resize,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let from = Size::new(image.width(), image.height());
    let mut hold = step.gravity.fractions();
    if asks_the_picture(step) {
        let source = place(step, from, hold).source;
        hold = context.hold(path, || saliency::hold(&image, (source.2, source.3), context.stop))?;
    }
    let Some(place) = decide(step, from, hold, path, notes) else { return Ok(image) };
    let picture = resample(&image, place.picture, place.source, algorithm(step.filter), context.stop)?;
    drop(image);
    if place.picture == place.canvas {
        return Ok(picture);
    }
    let filling = context.filling(step.background);
    each_buffer!(able_to_show(picture, filling), buffer => Ok(on_canvas(&buffer, &place, filling).into()))
}

fn on_canvas<P: Pixel>(picture: &Buffer<P>, place: &Place, filling: Color) -> Buffer<P>
where
    P::Subpixel: Sample,
{
    let mut canvas = ImageBuffer::from_pixel(place.canvas.width, place.canvas.height, pixel_of::<P>(filling));
    imageops::replace(&mut canvas, picture, i64::from(place.at.0), i64::from(place.at.1));
    canvas
}

/// The whole picture at another size, by Lanczos.
pub(crate) fn scaled(image: &DynamicImage, to: Size, stop: &Stop) -> Result<DynamicImage, Failure> {
    let whole = (0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
    resample(image, to, whole, algorithm(Filter::Lanczos3), stop)
}

/// The whole picture at another size, by a triangle.
pub(crate) fn bilinear(image: &DynamicImage, to: Size, stop: &Stop) -> Result<DynamicImage, Failure> {
    let whole = (0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
    resample(image, to, whole, algorithm(Filter::Bilinear), stop)
}

/// Resamples the part `source` to the size `to`; colours are weighted by alpha.
fn resample(
    image: &DynamicImage,
    to: Size,
    source: (f64, f64, f64, f64),
    algorithm: ResizeAlg,
    stop: &Stop,
) -> Result<DynamicImage, Failure> {
    stop.check()?;
    let (left, top, width, height) = source;
    let options = ResizeOptions::new().resize_alg(algorithm).crop(left, top, width, height);
    let mut result = DynamicImage::new(to.width, to.height, image.color());
    Resizer::new().resize(image, &mut result, &options).map_err(|error| Failure::internal(&error))?;
    stop.check()?;
    Ok(result)
}

fn algorithm(filter: Filter) -> ResizeAlg {
    match filter {
        Filter::Lanczos3 => ResizeAlg::Convolution(FilterType::Lanczos3),
        Filter::Mitchell => ResizeAlg::Convolution(FilterType::Mitchell),
        Filter::Bicubic => ResizeAlg::Convolution(FilterType::CatmullRom),
        Filter::Bilinear => ResizeAlg::Convolution(FilterType::Bilinear),
        Filter::Nearest => ResizeAlg::Nearest,
    }
}

/// A filter that makes every pixel of several.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Resampling(Filter);

impl Resampling {
    /// A triangle.
    pub(crate) const BILINEAR: Self = Self(Filter::Bilinear);

    /// `None` for the filter that takes pixels as they are.
    pub(crate) fn smooth(filter: Filter) -> Option<Self> {
        (filter != Filter::Nearest).then_some(Self(filter))
    }

    pub(crate) fn algorithm(self) -> ResizeAlg {
        algorithm(self.0)
    }
}

fn filter_name(filter: Filter) -> &'static str {
    match filter {
        Filter::Lanczos3 => "lanczos3",
        Filter::Mitchell => "mitchell",
        Filter::Bicubic => "bicubic",
        Filter::Bilinear => "bilinear",
        Filter::Nearest => "nearest",
    }
}

fn fit_name(fit: Fit) -> &'static str {
    match fit {
        Fit::Inside => "inside",
        Fit::Outside => "outside",
        Fit::Cover => "cover",
        Fit::Contain | Fit::Pad => "contain",
        Fit::Fill => "fill",
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;
    use crate::engine::fixtures;

    fn size_of(json: &str, from: (u32, u32)) -> (u32, u32) {
        let step: Resize = serde_json::from_str(json).unwrap();
        let canvas = place(&step, Size::new(from.0, from.1), (0.5, 0.5)).canvas;
        (canvas.width, canvas.height)
    }

    #[test]
    fn sizes() {
        for (json, from, to) in [
            (r#"{"width":800,"height":800}"#, (4000, 3000), (800, 600)),
            (r#"{"width":800,"height":800}"#, (3000, 4000), (600, 800)),
            (r#"{"width":800}"#, (4000, 3000), (800, 600)),
            (r#"{"height":600}"#, (4000, 3000), (800, 600)),
            (r#"{"width":800}"#, (400, 300), (400, 300)),
            (r#"{"width":800,"upscale":true}"#, (400, 300), (800, 600)),
            (r#"{"width":800,"height":800,"upscale":true}"#, (400, 300), (800, 600)),
            (r#"{"width":500,"height":500}"#, (4000, 3), (500, 1)),
            (r#"{"width":1,"height":1}"#, (4000, 3000), (1, 1)),
            (r#"{"width":800,"height":800,"fit":"outside"}"#, (4000, 3000), (1067, 800)),
            (r#"{"width":800,"height":800,"fit":"outside"}"#, (400, 300), (400, 300)),
            (r#"{"width":800,"height":800,"fit":"outside","upscale":true}"#, (400, 300), (1067, 800)),
            (r#"{"width":800,"height":800,"fit":"cover"}"#, (4000, 3000), (800, 800)),
            (r#"{"width":800,"height":800,"fit":"cover"}"#, (40, 30), (800, 800)),
            (r#"{"width":800,"height":200,"fit":"contain"}"#, (4000, 3000), (800, 200)),
            (r#"{"width":800,"height":200,"fit":"pad"}"#, (4, 3), (800, 200)),
            (r#"{"width":7,"height":900,"fit":"fill"}"#, (4000, 3000), (7, 900)),
            (r#"{"width":800,"fit":"cover"}"#, (4000, 3000), (800, 600)),
        ] {
            assert_eq!(size_of(json, from), to, "{json} of {from:?}");
        }
    }

    #[test]
    fn inside_is_never_larger_than_the_box() {
        for width in (1..2000).step_by(37) {
            for height in (1..2000).step_by(41) {
                let (w, h) = size_of(r#"{"width":333,"height":77,"upscale":true}"#, (width, height));
                assert!(w <= 333 && h <= 77 && (w == 333 || h == 77), "{width}x{height} -> {w}x{h}");
                let (w, h) = size_of(r#"{"width":333,"height":77,"fit":"outside","upscale":true}"#, (width, height));
                assert!(w >= 333 && h >= 77 && (w == 333 || h == 77), "{width}x{height} -> {w}x{h}");
            }
        }
    }

    #[test]
    fn cover_keeps_what_gravity_says() {
        let of = |gravity: &str| {
            let json = format!(r#"{{"width":100,"height":100,"fit":"cover","gravity":"{gravity}"}}"#);
            let step: Resize = serde_json::from_str(&json).unwrap();
            place(&step, Size::new(301, 200), step.gravity.fractions()).source
        };
        assert_eq!(of("west"), (0.0, 0.0, 200.0, 200.0));
        assert_eq!(of("center"), (50.5, 0.0, 200.0, 200.0));
        assert_eq!(of("north_east"), (101.0, 0.0, 200.0, 200.0));
    }

    #[test]
    fn contain_pads_by_gravity_with_the_background() {
        let blue = RgbaImage::from_pixel(20, 10, Rgba([0, 0, 255, 255]));
        let step =
            r##"[{"op":"resize","width":40,"height":40,"fit":"contain","gravity":"north","background":"#ff0000"}]"##;
        let result = fixtures::run(blue.clone(), step).into_rgba8();
        assert_eq!(result.dimensions(), (40, 40));
        assert_eq!(result.get_pixel(20, 19).0, [0, 0, 255, 255]);
        assert_eq!(result.get_pixel(20, 20).0, [255, 0, 0, 255]);
        // Without a background: transparent where the output can hold it.
        let result = fixtures::run(blue, r#"[{"op":"resize","width":40,"height":40,"fit":"pad"}]"#).into_rgba8();
        assert_eq!(result.get_pixel(0, 0).0[3], 0);
        assert_eq!(result.get_pixel(20, 20).0, [0, 0, 255, 255]);
    }

    #[test]
    fn invisible_colours_do_not_bleed() {
        for filter in ["lanczos3", "mitchell", "bicubic", "bilinear"] {
            let step = format!(r#"[{{"op":"resize","width":23,"filter":"{filter}"}}]"#);
            let result = fixtures::run(fixtures::disc(100), &step).into_rgba8();
            for pixel in result.pixels().filter(|pixel| pixel.0[3] > 8) {
                assert!(pixel.0[0] >= 240 && pixel.0[1] <= 10, "{filter}: {pixel:?}");
            }
        }
    }

    #[test]
    fn all_filters_keep_a_flat_colour_and_all_kinds_of_pixels() {
        for filter in ["lanczos3", "mitchell", "bicubic", "bilinear", "nearest"] {
            let step = format!(r#"[{{"op":"resize","width":31,"height":17,"fit":"fill","filter":"{filter}"}}]"#);
            for image in [
                DynamicImage::new_luma8(90, 70),
                DynamicImage::new_luma_a8(90, 70),
                DynamicImage::new_rgb8(90, 70),
                DynamicImage::new_rgba8(90, 70),
                DynamicImage::new_luma16(90, 70),
                DynamicImage::new_luma_a16(90, 70),
                DynamicImage::new_rgb16(90, 70),
                DynamicImage::new_rgba16(90, 70),
            ] {
                let result = fixtures::run(image.clone(), &step);
                assert_eq!((result.width(), result.height(), result.color()), (31, 17, image.color()));
            }
            let flat = image::RgbImage::from_pixel(90, 70, image::Rgb([200, 100, 50]));
            let result = fixtures::run(flat, &step).into_rgb8();
            assert!(result.pixels().all(|p| p.0 == [200, 100, 50]), "{filter}");
        }
    }
}
