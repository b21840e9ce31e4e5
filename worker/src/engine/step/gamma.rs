//! `gamma`: lighter or darker middle tones.

use common::{Failure, recipe::Gamma};
use image::DynamicImage;

use super::{Notes, tone};

pub(super) fn apply(step: &Gamma, image: DynamicImage, path: &str, notes: &mut Notes) -> Result<DynamicImage, Failure> {
    if step.gamma == 1.0 {
        notes.ignored(format!("gamma ({path}): a gamma of 1 changes nothing"));
        return Ok(image);
    }
    notes.applied(format!("gamma {}", step.gamma));
    let power = 1.0 / step.gamma;
    tone::map(image, |value| value.powf(power))
}
