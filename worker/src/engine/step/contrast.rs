//! `contrast`: every colour channel stretched around the middle.

use common::{Failure, recipe::Contrast};
use image::DynamicImage;

use super::{Notes, tone};

pub(super) fn apply(
    step: &Contrast,
    image: DynamicImage,
    path: &str,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if step.factor == 1.0 {
        notes.ignored(format!("contrast ({path}): a factor of 1 changes nothing"));
        return Ok(image);
    }
    notes.applied(format!("contrast factor {}", step.factor));
    tone::map(image, |value| (value - 0.5) * step.factor + 0.5)
}
