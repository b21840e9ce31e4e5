//! `flop`: mirror left to right.

use common::Failure;
use image::DynamicImage;

use super::{Context, Notes};
use crate::engine::orient;

pub(super) fn apply(image: DynamicImage, context: &Context<'_>, notes: &mut Notes) -> Result<DynamicImage, Failure> {
    notes.applied("flop");
    orient::turned(image, orient::FLOP, context.stop)
}
