//! Text that is written by the engine's own font is read back.

use image::{DynamicImage, Rgb, RgbImage, imageops};

use super::{Ocr, Read, detect};
use crate::engine::{
    Size,
    fixtures::{self, lettered},
};

const PAGE: &str = "The quick brown fox jumps over the lazy dog\nInvoice 2048 of 17 March 2026\nTotal amount: 1,349.50 EUR\n\
                    Please pay within 30 days\nContact: office@example.com";

fn read(image: impl Into<DynamicImage>) -> Read {
    Ocr::new(None).unwrap().read_pixels(image.into(), true, &fixtures::stop()).unwrap()
}

/// Insertions, deletions and replacements that make one text of the other.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (y, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], y + 1);
        for (x, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[x + 1];
            row[x + 1] = replaced.min(diagonal + 1).min(row[x] + 1);
        }
    }
    row[other.len()]
}

/// Character error rate.
fn cer(read: &Read, wanted: &str) -> f64 {
    edits(wanted, &read.reading.text) as f64 / wanted.chars().count() as f64
}

fn page(size: u32) -> RgbImage {
    lettered(PAGE, size, Rgb([20; 3]), Rgb([250; 3]))
}

#[test]
fn pages_of_all_sizes_are_read() {
    for size in [16, 24, 40, 90] {
        let read = read(page(size));
        assert!(cer(&read, PAGE) <= 0.02, "{size} px: {:?}", read.reading.text);
        assert!(read.reading.confidence.unwrap() > 0.9 && read.reading.rotation == 0 && read.warnings.is_empty());
        assert_eq!(read.reading.lines.len(), 5, "{size}");
    }
}

#[test]
fn a_picture_of_a_scrolled_page_is_read_to_its_end() {
    let lines: Vec<String> = (1..=120).map(|number| format!("Line {number} of a long page that goes on")).collect();
    let text = lines.join("\n");
    let pieces: Vec<RgbImage> =
        lines.chunks(30).map(|lines| lettered(&lines.join("\n"), 30, Rgb([20; 3]), Rgb([250; 3]))).collect();
    let (width, height) = pieces[0].dimensions();
    let mut strip = RgbImage::from_pixel(width, height * 4, Rgb([250; 3]));
    pieces.iter().zip(0..).for_each(|(piece, at)| imageops::replace(&mut strip, piece, 0, at * i64::from(height)));
    assert!(strip.height() > 3200 && detect::is_strip(Size::new(strip.width(), strip.height())));
    let upright = read(strip.clone());
    assert!(cer(&upright, &text) <= 0.02, "{:?}", upright.reading.text);
    assert_eq!(upright.reading.lines.len(), 120);
    assert!(upright.warnings.is_empty(), "{:?}", upright.warnings);
    let turned = read(imageops::rotate90(&strip));
    assert!(cer(&turned, &text) <= 0.02 && turned.reading.rotation == 270, "{:?}", turned.reading.text);
}

#[test]
fn pages_that_lie_on_their_side_are_turned_and_places_are_told_in_the_picture_as_it_was() {
    let upright = page(28);
    let (width, height) = upright.dimensions();
    for (turned, rotation) in
        [(imageops::rotate90(&upright), 270), (imageops::rotate180(&upright), 180), (imageops::rotate270(&upright), 90)]
    {
        let read = read(turned);
        assert_eq!(read.reading.rotation, rotation);
        assert!(cer(&read, PAGE) <= 0.02, "{rotation}: {:?}", read.reading.text);
        // The first line begins in the upper left corner of the upright page.
        let [x, y] = [0, 1].map(|at| u32::try_from(read.reading.lines[0].quad[at]).unwrap());
        let (x, y) = match rotation {
            270 => (y, height - x),
            180 => (width - x, height - y),
            _ => (width - y, x),
        };
        assert!(x < 80 && y < 80, "{rotation}: {x} {y}");
    }
}

