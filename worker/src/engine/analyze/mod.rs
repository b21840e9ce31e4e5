//! What can be measured in a picture without a model that sees.

mod codes;
mod palette;
mod quality;
#[cfg(test)]
mod tests;

use common::{
    Failure,
    analysis::{Focus, Measured, Transparency},
};
use image::DynamicImage;

use super::{Stop, limits::Size, metadata::hashes, pixels, step::resize};

/// Bytes a pixel that are needed beside the picture: a copy of eight bits.
pub(crate) const BYTES_A_PIXEL: u64 = 8;

/// Measures what `focus` says.
///
/// # Errors
/// What `stop` says.
pub(crate) fn measure(image: &DynamicImage, focus: &[Focus], stop: &Stop) -> Result<Measured, Failure> {
    let wants = |part| focus.contains(&part);
    let mut measured = Measured::default();
    if wants(Focus::Colors) || wants(Focus::Quality) {
        let plain = pixels::narrow(image.clone()).into_rgba8();
        stop.check()?;
        if wants(Focus::Colors) {
            measured.palette = Some(palette::of(&plain, stop)?);
            measured.transparency = transparency(&plain);
        }
        if wants(Focus::Quality) {
            measured.quality = Some(quality::of(&plain, stop)?);
        }
    }
    if wants(Focus::Codes) {
        measured.codes = Some(codes::of(image, stop)?);
    }
    if wants(Focus::Hashes) {
        measured.hashes = Some(hashes::visual(image, stop)?);
    }
    Ok(measured)
}

fn transparency(image: &image::RgbaImage) -> Option<Transparency> {
    let (clear, partial) = image.pixels().fold((0u64, 0u64), |(clear, partial), pixel| match pixel.0[3] {
        0 => (clear + 1, partial),
        255 => (clear, partial),
        _ => (clear, partial + 1),
    });
    let pixels = (f64::from(image.width()) * f64::from(image.height())).max(1.0);
    (clear + partial > 0)
        .then(|| Transparency { clear: rounded(clear as f64 / pixels), partial: rounded(partial as f64 / pixels) })
}

/// `image` with sides of at most `side`.
fn at_most(image: &DynamicImage, side: u32, stop: &Stop) -> Result<DynamicImage, Failure> {
    let size = Size::new(image.width(), image.height());
    if size.width.max(size.height) <= side {
        return Ok(image.clone());
    }
    resize::bilinear(image, resize::inside(size, side), stop)
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
