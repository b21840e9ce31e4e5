//! Tests over all formats that are read: broken, lying and hostile files, each within its time and its memory.

use std::time::{Duration, Instant};

use common::{Failure, FailureKind, Format, Recipe, recipe::Output};

use super::{Engine, Limits, Options, PreviewKind, Transformed, fixtures};

/// What any broken file may take. Tests run beside each other on slow machines.
const PATIENCE: Duration = Duration::from_secs(2);

/// Every kind of file there is, by name.
fn samples() -> Vec<(String, Vec<u8>)> {
    let animated = [Format::Gif, Format::Webp, Format::Png];
    let stills = Format::ALL.into_iter().map(|format| (format.name().to_owned(), fixtures::sample(format)));
    let moving =
        animated.into_iter().map(|format| (format!("animated {}", format.name()), fixtures::moving(format, 4)));
    stills.chain(moving).collect()
}

/// Reads `bad` in every way, and says how it ended.
fn read(engine: &Engine, bad: &[u8], name: &str) -> Result<Transformed, Failure> {
    let started = Instant::now();
    let recipe = Recipe { steps: Vec::new(), output: Output { format: Some(Format::Png), ..Output::default() } };
    let outcome = engine.transform(bad, &recipe, &Options::default(), &fixtures::stop());
    let _inspected = engine.inspect(bad, &common::Section::ALL, PreviewKind::None, &fixtures::stop());
    assert!(started.elapsed() < PATIENCE, "{name} took {:?}", started.elapsed());
    if let Err(failure) = &outcome {
        use FailureKind::{ImageUnreadable, TooLarge, UnsupportedFormat};
        assert!(matches!(failure.kind, ImageUnreadable | UnsupportedFormat | TooLarge), "{name}: {failure:?}");
    }
    outcome
}

#[test]
fn every_format_is_known_by_its_content() {
    for (name, sample) in samples() {
        let probe = fixtures::engine().probe(&sample).unwrap();
        assert!(name.ends_with(probe.format.name()), "{name} is taken for {:?}", probe.format);
        assert_eq!(probe.frames > 1, name.starts_with("animated"), "{name}");
        let made = read(&fixtures::engine(), &sample, &name).unwrap();
        assert!(made.warnings.is_empty(), "{name}: {:?}", made.warnings);
        assert_eq!((made.facts.width, made.facts.height), if probe.frames > 1 { (40, 20) } else { (40, 30) }, "{name}");
    }
}

#[test]
fn cut_anywhere_every_format_ends_well() {
    let engine = fixtures::engine();
    for (name, sample) in samples() {
        for cut in (0..sample.len()).step_by(sample.len() / 40 + 1) {
            if let Ok(made) = read(&engine, &sample[..cut], &name) {
                assert!(made.facts.width <= 40 && made.facts.height <= 30, "{name} cut at {cut}");
            }
        }
    }
}

#[test]
fn flipped_anywhere_every_format_ends_well() {
    // A size that a flipped bit made large is refused by this engine before it takes long.
    let engine = Engine::new(Limits { max_pixels: 1_000_000, ..Limits::default() }).unwrap();
    let mut seed = 11_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below.max(1)
    };
    for (name, sample) in samples() {
        for round in 0..120 {
            let mut bad = sample.clone();
            for _ in 0..=random(3) {
                // Every second time in the header, where it hurts.
                let at = if round % 2 == 0 { random(bad.len()) } else { random(bad.len().min(300)) };
                bad[at] ^= 1 << random(8);
            }
            let _outcome = read(&engine, &bad, &name);
        }
    }
}

/// `file` with `bytes` at `at`.
fn patched(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// Where `needle` begins in `file`.
fn find(file: &[u8], needle: &[u8]) -> usize {
    file.windows(needle.len()).position(|window| window == needle).unwrap()
}

#[test]
fn headers_that_claim_to_be_huge_are_refused() {
    let sample = fixtures::sample;
    let (webp, avif) = (fixtures::moving(Format::Webp, 2), sample(Format::Avif));
    let size = [60_000_u32.to_be_bytes(), 60_000_u32.to_be_bytes()].concat();
    for (name, bomb) in [
        ("gif", patched(&fixtures::moving(Format::Gif, 2), 6, &[0xff; 4])),
        ("bmp", patched(&sample(Format::Bmp), 18, &[0x60, 0xea, 0, 0, 0x60, 0xea, 0, 0])),
        ("tga", patched(&sample(Format::Tga), 12, &[0xff; 4])),
        ("qoi", patched(&sample(Format::Qoi), 4, &[0, 0, 0x4a, 0x38, 0, 0, 0x4a, 0x38])),
        ("png", patched(&sample(Format::Png), 16, &size)),
        ("webp", patched(&webp, find(&webp, b"VP8X") + 12, &[0xff, 0xff, 0, 0xff, 0xff, 0])),
        ("avif", patched(&avif, find(&avif, b"ispe") + 8, &size)),
        ("pnm", b"P6 60000 60000 255\n".to_vec()),
        ("hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n".to_vec()),
        ("svg", br#"<svg xmlns="http://www.w3.org/2000/svg" width="60000" height="60000"/>"#.to_vec()),
        ("svg box", br#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1e9 1e9"/>"#.to_vec()),
    ] {
        let failure = read(&fixtures::engine(), &bomb, name).unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge, "{name}: {failure}");
        assert!(failure.next.is_some(), "{name}: {failure}");
    }
}

#[test]
fn of_many_pages_the_first_is_used_and_said() {
    let mut tiff = fixtures::sample(Format::Tiff);
    assert!(tiff.starts_with(b"II"));
    let number = |file: &[u8], at: usize| u32::from_le_bytes(*file[at..].first_chunk().unwrap()) as usize;
    // A second directory that shows the same pixels.
    let first = number(&tiff, 4);
    let length = 2 + 12 * usize::from(u16::from_le_bytes([tiff[first], tiff[first + 1]]));
    if tiff.len() % 2 == 1 {
        tiff.push(0);
    }
    let second = (tiff.len() as u32).to_le_bytes();
    tiff.extend_from_within(first..first + length);
    tiff.extend([0; 4]);
    tiff[first + length..first + length + 4].copy_from_slice(&second);
    assert_eq!(fixtures::engine().probe(&tiff).unwrap().frames, 2);
    let made = fixtures::transform(&tiff, "[]", Some(Format::Png)).unwrap();
    let warning = made.warnings.iter().find(|warning| warning.code == "animation_first_frame").unwrap();
    assert!(warning.message.contains("first of 2 pages"), "{}", warning.message);
    let looped = patched(&tiff, first + length, &(first as u32).to_le_bytes());
    assert!(read(&fixtures::engine(), &looped, "a chain without end").is_err());
}

#[test]
fn no_text_is_taken_for_a_picture() {
    for text in [
        &b"<html><body><svg width='3'></svg></body></html>"[..],
        b"<?xml version='1.0'?><feed><svg/></feed>",
        b"<svgfoo/>",
        b"P3 is a chess square",
        b"The quick brown fox jumps over the lazy dog, and again, and again.",
        b"\0\0\x02 is not yet a picture\0\0\0",
        b"BM",
    ] {
        assert!(!super::is_picture(text), "{}", String::from_utf8_lossy(text));
    }
    for svg in [
        "<svg >",
        "\u{feff}<?xml version='1.0'?>\n<!-- a > b -->\n<svg\n",
        "<!DOCTYPE svg PUBLIC ''>",
        "<svg:svg xmlns",
    ] {
        assert!(super::is_picture(svg.as_bytes()), "{svg}");
    }
}
