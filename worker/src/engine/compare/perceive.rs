//! By how much an eye sees each pixel differ: a weighted distance in YIQ (Kotsarenko and Ramos, 2010), and whether a
//! pixel only smooths an edge (Vyšniauskas, 2009), both as the program pixelmatch uses them.

use common::Failure;
use image::RgbImage;

use crate::engine::Stop;

/// The squared distance of black and white.
const FARTHEST: f32 = 35_215.0;

/// What is known of every pixel.
pub(super) struct Map {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The difference, 0 to 1; 0 where it does not count.
    pub(super) differences: Vec<f32>,
    /// Pixels that count.
    pub(super) changed: u64,
    /// Pixels that differ only because an edge is smoothed otherwise.
    pub(super) antialiased: u64,
}

impl Map {
    /// Compares two pictures of one size.
    pub(super) fn of(a: &RgbImage, b: &RgbImage, threshold: f32, ignore: bool, stop: &Stop) -> Result<Self, Failure> {
        let (width, height) = a.dimensions();
        let mut map = Self { width, height, differences: Vec::new(), changed: 0, antialiased: 0 };
        map.differences.reserve_exact(width as usize * height as usize);
        for y in 0..height {
            stop.check()?;
            for x in 0..width {
                let difference = difference(pixel(a, x, y), pixel(b, x, y));
                let counts = difference > threshold;
                let smooths = counts && ignore && (smooths(a, b, x, y) || smooths(b, a, x, y));
                map.changed += u64::from(counts && !smooths);
                map.antialiased += u64::from(smooths);
                map.differences.push(if counts && !smooths { difference } else { 0.0 });
            }
        }
        Ok(map)
    }

    pub(super) fn at(&self, x: u32, y: u32) -> f32 {
        self.differences.get(y as usize * self.width as usize + x as usize).copied().unwrap_or_default()
    }
}

fn pixel(image: &RgbImage, x: u32, y: u32) -> [u8; 3] {
    image.get_pixel(x, y).0
}

/// From 0 to 1, where 1 is black against white.
pub(super) fn difference(a: [u8; 3], b: [u8; 3]) -> f32 {
    if a == b {
        return 0.0;
    }
    let [r, g, b] = std::array::from_fn(|channel| f32::from(a[channel]) - f32::from(b[channel]));
    let y = 0.298_895_3 * r + 0.586_622_5 * g + 0.114_482_23 * b;
    let i = 0.595_977_99 * r - 0.274_176_1 * g - 0.321_801_9 * b;
    let q = 0.211_470_17 * r - 0.522_617_1 * g + 0.311_146_94 * b;
    ((0.5053 * y * y + 0.299 * i * i + 0.1957 * q * q) / FARTHEST).sqrt()
}

fn light([r, g, b]: [u8; 3]) -> f32 {
    0.298_895_3 * f32::from(r) + 0.586_622_5 * f32::from(g) + 0.114_482_23 * f32::from(b)
}

/// Whether the pixel lies between a darker and a lighter neighbour that both belong to flat parts of both pictures.
fn smooths(one: &RgbImage, other: &RgbImage, x: u32, y: u32) -> bool {
    let own = light(pixel(one, x, y));
    let mut equal = u32::from(at_border(one, x, y));
    let (mut darkest, mut lightest) = ((0.0f32, (x, y)), (0.0f32, (x, y)));
    for (column, row) in around(one, x, y) {
        let step = light(pixel(one, column, row)) - own;
        if step == 0.0 {
            equal += 1;
            if equal > 2 {
                return false;
            }
        } else if step < darkest.0 {
            darkest = (step, (column, row));
        } else if step > lightest.0 {
            lightest = (step, (column, row));
        }
    }
    if darkest.0 == 0.0 || lightest.0 == 0.0 {
        return false;
    }
    let flat = |(x, y)| is_flat(one, x, y) && is_flat(other, x, y);
    flat(darkest.1) || flat(lightest.1)
}

/// Whether at least three neighbours have the same colour.
fn is_flat(image: &RgbImage, x: u32, y: u32) -> bool {
    let own = pixel(image, x, y);
    let equal = around(image, x, y).filter(|(column, row)| pixel(image, *column, *row) == own).count();
    equal + usize::from(at_border(image, x, y)) > 2
}

fn at_border(image: &RgbImage, x: u32, y: u32) -> bool {
    x == 0 || y == 0 || x + 1 == image.width() || y + 1 == image.height()
}

fn around(image: &RgbImage, x: u32, y: u32) -> impl Iterator<Item = (u32, u32)> {
    let (width, height) = image.dimensions();
    let rows = y.saturating_sub(1)..(y + 2).min(height);
    rows.flat_map(move |row| (x.saturating_sub(1)..(x + 2).min(width)).map(move |column| (column, row)))
        .filter(move |place| *place != (x, y))
}
