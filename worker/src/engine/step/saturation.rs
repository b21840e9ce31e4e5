//! `saturation`: more or less colour.

use common::{Failure, recipe::Saturation};
use image::DynamicImage;

use super::{Context, Notes, matrix};

pub(super) fn apply(
    step: &Saturation,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if step.factor == 1.0 || !image.color().has_color() {
        let reason = if step.factor == 1.0 { "a factor of 1 changes nothing" } else { "the picture has no colour" };
        notes.ignored(format!("saturation ({path}): {reason}"));
        return Ok(image);
    }
    notes.applied(format!("saturation factor {}", step.factor));
    let s = step.factor;
    let matrix = [
        [0.213 + 0.787 * s, 0.715 - 0.715 * s, 0.072 - 0.072 * s],
        [0.213 - 0.213 * s, 0.715 + 0.285 * s, 0.072 - 0.072 * s],
        [0.213 - 0.213 * s, 0.715 - 0.715 * s, 0.072 + 0.928 * s],
    ];
    matrix::map(image, &matrix, context.stop)
}
