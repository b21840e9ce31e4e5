//! `blur`: Gaussian.

use common::{Failure, recipe::Blur};
use image::DynamicImage;

use super::{Context, Notes};
use crate::engine::{gauss, pixels::each_buffer};

pub(super) fn apply(
    step: &Blur,
    image: &DynamicImage,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    notes.applied(format!("blur sigma {}", step.sigma));
    each_buffer!(image, buffer => gauss::blurred(buffer, step.sigma, context.stop).map(DynamicImage::from))
}
