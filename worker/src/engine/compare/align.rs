//! Where the second picture fits the first: a search of moves on small copies, made finer on larger ones.

use common::{Failure, comparison::Shift};
use image::{DynamicImage, GrayImage, RgbImage, imageops};

use crate::engine::{Stop, limits::Size, step::resize};

/// Sides of the copies, the smallest first; the pictures themselves come last.
const SIDES: [u32; 4] = [96, 192, 384, 768];

/// The farthest move, as a share of each side.
const FARTHEST: f32 = 0.1;

/// A move must lower the mean difference to this share of what it is without, or it stays.
const GAIN: f64 = 0.9;

/// By how much `b` is to be moved to fit `a` best; both are of one size.
pub(super) fn shift(a: &RgbImage, b: &RgbImage, stop: &Stop) -> Result<Shift, Failure> {
    let size = Size::new(a.width(), a.height());
    let longest = size.width.max(size.height);
    let gray = |image: &RgbImage| DynamicImage::from(imageops::grayscale(image));
    let (a, b) = (gray(a), gray(b));
    let mut best: Option<(f64, f64)> = None;
    for side in SIDES.into_iter().filter(|side| *side < longest).chain([longest.min(4096)]) {
        stop.check()?;
        let to = resize::inside(size, side);
        let scale = f64::from(to.width) / f64::from(size.width);
        let small = |image: &DynamicImage| Ok::<_, Failure>(resize::scaled(image, to, stop)?.into_luma8());
        let (small_a, small_b) = (small(&a)?, small(&b)?);
        let most = [to.width, to.height].map(|side| (side as f32 * FARTHEST) as i32);
        let (x, y) = match best {
            None => around(&small_a, &small_b, (0, 0), most, most, stop)?,
            Some((x, y)) => {
                let near = ((x * scale).round() as i32, (y * scale).round() as i32);
                around(&small_a, &small_b, near, [2, 2], most, stop)?
            }
        };
        best = Some((f64::from(x) / scale, f64::from(y) / scale));
    }
    let (x, y) = best.unwrap_or_default();
    let shift = Shift { x: x.round() as i32, y: y.round() as i32 };
    let (a, b) = (a.into_luma8(), b.into_luma8());
    let (moved, still) = (mean(&a, &b, (shift.x, shift.y)), mean(&a, &b, (0, 0)));
    Ok(if moved < still * GAIN { shift } else { Shift::default() })
}

/// The best move that is at most `reach` away from `near`, and within `most`.
fn around(
    a: &GrayImage,
    b: &GrayImage,
    near: (i32, i32),
    reach: [i32; 2],
    most: [i32; 2],
    stop: &Stop,
) -> Result<(i32, i32), Failure> {
    let mut best = (f64::MAX, (0, 0));
    for y in (near.1 - reach[1]).max(-most[1])..=(near.1 + reach[1]).min(most[1]) {
        stop.check()?;
        for x in (near.0 - reach[0]).max(-most[0])..=(near.0 + reach[0]).min(most[0]) {
            let difference = mean(a, b, (x, y));
            let far = |(x, y): (i32, i32)| x.abs() + y.abs();
            // Of two that fit the same, the shorter.
            if difference < best.0 || (difference <= best.0 && far((x, y)) < far(best.1)) {
                best = (difference, (x, y));
            }
        }
    }
    Ok(best.1)
}

/// The mean difference where both overlap, when `b` is moved.
fn mean(a: &GrayImage, b: &GrayImage, (x, y): (i32, i32)) -> f64 {
    let (width, height) = (a.width() as usize, a.height() as usize);
    let (columns, rows) = (width.saturating_sub(offset(x)), height.saturating_sub(offset(y)));
    let (from_a, from_b) = ([positive(x), positive(y)], [positive(-x), positive(-y)]);
    let mut sum = 0u64;
    for row in 0..rows {
        let part = |image: &GrayImage, [left, top]: [usize; 2]| (top + row) * image.width() as usize + left;
        let (start_a, start_b) = (part(a, from_a), part(b, from_b));
        let (line_a, line_b) = (&a.as_raw()[start_a..start_a + columns], &b.as_raw()[start_b..start_b + columns]);
        sum += line_a.iter().zip(line_b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
    }
    sum as f64 / ((columns * rows) as f64).max(1.0)
}

fn offset(by: i32) -> usize {
    by.unsigned_abs() as usize
}

fn positive(by: i32) -> usize {
    by.max(0).unsigned_abs() as usize
}

/// The parts of both pictures that lie on each other when `b` is moved.
pub(super) fn overlap(a: &RgbImage, b: &RgbImage, shift: Shift) -> (RgbImage, RgbImage) {
    let (width, height) = (a.width() - shift.x.unsigned_abs(), a.height() - shift.y.unsigned_abs());
    let part = |image: &RgbImage, x: i32, y: i32| {
        imageops::crop_imm(image, x.max(0).unsigned_abs(), y.max(0).unsigned_abs(), width, height).to_image()
    };
    (part(a, shift.x, shift.y), part(b, -shift.x, -shift.y))
}
