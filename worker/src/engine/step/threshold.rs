//! `threshold`: black and white.

use common::{Failure, recipe::Threshold};
use image::DynamicImage;

use super::{Notes, tone};
use crate::engine::pixels;

pub(super) fn apply(step: &Threshold, image: DynamicImage, notes: &mut Notes) -> Result<DynamicImage, Failure> {
    notes.applied(format!("threshold at {}", step.level));
    let level = f32::from(step.level) / 255.0;
    let gray = pixels::gray(&image).unwrap_or(image);
    tone::map(gray, |value| if value >= level { 1.0 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use image::ColorType;

    use crate::engine::fixtures;

    #[test]
    fn is_white_from_the_level_on() {
        let photo = fixtures::photo(40, 31);
        let gray = fixtures::run(photo.clone(), r#"[{"op":"grayscale"}]"#).into_luma8();
        for level in [0, 1, 128, 255] {
            let result = fixtures::run(photo.clone(), &format!(r#"[{{"op":"threshold","level":{level}}}]"#));
            assert_eq!(result.color(), ColorType::L8);
            for (before, after) in gray.pixels().zip(result.into_luma8().pixels()) {
                assert_eq!(after.0[0], if before.0[0] >= level { 255 } else { 0 });
            }
        }
    }

    #[test]
    fn alpha_and_depth_are_kept() {
        let result = fixtures::run(fixtures::disc(20), r#"[{"op":"threshold"}]"#);
        assert_eq!(result.color(), ColorType::La8);
        assert_eq!(result.into_luma_alpha8().get_pixel(0, 0).0[1], 0);
        assert_eq!(fixtures::run(fixtures::deep(9, 9), r#"[{"op":"threshold"}]"#).color(), ColorType::L16);
    }
}
