//! `hue`: all colours turned around the colour wheel.

use common::{Failure, recipe::Hue};
use image::DynamicImage;

use super::{Context, Notes, matrix};

pub(super) fn apply(
    step: &Hue,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let turned = step.angle_degrees.rem_euclid(360.0) != 0.0;
    if !turned || !image.color().has_color() {
        let reason = if turned { "the picture has no colour" } else { "a full turn changes nothing" };
        notes.ignored(format!("hue ({path}): {reason}"));
        return Ok(image);
    }
    notes.applied(format!("hue {} degrees", step.angle_degrees));
    let (sin, cos) = step.angle_degrees.to_radians().sin_cos();
    let matrix = [
        [0.213 + 0.787 * cos - 0.213 * sin, 0.715 - 0.715 * cos - 0.715 * sin, 0.072 - 0.072 * cos + 0.928 * sin],
        [0.213 - 0.213 * cos + 0.143 * sin, 0.715 + 0.285 * cos + 0.140 * sin, 0.072 - 0.072 * cos - 0.283 * sin],
        [0.213 - 0.213 * cos - 0.787 * sin, 0.715 - 0.715 * cos + 0.715 * sin, 0.072 + 0.928 * cos + 0.072 * sin],
    ];
    matrix::map(image, &matrix, context.stop)
}
