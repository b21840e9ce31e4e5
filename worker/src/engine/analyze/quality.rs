//! How sharp, light and noisy a picture is.

use common::{Failure, analysis::Quality};
use image::{DynamicImage, GrayImage, RgbaImage, imageops};

use super::{at_most, rounded};
use crate::engine::Stop;

/// Sharpness is measured at this size, so that it can be compared between pictures.
const SHARPNESS_SIDE: u32 = 1024;
/// Noise is measured in the middle, at its own size: it is lost where a picture is made smaller.
const NOISE_SIDE: u32 = 1536;
/// Side of the squares of which the flattest count.
const SQUARE: u32 = 16;

/// Variances of the Laplacian below which a picture looks soft, and blurred.
const SOFT: f64 = 200.0;
const BLURRED: f64 = 40.0;

pub(super) fn of(image: &RgbaImage, stop: &Stop) -> Result<Quality, Failure> {
    let whole = DynamicImage::from(image.clone());
    let light = histogram(image);
    let pixels = light.iter().sum::<u64>().max(1) as f64;
    let mean = |of: &dyn Fn(f64) -> f64| {
        light.iter().zip(0u8..=255).map(|(count, value)| *count as f64 * of(f64::from(value) / 255.0)).sum::<f64>()
            / pixels
    };
    let brightness = mean(&|value| value);
    let contrast = mean(&|value| (value - brightness).powi(2)).sqrt();
    let share = |counts: &[u64]| counts.iter().sum::<u64>() as f64 / pixels;
    stop.check()?;
    let sharpness = laplacian(&at_most(&whole, SHARPNESS_SIDE, stop)?.into_luma8());
    let noise = noise(&middle(image));
    let colored = image.pixels().any(|pixel| {
        let [r, g, b, alpha] = pixel.0;
        alpha > 0 && r.max(g).max(b) - r.min(g).min(b) > 4
    });
    Ok(Quality {
        sharpness: (sharpness * 10.0).round() / 10.0,
        sharpness_word: match sharpness {
            value if value >= SOFT => "sharp",
            value if value >= BLURRED => "soft",
            _ => "blurred or without detail",
        }
        .into(),
        brightness: rounded(brightness),
        brightness_word: match brightness {
            value if value < 0.25 => "dark",
            value if value > 0.75 => "bright",
            _ => "balanced",
        }
        .into(),
        contrast: rounded(contrast),
        clipped_shadows: rounded(share(light.get(..=3).unwrap_or_default())),
        clipped_highlights: rounded(share(light.get(252..).unwrap_or_default())),
        noise: noise.map(|noise| (noise * 100.0).round() / 100.0),
        grayscale: !colored,
    })
}

/// How often each light is among the pixels that can be seen.
fn histogram(image: &RgbaImage) -> [u64; 256] {
    let mut counts = [0; 256];
    for pixel in image.pixels().filter(|pixel| pixel.0[3] >= 16) {
        let [r, g, b, _] = pixel.0.map(u32::from);
        let light = (r * 13_933 + g * 46_871 + b * 4_732 + 32_768) >> 16;
        counts[light.min(255) as usize] += 1;
    }
    counts
}

/// The variance of the Laplacian.
fn laplacian(image: &GrayImage) -> f64 {
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    for y in 1..image.height().saturating_sub(1) {
        for x in 1..image.width().saturating_sub(1) {
            let at = |x: u32, y: u32| f64::from(image.get_pixel(x, y).0[0]);
            let value = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4.0 * at(x, y);
            sum += value;
            squares += value * value;
            count += 1.0;
        }
    }
    if count == 0.0 { 0.0 } else { squares / count - (sum / count).powi(2) }
}

fn middle(image: &RgbaImage) -> GrayImage {
    let side = |length: u32| length.min(NOISE_SIDE);
    let (width, height) = (side(image.width()), side(image.height()));
    let (left, top) = ((image.width() - width) / 2, (image.height() - height) / 2);
    imageops::grayscale(&imageops::crop_imm(image, left, top, width, height).to_image())
}

/// Standard deviation of the noise (Immerkær, 1996), in the tenth of squares where it is least: elsewhere it is texture.
fn noise(image: &GrayImage) -> Option<f64> {
    let mut squares = Vec::new();
    for top in (1..image.height().saturating_sub(SQUARE)).step_by(SQUARE as usize) {
        for left in (1..image.width().saturating_sub(SQUARE)).step_by(SQUARE as usize) {
            squares.extend(square(image, left, top));
        }
    }
    squares.sort_by(f64::total_cmp);
    squares.get(squares.len() / 10).copied()
}

/// The noise of one square; `None` where light or shadow is clipped, which hides it.
fn square(image: &GrayImage, left: u32, top: u32) -> Option<f64> {
    let mut sum = 0.0;
    for y in top..top + SQUARE {
        for x in left..left + SQUARE {
            let at = |dx: u32, dy: u32| f64::from(image.get_pixel(x + dx - 1, y + dy - 1).0[0]);
            if !(4.0..=251.0).contains(&at(1, 1)) {
                return None;
            }
            let corners = at(0, 0) + at(2, 0) + at(0, 2) + at(2, 2);
            let edges = at(1, 0) + at(0, 1) + at(2, 1) + at(1, 2);
            sum += (corners - 2.0 * edges + 4.0 * at(1, 1)).abs();
        }
    }
    let count = f64::from(SQUARE * SQUARE);
    Some((std::f64::consts::PI / 2.0).sqrt() / 6.0 * sum / count)
}
