//! `flatten`: laid on a colour.

use common::{Failure, recipe::Flatten};
use image::DynamicImage;

use super::{Context, Notes};
use crate::engine::pixels;

pub(super) fn apply(
    step: &Flatten,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if !image.color().has_alpha() {
        notes.ignored(format!("flatten ({path}): the picture has no transparency"));
        return Ok(image);
    }
    let ground = step.background.unwrap_or_else(|| context.ground());
    let [r, g, b, _] = ground.rgba;
    notes.applied(format!("flatten on #{r:02x}{g:02x}{b:02x}"));
    context.stop.check()?;
    Ok(pixels::flatten(image, ground))
}

#[cfg(test)]
mod tests {
    use image::{ColorType, DynamicImage, LumaA, Rgba};

    use crate::engine::fixtures;

    #[test]
    fn is_the_weighted_mean_of_colour_and_ground() {
        let image = image::RgbaImage::from_fn(256, 3, |x, y| Rgba([200, 100, (y * 90) as u8, x as u8]));
        let result = fixtures::run(image.clone(), r##"[{"op":"flatten","background":"#102030"}]"##);
        assert_eq!(result.color(), ColorType::Rgb8);
        for (before, after) in image.pixels().zip(result.into_rgb8().pixels()) {
            let alpha = f64::from(before.0[3]) / 255.0;
            for (channel, ground) in [16.0, 32.0, 48.0].into_iter().enumerate() {
                let exact = f64::from(before.0[channel]) * alpha + ground * (1.0 - alpha);
                assert!((f64::from(after.0[channel]) - exact).abs() <= 0.51);
            }
        }
    }

    #[test]
    fn gray_and_deep_pictures_keep_their_kind() {
        let gray = DynamicImage::from(image::ImageBuffer::from_pixel(3, 2, LumaA([10_u8, 0])));
        let result = fixtures::run(gray.clone(), r#"[{"op":"flatten"}]"#);
        assert_eq!(result.color(), ColorType::L8);
        assert!(result.into_luma8().pixels().all(|pixel| pixel.0[0] == 255), "on white, unless something else is said");
        let result = fixtures::run(gray, r#"[{"op":"flatten","background":"red"}]"#).into_rgb8();
        assert!(result.pixels().all(|pixel| pixel.0 == [255, 0, 0]));
        assert_eq!(fixtures::run(DynamicImage::new_rgba16(1, 1), r#"[{"op":"flatten"}]"#).color(), ColorType::Rgb16);
        assert_eq!(fixtures::run(fixtures::photo(3, 3), r#"[{"op":"flatten"}]"#).color(), ColorType::Rgb8);
    }
}