#[test]
fn slanted_pages_keep_their_order() {
    for angle in ["-7", "-2", "3", "8"] {
        let step = format!(r##"[{{"op":"rotate","angle_degrees":{angle},"background":"#fafafa"}}]"##);
        let read = read(fixtures::run(page(30), &step));
        assert!(cer(&read, PAGE) <= 0.03, "{angle}: {:?}", read.reading.text);
    }
}

#[test]
fn colours_noise_and_nothing_behind_the_letters() {
    let text = "Departure 14:35 from platform 7\nNext stop: Central Station";
    for (ink, paper) in [([255, 240, 80], [30, 40, 120]), ([180, 0, 0], [240, 200, 190]), ([255; 3], [0; 3])] {
        let read = read(lettered(text, 32, Rgb(ink), Rgb(paper)));
        assert!(cer(&read, text) <= 0.03, "{ink:?}: {:?}", read.reading.text);
    }
    let mut seed = 7u32;
    let mut noisy = lettered(text, 32, Rgb([40; 3]), Rgb([200; 3]));
    for value in noisy.iter_mut() {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = value.saturating_add_signed(((seed >> 24) as i32 / 4 - 32) as i8);
    }
    let from_noise = read(noisy);
    assert!(cer(&from_noise, text) <= 0.05, "{:?}", from_noise.reading.text);
    // White letters on nothing at all.
    let ink = lettered(text, 32, Rgb([255; 3]), Rgb([0; 3]));
    let clear = image::RgbaImage::from_fn(ink.width(), ink.height(), |x, y| {
        image::Rgba([255, 255, 255, ink.get_pixel(x, y).0[0]])
    });
    let from_clear = read(clear);
    assert!(cer(&from_clear, text) <= 0.03, "{:?}", from_clear.reading.text);
}

#[test]
fn other_languages_of_the_latin_script() {
    let text = "Größe und Gewicht ändern sich\nLa façade du château brûlé\nEl niño comió piña mañana";
    let read = read(lettered(text, 40, Rgb([0; 3]), Rgb([255; 3])));
    assert!(cer(&read, text) <= 0.06, "{:?}", read.reading.text);
}

#[test]
fn words_have_places_of_their_own() {
    let read = read(lettered("alpha beta gamma", 48, Rgb([0; 3]), Rgb([255; 3])));
    let line = &read.reading.lines[0];
    let words: Vec<&str> = line.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words, ["alpha", "beta", "gamma"]);
    // Left edges rise, no word reaches into the next, and all are within the line.
    let edges: Vec<(i32, i32)> = line.words.iter().map(|word| (word.quad[0], word.quad[2])).collect();
    assert!(edges.windows(2).all(|pair| pair[0].1 <= pair[1].0 + 4), "{edges:?}");
    let font = fixtures::text_width("alpha", 48);
    let alpha = (edges[0].1 - edges[0].0) as f32;
    assert!((alpha - font).abs() < 0.35 * font, "{alpha} {font}");
}

#[test]
fn where_there_is_no_text_none_is_read() {
    for image in [fixtures::photo(640, 480), RgbImage::from_pixel(300, 200, Rgb([90; 3])), RgbImage::new(1, 1)] {
        let read = read(image);
        assert_eq!((read.reading.text.as_str(), read.reading.confidence), ("", None));
    }
}

#[test]
fn a_cancelled_job_ends() {
    let stop = fixtures::stop();
    stop.cancel();
    assert!(Ocr::new(None).unwrap().read_pixels(page(30).into(), false, &stop).is_err());
}

#[test]
fn a_folder_without_models_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let error = Ocr::new(Some(folder.path())).unwrap_err();
    assert!(error.contains("dict.txt"), "{error}");
}

#[test]
fn a_folder_of_models_is_used() {
    let models = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/ocr");
    let ocr = Ocr::new(Some(&models)).unwrap();
    let read = ocr.read_pixels(lettered("Hello", 40, Rgb([0; 3]), Rgb([255; 3])).into(), false, &fixtures::stop());
    assert_eq!(read.unwrap().reading.text, "Hello");
}
