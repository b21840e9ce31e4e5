//! `grayscale`: the luma of every pixel.

use image::DynamicImage;

use super::Notes;
use crate::engine::pixels;

pub(super) fn apply(image: DynamicImage, path: &str, notes: &mut Notes) -> DynamicImage {
    if let Some(gray) = pixels::gray(&image) {
        notes.applied("grayscale");
        return gray;
    }
    notes.ignored(format!("grayscale ({path}): the picture has no colour"));
    image
}
