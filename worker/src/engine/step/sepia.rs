//! `sepia`: brown as an old photograph.

use common::{Failure, recipe::Sepia};
use image::DynamicImage;

use super::{Context, Notes, matrix};

pub(super) fn apply(
    step: &Sepia,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if step.amount == 0.0 {
        notes.ignored(format!("sepia ({path}): an amount of 0 changes nothing"));
        return Ok(image);
    }
    notes.applied(format!("sepia amount {}", step.amount));
    let rest = 1.0 - step.amount;
    let matrix = [
        [0.393 + 0.607 * rest, 0.769 - 0.769 * rest, 0.189 - 0.189 * rest],
        [0.349 - 0.349 * rest, 0.686 + 0.314 * rest, 0.168 - 0.168 * rest],
        [0.272 - 0.272 * rest, 0.534 - 0.534 * rest, 0.131 + 0.869 * rest],
    ];
    matrix::map(image, &matrix, context.stop)
}
