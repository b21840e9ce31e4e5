//! `invert`: the negative.

use common::Failure;
use image::DynamicImage;

use super::{Notes, tone};

pub(super) fn apply(image: DynamicImage, notes: &mut Notes) -> Result<DynamicImage, Failure> {
    notes.applied("invert");
    tone::map(image, |value| 1.0 - value)
}
