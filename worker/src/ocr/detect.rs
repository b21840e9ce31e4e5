//! Where text is: a map of how likely each pixel belongs to text, and rectangles around what is likely.

use std::ops::Range;

use common::Failure;
use image::{DynamicImage, GenericImageView, Rgb, RgbImage};
use rten_tensor::{NdTensor, prelude::*};

use super::{
    models::Models,
    parts::{self, Part},
    slanted::{Point, Slanted, bounds},
};
use crate::engine::{Size, Stop, bilinear};

/// A picture is enlarged until its short side has so many pixels, …
const SHORT_SIDE: f32 = 736.0;
/// … but by no more than this, …
const MOST_ENLARGED: f32 = 2.0;
/// … and made smaller until its long side has no more than so many.
const LONG_SIDE: f32 = 1600.0;
/// What is so many times as long as it is wide is a strip, such as a picture of a scrolled page. It is looked at part by
/// part, for as a whole its letters would be too small: …
const STRIP: u32 = 2;
/// … it is made smaller until its short side has no more than so many pixels, …
const STRIP_SHORT_SIDE: f32 = 1120.0;
/// … and its long side no more than so many.
const STRIP_LONG_SIDE: f32 = 16_000.0;

/// A pixel that is likelier text than this, of 255, belongs to text.
const LIKELY: u8 = 51;
/// The mean of a rectangle that counts.
const SCORE: f32 = 0.45;
/// The network marks the core of a line; the line is larger by this.
const GROW: f32 = 1.8;
/// No page has more lines; noise might.
pub(super) const MOST_LINES: usize = 1000;

/// Mean and deviation of the pictures the network learned from, in the order of their planes.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Where text is.
pub(super) struct Found {
    pub(super) places: Vec<Slanted>,
    /// By how much the picture was made smaller to look for text; 1 or more where it was not.
    pub(super) scale: f32,
    /// There were more places than [`MOST_LINES`].
    pub(super) too_many: bool,
}

/// Whether a picture is looked at part by part.
pub(super) fn is_strip(size: Size) -> bool {
    size.width.max(size.height) > STRIP * size.width.min(size.height)
}

/// The size at which a picture is looked at, whose sides are multiples of 32.
fn size_for(full: Size) -> (Size, f32) {
    let (width, height) = (full.width as f32, full.height as f32);
    let (short, long) = (width.min(height), width.max(height));
    let enlarged = (SHORT_SIDE / short).clamp(1.0, MOST_ENLARGED);
    let scale = if is_strip(full) {
        enlarged.min(STRIP_SHORT_SIDE / short).min(STRIP_LONG_SIDE / long)
    } else {
        enlarged.min(LONG_SIDE / long)
    };
    let side = |length: f32| (length * scale / 32.0).round().max(1.0) as u32 * 32;
    (Size::new(side(width), side(height)), scale)
}

/// Finds the lines of `image`.
pub(super) fn lines(models: &Models, image: &DynamicImage, stop: &Stop) -> Result<Found, Failure> {
    let DynamicImage::ImageRgb8(full) = image else {
        return Err(Failure::internal(&"text is looked for in other pixels than RGB"));
    };
    let (size, scale) = size_for(Size::new(full.width(), full.height()));
    let map = Map::of(models, &bilinear(image, size, stop)?.into_rgb8(), stop)?;
    let (fx, fy) = (full.width() as f32 / size.width as f32, full.height() as f32 / size.height as f32);
    let mut places: Vec<Slanted> =
        map.pieces(stop)?.iter().filter_map(|edge| map.place(edge)).map(|place| place.scaled(fx, fy)).collect();
    let too_many = places.len() > MOST_LINES;
    if too_many {
        places.sort_by(|a, b| b.area().total_cmp(&a.area()));
        places.truncate(MOST_LINES);
    }
    Ok(Found { places, scale, too_many })
}

/// Blue, green and red as the network takes them.
fn planes(image: &impl GenericImageView<Pixel = Rgb<u8>>) -> NdTensor<f32, 4> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let mut data = Vec::with_capacity(3 * width * height);
    for ((channel, mean), deviation) in [2, 1, 0].into_iter().zip(MEAN).zip(DEVIATION) {
        let (factor, offset) = (1.0 / (255.0 * deviation), mean / deviation);
        data.extend(image.pixels().map(|(.., pixel)| f32::from(pixel.0[channel]) * factor - offset));
    }
    NdTensor::from_data([1, 3, height, width], data)
}

