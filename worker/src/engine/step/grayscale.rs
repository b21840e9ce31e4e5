//! `grayscale`: the luma of every pixel.

use image::DynamicImage;

use super::Notes;
use crate::engine::pixels;

pub(super) fn apply(image: DynamicImage, path: &str, notes: &mut Notes) -> DynamicImage {
    if let Some(gray) = pixels::gray(&image) {
        notes.applied("grayscale");
        return gray;
    }
    notes.ignored(format!("grayscale ({path}): the picture has no colour"));
    image
}

#[cfg(test)]
mod tests {
    use image::{ColorType, DynamicImage};

    use crate::engine::fixtures;

    #[test]
    fn is_the_rec_709_luma() {
        let photo = fixtures::photo(40, 30);
        let gray = fixtures::run(photo.clone(), r#"[{"op":"grayscale"}]"#);
        assert_eq!(gray.color(), ColorType::L8);
        for (gray, pixel) in gray.into_luma8().pixels().zip(photo.pixels()) {
            let [r, g, b] = pixel.0.map(f64::from);
            assert!((f64::from(gray.0[0]) - (0.2126 * r + 0.7152 * g + 0.0722 * b)).abs() <= 0.51);
        }
    }

    #[test]
    fn alpha_and_depth_are_kept() {
        for (image, expected) in [
            (DynamicImage::new_rgba8(3, 3), ColorType::La8),
            (DynamicImage::new_rgba16(3, 3), ColorType::La16),
            (DynamicImage::new_rgb16(3, 3), ColorType::L16),
            (DynamicImage::new_luma8(3, 3), ColorType::L8),
        ] {
            assert_eq!(fixtures::run(image, r#"[{"op":"grayscale"}]"#).color(), expected);
        }
    }
}
