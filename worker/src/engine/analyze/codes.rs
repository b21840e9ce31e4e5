//! QR codes.

use common::{Failure, analysis::Code, recipe::Color};
use image::{DynamicImage, GrayImage};
use rqrr::PreparedImage;

use super::at_most;
use crate::engine::{Stop, foreign, pixels};

/// Codes are looked for at this size, …
const SIDE: u32 = 1600;
/// … and at this one, where large modules have no noise.
const SMALL_SIDE: u32 = 600;
/// The most that are told.
const MOST: usize = 20;

/// The codes in `image`.
pub(super) fn of(image: &DynamicImage, stop: &Stop) -> Result<Vec<Code>, Failure> {
    for side in [SIDE, SMALL_SIDE] {
        let small = at_most(image, side, stop)?;
        let scale = f64::from(image.width()) / f64::from(small.width());
        let gray = pixels::flatten(pixels::narrow(small), Color::WHITE).into_luma8();
        // A foreign decoder on hostile pixels: its panic is no reason to keep the rest from the caller.
        let found = foreign::guarded(|| found(&gray, scale)).unwrap_or_default();
        stop.check()?;
        if !found.is_empty() || image.width().max(image.height()) <= SMALL_SIDE {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn found(gray: &GrayImage, scale: f64) -> Vec<Code> {
    let (width, height) = (gray.width() as usize, gray.height() as usize);
    let at = |x: usize, y: usize| gray.as_raw().get(y * width + x).copied().unwrap_or(255);
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, at);
    let grids = prepared.detect_grids();
    let codes = grids.iter().filter_map(|grid| {
        let (_, text) = grid.decode().ok()?;
        let corner = |value: i32| (f64::from(value) * scale).round() as i32;
        Some(Code { text, quad: grid.bounds.iter().flat_map(|point| [corner(point.x), corner(point.y)]).collect() })
    });
    codes.take(MOST).collect()
}