/// How likely each pixel belongs to text, of 255.
struct Map {
    likely: Vec<u8>,
    width: usize,
    height: usize,
}

impl Map {
    /// Of a picture whose sides are multiples of 32.
    fn of(models: &Models, image: &RgbImage, stop: &Stop) -> Result<Self, Failure> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let mut map = Self { likely: vec![0; width * height], width, height };
        for part in parts::of(width.max(height)) {
            let whole = if width > height { [part.all(), 0..height] } else { [0..width, part.all()] };
            let [x, y] = whole.each_ref().map(|side| (side.start as u32, side.len() as u32));
            let output = models.detect(planes(&*image.view(x.0, y.0, x.1, y.1)))?;
            stop.check()?;
            map.take(&part, &whole, &output.to_vec())?;
        }
        Ok(map)
    }

    /// Takes over what was found in a part, as far as it counts there.
    fn take(&mut self, part: &Part, [columns, rows]: &[Range<usize>; 2], found: &[f32]) -> Result<(), Failure> {
        if found.len() != columns.len() * rows.len() {
            return Err(Failure::internal(&"the network for text answers with a map of another size"));
        }
        let wide = self.width > self.height;
        let counts = if wide { [part.counts.clone(), rows.clone()] } else { [columns.clone(), part.counts.clone()] };
        for y in counts[1].clone() {
            let from = (y - rows.start) * columns.len();
            let found = &found[from + counts[0].start - columns.start..from + counts[0].end - columns.start];
            let kept = &mut self.likely[y * self.width + counts[0].start..y * self.width + counts[0].end];
            kept.iter_mut().zip(found).for_each(|(kept, found)| *kept = (found * 255.0).round() as u8);
        }
        Ok(())
    }

    /// The edges of all connected pieces of likely pixels.
    fn pieces(&self, stop: &Stop) -> Result<Vec<Vec<Point>>, Failure> {
        let mut seen = vec![false; self.likely.len()];
        let (mut pieces, mut open) = (Vec::new(), Vec::new());
        for start in 0..self.likely.len() {
            if start.is_multiple_of(self.width) {
                stop.check()?;
            }
            if seen[start] || self.likely[start] <= LIKELY {
                continue;
            }
            seen[start] = true;
            open.push(start);
            let mut edge = Vec::new();
            while let Some(at) = open.pop() {
                if self.spread(at, &mut seen, &mut open) {
                    edge.push([(at % self.width) as f32, (at / self.width) as f32]);
                }
            }
            pieces.push(edge);
        }
        Ok(pieces)
    }

    /// Adds the likely neighbours of the pixel at `at`; says whether it is at the edge of its piece.
    fn spread(&self, at: usize, seen: &mut [bool], open: &mut Vec<usize>) -> bool {
        let (x, y) = (at % self.width, at / self.width);
        let mut edge = x == 0 || y == 0 || x + 1 == self.width || y + 1 == self.height;
        for row in y.saturating_sub(1)..(y + 2).min(self.height) {
            for column in x.saturating_sub(1)..(x + 2).min(self.width) {
                let next = row * self.width + column;
                if self.likely[next] <= LIKELY {
                    edge = true;
                } else if !seen[next] {
                    seen[next] = true;
                    open.push(next);
                }
            }
        }
        edge
    }

    /// The rectangle of a piece, where it is large and likely enough.
    fn place(&self, edge: &[Point]) -> Option<Slanted> {
        let core = Slanted::around(edge)?;
        let grown = core.grown(GROW);
        let counts =
            core.width.min(core.height) >= 3.0 && grown.width.min(grown.height) >= 5.0 && self.score(&core) >= SCORE;
        counts.then_some(grown)
    }

    /// The mean within a rectangle.
    fn score(&self, place: &Slanted) -> f32 {
        let [left, top, right, bottom] = bounds(&place.quad());
        let range = |low: f32, high: f32, most: usize| {
            low.floor().max(0.0) as usize..(high.ceil().max(0.0) as usize + 1).min(most)
        };
        let (mut sum, mut count) = (0.0f64, 0u32);
        for y in range(top, bottom, self.height) {
            for x in range(left, right, self.width) {
                if place.holds(x as f32, y as f32) {
                    sum += f64::from(self.likely[y * self.width + x]) / 255.0;
                    count += 1;
                }
            }
        }
        (sum / f64::from(count.max(1))) as f32
    }
}
