//! Comparisons held against formulas written out, and against changes that are known.

use common::{
    comparison::{Severity, Shift, Verdict},
    recipe::Region,
};
use image::{DynamicImage, Rgb, RgbImage, Rgba, RgbaImage, imageops};

use super::{Compared, How, compare, perceive};
use crate::engine::{PreviewKind, fixtures};

const HOW: How = How { align: false, threshold: 0.1, ignore_antialiasing: true, show: PreviewKind::None, heat: true };

fn compared(one: impl Into<DynamicImage>, other: impl Into<DynamicImage>, how: &How) -> Compared {
    let files = [fixtures::png(one), fixtures::png(other)];
    let inputs = [("image_a", &files[0][..]), ("image_b", &files[1][..])];
    let stop = fixtures::stop();
    fixtures::engine().look(&inputs, |_| 0, &stop, |seen| compare(&seen[0], &seen[1], how, &stop)).unwrap()
}

/// A window with a title, some lines of text and a button.
fn screen(button: (u32, u32)) -> RgbImage {
    let text = "Settings\n\nName of this machine\nLanguage of the program\nShow hints at the start";
    let words = fixtures::lettered(text, 22, Rgb([40; 3]), Rgb([245; 3]));
    let mut screen = RgbImage::from_pixel(800, 600, Rgb([245; 3]));
    imageops::overlay(&mut screen, &words, 20, 20);
    for y in 0..40 {
        for x in 0..120 {
            screen.put_pixel(button.0 + x, button.1 + y, Rgb([30, 110, 220]));
        }
    }
    screen
}

fn covers(region: Region, (x, y): (u32, u32)) -> bool {
    let near = |a: u32, b: u32| a.abs_diff(b) <= 2;
    near(region.x, x) && near(region.y, y) && near(region.width, 120) && near(region.height, 40)
}

#[test]
fn a_button_that_moved_is_two_boxes() {
    let (old, new) = ((100, 400), (560, 500));
    let found = compared(screen(old), screen(new), &HOW);
    let regions = &found.comparison.regions;
    assert_eq!(regions.len(), 2, "{regions:?}");
    assert!(regions.iter().any(|change| covers(change.frame, old)), "{regions:?}");
    assert!(regions.iter().any(|change| covers(change.frame, new)), "{regions:?}");
    assert!(regions.iter().all(|change| change.severity >= Severity::Medium), "{regions:?}");
    assert!((found.comparison.changed_share - 2.0 * 4800.0 / 480_000.0).abs() < 1e-4);
    assert_eq!(found.comparison.verdict, Verdict::Similar);
    // The heat map is warm where the button was, and pale elsewhere.
    let heat = fixtures::decoded(&found.drawing.unwrap().bytes).into_rgb8();
    let Rgb([r, g, b]) = *heat.get_pixel(old.0 + 60, old.1 + 20);
    assert!(r > 150 && g < 150 && b == 0);
    assert_eq!(heat.get_pixel(700, 300).0, [251; 3]);
}

