//! `tint`: shades of one colour, mixed with the picture.

use common::{Failure, recipe::Tint};
use image::DynamicImage;

use super::{Context, Notes, matrix};

/// The weights of the luma.
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

pub(super) fn apply(
    step: &Tint,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if step.amount == 0.0 {
        notes.ignored(format!("tint ({path}): an amount of 0 changes nothing"));
        return Ok(image);
    }
    let [r, g, b, _] = step.color.rgba;
    notes.applied(format!("tint #{r:02x}{g:02x}{b:02x} amount {}", step.amount));
    let mut matrix = [[0.0; 3]; 3];
    for (row, (to, color)) in matrix.iter_mut().zip([r, g, b]).enumerate() {
        let shade = f32::from(color) / 255.0;
        for (column, (weight, luma)) in to.iter_mut().zip(LUMA).enumerate() {
            let own = if row == column { 1.0 - step.amount } else { 0.0 };
            *weight = own + step.amount * luma * shade;
        }
    }
    matrix::map(image, &matrix, context.stop)
}
