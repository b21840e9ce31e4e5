//! `brightness`: every colour channel times a factor.

use common::{Failure, recipe::Brightness};
use image::DynamicImage;

use super::{Notes, tone};

pub(super) fn apply(
    step: &Brightness,
    image: DynamicImage,
    path: &str,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if step.factor == 1.0 {
        notes.ignored(format!("brightness ({path}): a factor of 1 changes nothing"));
        return Ok(image);
    }
    notes.applied(format!("brightness factor {}", step.factor));
    tone::map(image, |value| value * step.factor)
}
