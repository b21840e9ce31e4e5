//! How two pictures differ.
//!
//! [`align`] lays the second on the first, [`perceive`] tells by how much an eye sees each pixel differ, [`regions`]
//! gathers what differs into rectangles, [`heat`] draws them.

mod align;
mod heat;
mod perceive;
mod regions;
#[cfg(test)]
mod tests;

use common::{
    Facts, Failure, Format, Warning,
    comparison::{Comparison, Shift, Verdict},
    recipe::Color,
};
use image::{DynamicImage, RgbImage};

use self::perceive::Map;
use super::{
    Preview, PreviewKind, Stop,
    codec::{self, Encoding},
    limits::Size,
    look::Seen,
    metadata::hashes,
    pixels, preview,
    ssim::{self, Luma},
    step::resize,
};

/// Bytes a pixel of the larger picture that are needed beside both: two copies, the map, the marks, the drawing.
pub(crate) const BYTES_A_PIXEL: u64 = 24;

/// Below this likeness two pictures are called different.
const SIMILAR: f64 = 0.6;

/// How two pictures are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// Whether to look for the place where the second fits the first.
    pub(crate) align: bool,
    /// The least difference that counts, 0 to 1.
    pub(crate) threshold: f32,
    /// Whether pixels that only smooth an edge count.
    pub(crate) ignore_antialiasing: bool,
    /// What is shown of the drawing.
    pub(crate) show: PreviewKind,
    /// Whether the drawing is wanted at all.
    pub(crate) heat: bool,
}

/// The drawing of what differs, as a file.
pub(crate) struct Drawing {
    pub(crate) bytes: Vec<u8>,
    pub(crate) facts: Facts,
    pub(crate) preview: Option<Preview>,
}

/// Two pictures that were compared.
pub(crate) struct Compared {
    pub(crate) comparison: Comparison,
    pub(crate) drawing: Option<Drawing>,
    pub(crate) warnings: Vec<Warning>,
}

/// Compares two pictures.
///
/// # Errors
/// `invalid_argument` where nothing can be compared, or what `stop` says.
pub(crate) fn compare(one: &Seen, other: &Seen, how: &How, stop: &Stop) -> Result<Compared, Failure> {
    let mut warnings: Vec<Warning> = one.warnings.iter().chain(&other.warnings).cloned().collect();
    let (dhash, phash) = hashes::distances(&one.image, &other.image, stop)?;
    let (a, b) = (opaque(&one.image), opaque(&other.image));
    let size = Size::new(a.width(), a.height());
    let theirs = Size::new(b.width(), b.height());
    let b = if theirs == size {
        b
    } else {
        warnings.push(Warning::new("resized", resized(theirs, size)));
        resize::scaled(&DynamicImage::from(b), size, stop)?.into_rgb8()
    };
    let shift = if how.align { align::shift(&a, &b, stop)? } else { Shift::default() };
    let (a, b) = align::overlap(&a, &b, shift);
    let map = Map::of(&a, &b, how.threshold, how.ignore_antialiasing, stop)?;
    let found = regions::find(&map, stop)?;
    let moved = shift != Shift::default();
    let luma = |image: &RgbImage| Luma::of(&DynamicImage::from(image.clone()), stop);
    let ssim = ssim::between(&luma(&a)?, &luma(&b)?, stop)?;
    let (mean_error, psnr_db) = errors(&a, &b);
    let same_alpha = theirs == size && !moved && alphas(&one.image) == alphas(&other.image);
    let pixels = (a.width() as f64 * a.height() as f64).max(1.0);
    let changed_share = map.changed as f64 / pixels;
    let verdict = match (psnr_db, map.changed) {
        (None, _) if same_alpha => Verdict::Identical,
        (_, 0) => Verdict::VisuallyIdentical,
        _ if ssim >= SIMILAR => Verdict::Similar,
        _ => Verdict::Different,
    };
    let drawing = if how.heat { Some(draw(&a, &map, &found.changes, how.show, stop)?) } else { None };
    // Back to pixels of the whole first picture.
    let (left, top) = (shift.x.max(0).unsigned_abs(), shift.y.max(0).unsigned_abs());
    let mut regions = found.changes;
    for change in &mut regions {
        change.frame.x += left;
        change.frame.y += top;
    }
    let comparison = Comparison {
        verdict,
        ssim: rounded(ssim),
        psnr_db: psnr_db.map(rounded),
        mean_error: rounded(mean_error),
        changed_share: rounded(changed_share),
        antialiased_share: rounded(map.antialiased as f64 / pixels),
        dhash_distance: dhash,
        phash_distance: phash,
        shift: moved.then_some(shift),
        regions,
        more_regions: found.more,
    };
    Ok(Compared { comparison, drawing, warnings })
}

fn resized(from: Size, to: Size) -> String {
    format!("image_b is {from}, image_a is {to}: image_b was resized to that before it was compared.")
}

/// Eight bits of red, green and blue; what is transparent lies on white.
fn opaque(image: &DynamicImage) -> RgbImage {
    pixels::flatten(pixels::narrow(image.clone()), Color::WHITE).into_rgb8()
}

/// The alpha channel, where it says something.
fn alphas(image: &DynamicImage) -> Option<Vec<u8>> {
    pixels::is_transparent(image).then(|| image.to_rgba8().pixels().map(|pixel| pixel.0[3]).collect())
}

/// The mean difference of a channel, and the ratio of signal to noise in dB, where there is noise.
fn errors(a: &RgbImage, b: &RgbImage) -> (f64, Option<f64>) {
    let samples = a.as_raw().len().max(1) as f64;
    let (sum, squares) = a.as_raw().iter().zip(b.as_raw()).fold((0u64, 0u64), |(sum, squares), (a, b)| {
        let difference = u64::from(a.abs_diff(*b));
        (sum + difference, squares + difference * difference)
    });
    let mean_square = squares as f64 / samples;
    (sum as f64 / samples, (squares > 0).then(|| 10.0 * (255.0 * 255.0 / mean_square).log10()))
}

fn draw(
    a: &RgbImage,
    map: &Map,
    changes: &[common::comparison::Change],
    show: PreviewKind,
    stop: &Stop,
) -> Result<Drawing, Failure> {
    let image = DynamicImage::from(heat::draw(a, map, changes, stop)?);
    let encoding = Encoding { format: Format::Png, quality: 100, lossless: false, progressive: false };
    let bytes = codec::encode_pixels(&image, &encoding, stop)?;
    let facts = Facts {
        width: image.width(),
        height: image.height(),
        format: Format::Png,
        bytes: bytes.len() as u64,
        sha256: hashes::sha256(&bytes),
        alpha: false,
        bit_depth: 8,
    };
    let preview = preview::make(&image, None, show, stop)?;
    Ok(Drawing { bytes, facts, preview })
}

/// Six digits are more than the eye can tell.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
