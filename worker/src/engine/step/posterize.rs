//! `posterize`: few tones.

use common::{Failure, recipe::Posterize};
use image::DynamicImage;

use super::{Notes, tone};

pub(super) fn apply(step: &Posterize, image: DynamicImage, notes: &mut Notes) -> Result<DynamicImage, Failure> {
    notes.applied(format!("posterize to {} levels", step.levels));
    let most = f32::from(step.levels.max(2) - 1);
    tone::map(image, |value| (value * most).round() / most)
}
