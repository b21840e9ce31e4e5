//! Pictures of which the answers are known.

use common::analysis::{Focus, Measured};
use image::{DynamicImage, Rgb, RgbImage, RgbaImage, imageops};

use super::measure;
use crate::engine::fixtures;

fn measured(image: impl Into<DynamicImage>) -> Measured {
    measure(&image.into(), &Focus::LOCAL, &fixtures::stop()).unwrap()
}

#[test]
fn a_flag_has_its_colours() {
    let flag = RgbImage::from_fn(300, 200, |x, _| match x {
        0..150 => Rgb([255, 0, 0]),
        150..240 => Rgb([250, 250, 250]),
        _ => Rgb([0, 0, 128]),
    });
    let palette = measured(flag).palette.unwrap();
    let told: Vec<(&str, &str)> = palette.iter().map(|swatch| (swatch.hex.as_str(), swatch.name.as_str())).collect();
    assert_eq!(told, [("#ff0000", "red"), ("#fafafa", "snow"), ("#000080", "navy")]);
    for (swatch, share) in palette.iter().zip([0.5, 0.3, 0.2]) {
        assert!((swatch.share - share).abs() < 0.01, "{palette:?}");
    }
}

#[test]
fn what_cannot_be_seen_has_no_colour() {
    let found = measured(fixtures::disc(100));
    let palette = found.palette.unwrap();
    assert_eq!((palette.len(), palette[0].hex.as_str()), (1, "#ff0000"));
    let clear = found.transparency.unwrap().clear;
    assert!((clear - (1.0 - std::f64::consts::PI * 0.3 * 0.3)).abs() < 0.02, "{clear}");
    assert!(measured(RgbaImage::new(5, 5)).palette.unwrap().is_empty());
    assert!(measured(RgbImage::new(5, 5)).transparency.is_none());
}

#[test]
fn photographs_have_several_colours_that_sum_up() {
    let palette = measured(fixtures::photo(400, 300)).palette.unwrap();
    let sum: f64 = palette.iter().map(|swatch| swatch.share).sum();
    assert!((4..=8).contains(&palette.len()) && sum > 0.97 && sum < 1.001, "{palette:?}");
    assert!(palette.is_sorted_by(|a, b| a.share >= b.share));
}

#[test]
fn blur_lowers_sharpness_and_light_is_measured() {
    let sharp = fixtures::lettered("Sharp letters\non a page", 60, Rgb([0; 3]), Rgb([200; 3]));
    let blurred = imageops::blur(&sharp, 8.0);
    let (sharp, blurred) = (measured(sharp).quality.unwrap(), measured(blurred).quality.unwrap());
    assert!(sharp.sharpness > 10.0 * blurred.sharpness, "{sharp:?} {blurred:?}");
    assert_eq!((sharp.sharpness_word.as_str(), sharp.grayscale), ("sharp", true));
    assert_eq!(blurred.sharpness_word, "blurred or without detail");
    let half = RgbImage::from_fn(100, 100, |x, _| Rgb([if x < 25 { 0 } else { 255 }; 3]));
    let half = measured(half).quality.unwrap();
    assert_eq!((half.clipped_shadows, half.clipped_highlights, half.brightness), (0.25, 0.75, 0.75));
    assert!((half.contrast - (0.25f64 * 0.75).sqrt()).abs() < 1e-3);
    assert!(!measured(fixtures::photo(50, 50)).quality.unwrap().grayscale);
}

#[test]
fn noise_is_what_was_added() {
    let mut seed = 3u32;
    let mut uniform = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed >> 8) / f64::from(1u32 << 24)
    };
    for sigma in [0.0, 4.0, 12.0] {
        let noisy = RgbImage::from_fn(400, 300, |x, _| {
            // The sum of twelve is nearly normal, of deviation 1.
            let normal = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            Rgb([(120.0 + f64::from(x) / 10.0 + normal * sigma).round() as u8; 3])
        });
        let noise = measured(noisy).quality.unwrap().noise.unwrap();
        assert!((noise - sigma).abs() < 0.2 * sigma + 0.2, "{sigma}: {noise}");
    }
    assert_eq!(measured(RgbImage::new(64, 64)).quality.unwrap().noise, None, "black hides it");
}

#[test]
fn qr_codes_are_read_and_placed() {
    let text = "https://example.com/a?b=1";
    let code = qrcode::QrCode::new(text).unwrap();
    let (side, dark) = (code.width(), code.to_colors());
    let mut page = RgbImage::from_pixel(700, 500, Rgb([240; 3]));
    for (at, color) in dark.iter().enumerate() {
        let value = if *color == qrcode::Color::Dark { 20 } else { 240 };
        for pixel in 0..36 {
            let (x, y) = (at % side * 6 + pixel % 6 + 300, at / side * 6 + pixel / 6 + 120);
            page.put_pixel(x as u32, y as u32, Rgb([value; 3]));
        }
    }
    for (page, corner) in
        [(page.clone(), (300, 120)), (imageops::resize(&page, 2100, 1500, imageops::FilterType::Nearest), (900, 360))]
    {
        let codes = measured(page).codes.unwrap();
        assert_eq!(codes.len(), 1);
        assert_eq!(codes[0].text, text);
        assert!(codes[0].quad[0].abs_diff(corner.0) < 10 && codes[0].quad[1].abs_diff(corner.1) < 10, "{codes:?}");
    }
    assert!(measured(fixtures::photo(300, 300)).codes.unwrap().is_empty());
}

#[test]
fn only_what_was_asked_for_and_anything_can_be_measured() {
    let image = fixtures::photo(50, 40).into();
    let found = measure(&image, &[Focus::Hashes], &fixtures::stop()).unwrap();
    assert!(found.hashes.is_some() && found.palette.is_none() && found.quality.is_none() && found.codes.is_none());
    for odd in [RgbImage::new(1, 1).into(), fixtures::deep(7, 90), fixtures::gray(300, 2)] {
        let image: DynamicImage = odd;
        assert!(measured(image).quality.is_some());
    }
}