#[test]
fn numbers_agree_with_their_formulas() {
    let one = fixtures::photo(160, 120);
    let other = RgbImage::from_fn(160, 120, |x, y| {
        Rgb(one.get_pixel(x, y).0.map(|value| value.saturating_add(((x * 7 + y * 3) % 23) as u8)))
    });
    let found = compared(one.clone(), other.clone(), &HOW).comparison;
    let psnr = fixtures::psnr(&one.clone().into(), &other.clone().into());
    assert!((found.psnr_db.unwrap() - psnr).abs() < 1e-5, "{found:?} {psnr}");
    let errors = one.as_raw().iter().zip(other.as_raw()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    let mean = errors.sum::<f64>() / one.as_raw().len() as f64;
    assert!((found.mean_error - mean).abs() < 1e-5);
    assert!(found.ssim < 1.0 && found.dhash_distance < 12 && found.phash_distance < 12, "{found:?}");
}

#[test]
fn the_distance_of_colours_is_that_of_yiq() {
    assert!((perceive::difference([0; 3], [255; 3]) - 1.0).abs() < 0.04);
    assert_eq!(perceive::difference([9, 8, 7], [9, 8, 7]), 0.0);
    // Written out for red against green: y, i and q of the difference (255, -255, 0).
    let [y, i, q]: [f64; 3] = [
        255.0 * (0.298_895_31 - 0.586_622_47),
        255.0 * (0.595_977_99 + 0.274_176_10),
        255.0 * (0.211_470_17 + 0.522_617_11),
    ];
    let wanted = ((0.5053 * y * y + 0.299 * i * i + 0.1957 * q * q) / 35_215.0).sqrt();
    assert!((f64::from(perceive::difference([255, 0, 0], [0, 255, 0])) - wanted).abs() < 1e-5);
}

#[test]
fn verdicts() {
    let photo = fixtures::photo(200, 150);
    let found = compared(photo.clone(), photo.clone(), &HOW).comparison;
    assert_eq!((found.verdict, found.psnr_db, found.regions.len()), (Verdict::Identical, None, 0));
    assert_eq!((found.ssim, found.dhash_distance, found.phash_distance), (1.0, 0, 0));
    let nearly = RgbImage::from_fn(200, 150, |x, y| Rgb(photo.get_pixel(x, y).0.map(|value| value ^ 1)));
    assert_eq!(compared(photo.clone(), nearly, &HOW).comparison.verdict, Verdict::VisuallyIdentical);
    let other = imageops::rotate180(&screen((10, 10)));
    let found = compared(fixtures::photo(800, 600), other, &HOW).comparison;
    assert_eq!(found.verdict, Verdict::Different);
    assert!(found.dhash_distance > 12, "{found:?}");
    // The same colours, but one can be seen through.
    let clear = RgbaImage::from_pixel(40, 40, Rgba([255, 255, 255, 0]));
    let white = RgbImage::from_pixel(40, 40, Rgb([255; 3]));
    assert_eq!(compared(clear, white, &HOW).comparison.verdict, Verdict::VisuallyIdentical);
}

#[test]
fn another_size_is_resized_and_told() {
    let photo = fixtures::photo(300, 200);
    let half = DynamicImage::from(photo.clone()).resize_exact(150, 100, imageops::FilterType::Lanczos3);
    let found = compared(photo, half, &HOW);
    assert_eq!(found.warnings[0].code, "resized");
    assert!(found.comparison.ssim > 0.95 && found.comparison.verdict != Verdict::Identical, "{:?}", found.comparison);
}

#[test]
fn a_moved_picture_is_found_again() {
    let large = fixtures::photo(1000, 700);
    let part = |x, y| imageops::crop_imm(&large, x, y, 800, 600).to_image();
    for (x, y) in [(23, 11), (-40, 37), (0, -5), (71, -52)] {
        let moved = part((50 + x) as u32, (60 + y) as u32);
        let plain = compared(part(50, 60), moved.clone(), &HOW).comparison;
        let aligned = compared(part(50, 60), moved, &How { align: true, ..HOW }).comparison;
        assert_eq!(aligned.shift, Some(Shift { x, y }));
        assert!(plain.ssim < aligned.ssim && aligned.ssim > 0.999, "{x} {y}: {plain:?} {aligned:?}");
        assert_eq!((plain.shift, aligned.regions.len()), (None, 0));
    }
}

#[test]
fn edges_that_are_only_smoothed_count_if_wished() {
    // A disc drawn hard, and the same with soft edges.
    let drawn = |soft: f32| {
        RgbImage::from_fn(200, 200, |x, y| {
            let far = (x as f32 - 100.0).hypot(y as f32 - 100.0) - 60.0;
            Rgb([(255.0 * (far / soft + 0.5).clamp(0.0, 1.0)) as u8; 3])
        })
    };
    let (hard, soft) = (drawn(0.001), drawn(1.5));
    let ignoring = compared(hard.clone(), soft.clone(), &HOW).comparison;
    let counting = compared(hard, soft, &How { ignore_antialiasing: false, ..HOW }).comparison;
    assert!(counting.changed_share > 2.0 * ignoring.changed_share, "{ignoring:?} {counting:?}");
    assert!(ignoring.antialiased_share > 0.0);
}

#[test]
fn many_parts_are_cut_to_the_worst() {
    let plain = RgbImage::from_pixel(1200, 1200, Rgb([128; 3]));
    let mut dotted = plain.clone();
    for at in 0..100u32 {
        let (x, y, value) = (at % 10 * 120 + 20, at / 10 * 120 + 20, 140 + at as u8);
        for pixel in 0..400 {
            dotted.put_pixel(x + pixel % 20, y + pixel / 20, Rgb([value; 3]));
        }
    }
    let found = compared(plain, dotted, &How { threshold: 0.02, ..HOW }).comparison;
    assert_eq!((found.regions.len(), found.more_regions), (50, 50));
    let worst = found.regions[0].frame;
    assert_eq!((worst.x, worst.y, worst.width, worst.height), (9 * 120 + 20, 9 * 120 + 20, 20, 20));
}

#[test]
fn anything_can_be_compared_with_anything() {
    let odd: [DynamicImage; 4] =
        [RgbImage::new(1, 1).into(), fixtures::deep(7, 90), fixtures::gray(300, 2), fixtures::disc(33).into()];
    for one in &odd {
        for other in &odd {
            let found = compared(one.clone(), other.clone(), &How { align: true, ..HOW }).comparison;
            assert!((0.0..=1.0).contains(&found.changed_share) && found.ssim.is_finite(), "{found:?}");
        }
    }
}
