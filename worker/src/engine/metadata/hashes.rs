//! Fingerprints: of the bytes, and of what the picture looks like.

use std::fmt::Write;

use common::Failure;
use image::DynamicImage;
use image_hasher::{HashAlg, HasherConfig};
use sha2::{Digest, Sha256};

use super::super::{Stop, limits::Size, step};

/// The longest side that ThumbHash takes, in pixels.
const THUMB_SIDE: u32 = 100;

/// SHA-256, lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The 64-bit gradient hash and the ThumbHash of upright pixels, hexadecimal.
pub(crate) fn visual(image: &DynamicImage, stop: &Stop) -> Result<(String, String), Failure> {
    let size = Size::new(image.width(), image.height());
    let small = step::resize::scaled(image, step::resize::inside(size, THUMB_SIDE), stop)?.into_rgba8();
    let thumb = thumbhash::rgba_to_thumb_hash(small.width() as usize, small.height() as usize, small.as_raw());
    let hasher = HasherConfig::new().hash_alg(HashAlg::Gradient).hash_size(8, 8).to_hasher();
    let perceptual = hasher.hash_image(&DynamicImage::from(small));
    Ok((hex(perceptual.as_bytes()), hex(&thumb)))
}

/// In how many bits of 64 the gradient hashes of two pictures differ, and in how many those of their frequencies.
pub(crate) fn distances(one: &DynamicImage, other: &DynamicImage, stop: &Stop) -> Result<(u32, u32), Failure> {
    let small = |image: &DynamicImage| -> Result<DynamicImage, Failure> {
        let size = Size::new(image.width(), image.height());
        Ok(step::resize::scaled(image, step::resize::inside(size, THUMB_SIDE), stop)?.into_rgba8().into())
    };
    let (one, other) = (small(one)?, small(other)?);
    let gradient = HasherConfig::new().hash_alg(HashAlg::Gradient).hash_size(8, 8);
    let frequency = HasherConfig::new().hash_alg(HashAlg::Median).hash_size(8, 8).preproc_dct();
    let distance = |hasher: image_hasher::Hasher| hasher.hash_image(&one).dist(&hasher.hash_image(&other));
    Ok((distance(gradient.to_hasher()), distance(frequency.to_hasher())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
