//! Metadata made to cost time or memory, or to be written where it does not belong.

use std::time::{Duration, Instant};

use common::{
    Format, Recipe, Section,
    recipe::{ColorSpace, Metadata, Output},
};

use super::{
    super::{fields, iptc, xmp},
    read::{with_chunk, zipped},
    rich,
};
use crate::engine::{Options, PreviewKind, fixtures};

const FORMATS: [Format; 4] = [Format::Jpeg, Format::Png, Format::Webp, Format::Tiff];

/// Far more than any of it needs, on any machine.
const PATIENCE: Duration = Duration::from_secs(5);

fn keep(input: &[u8], format: Format) -> Vec<u8> {
    let output =
        Output { format: Some(format), metadata: Metadata::Keep, color: ColorSpace::Keep, ..Output::default() };
    let recipe = Recipe { output, ..Recipe::default() };
    fixtures::engine().transform(input, &recipe, &Options::default(), &fixtures::stop()).unwrap().bytes
}

fn exif_jpeg(exif: &[u8]) -> Vec<u8> {
    let jpeg = fixtures::file(fixtures::photo(16, 16), Format::Jpeg);
    rich::with_exif(&jpeg, exif)
}

#[test]
fn exif_that_leads_in_circles_or_is_cut_anywhere() {
    let whole = rich::exif(true, 3, b"a note that is long enough");
    for cut in (0..whole.len()).step_by(7) {
        for bytes in [whole[..cut].to_vec(), [&whole[..cut], &vec![0xff; whole.len() - cut]].concat()] {
            let Some(found) = fields::read(&bytes, fields::MAX_BYTES, |_, _| true) else { continue };
            let again = found.write();
            assert!(again.len() <= fields::MAX_BYTES);
            let again = fields::read(&again, fields::MAX_BYTES, |_, _| true).unwrap();
            assert_eq!(again.image.len() + again.gps.len(), {
                let pointers = usize::from(!found.exif.is_empty()) + usize::from(!found.gps.is_empty());
                let own = |tag: u16| found.image.iter().filter(|field| field.tag == tag).count();
                found.image.len() + found.gps.len() + pointers - own(0x8769) - own(0x8825)
            });
        }
    }
    // Every pointer leads to the directory in which it stands.
    let mut circle = whole;
    for tag in [[0x87, 0x69], [0x88, 0x25]] {
        let at = circle.windows(2).position(|bytes| bytes == tag).unwrap();
        circle[at + 8..at + 12].copy_from_slice(&8_u32.to_be_bytes());
    }
    for format in FORMATS {
        assert!(!fixtures::decoded(&keep(&exif_jpeg(&circle), format)).as_bytes().is_empty());
    }
}

#[test]
fn values_that_overlap_are_copied_once_and_not_a_thousand_times() {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend(500_u16.to_le_bytes());
    for index in 0..500_u16 {
        bytes.extend((0x9000 + index).to_le_bytes());
        bytes.extend(7_u16.to_le_bytes());
        bytes.extend(if index == 0 { u32::MAX } else { 50_000 }.to_le_bytes());
        bytes.extend(8_u32.to_le_bytes());
    }
    bytes.resize(60_000, 0);
    let found = fields::read(&bytes, fields::MAX_BYTES, |_, _| true).unwrap();
    assert!(found.cut && found.image.len() == 1, "{}", found.image.len());
    assert!(found.write().len() <= fields::MAX_BYTES);
}

#[test]
fn ten_thousand_segments_and_chunks() {
    let mut jpeg = fixtures::file(fixtures::photo(16, 16), Format::Jpeg);
    let png = fixtures::png(fixtures::photo(16, 16));
    let segment = |code, payload: &[u8]| fixtures::with_segment(&[0xff, 0xd8], code, payload)[2..].to_vec();
    let photoshop = segment(0xed, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x01\x1c\0");
    let icc = segment(0xe2, b"ICC_PROFILE\0\x01\x01some");
    let many = [photoshop, icc, segment(0xe1, b"Exif\0\0II*\0\x08\0\0\0"), segment(0xfe, b"")].concat().repeat(10_000);
    jpeg.splice(2..2, many);
    let text = [&b"Raw profile type iptc\0\0"[..], &zipped(b"\niptc\n 1\n1c\n")].concat();
    let text = with_chunk(&png, b"zTXt", &text)[33..33 + 12 + text.len()].to_vec();
    let chunks = [&png[..33], &text.repeat(10_000), &png[33..]].concat();
    for file in [jpeg, chunks] {
        let start = Instant::now();
        let _found = fixtures::engine().inspect(&file, &Section::ALL, PreviewKind::None, &fixtures::stop());
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    }
}

#[test]
fn what_inflates_to_much_is_not_inflated() {
    let png = fixtures::png(fixtures::photo(16, 16));
    let bomb = zipped(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let mut file = png;
    for _ in 0..50 {
        file = with_chunk(&file, b"iTXt", &[b"XML:com.adobe.xmp\0\x01\0\0\0", &bomb[..]].concat());
        file = with_chunk(&file, b"zTXt", &[b"Raw profile type iptc\0\0", &bomb[..]].concat());
    }
    let start = Instant::now();
    let found = fixtures::engine().inspect(&file, &[Section::Xmp, Section::Iptc], PreviewKind::None, &fixtures::stop());
    let report = found.unwrap().report;
    assert!(report.xmp.is_none() && report.iptc.is_none());
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    // The next one, of ordinary size, after so many bombs: not looked at any more, and nothing else is wrong.
    assert!(!fixtures::decoded(&keep(&file, Format::Png)).as_bytes().is_empty());
}

#[test]
fn xmp_that_explodes() {
    let deep = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
    let wide = format!("<a {}/>", (0..100_000).map(|n| format!("b{n}=\"\" ")).collect::<String>());
    let spaces = format!(
        "<a {}>{}</a>",
        (0..200).map(|n| format!("xmlns:n{n}=\"u\" ")).collect::<String>(),
        "<n199:b/>".repeat(100_000)
    );
    let laughs = r#"<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>"#.to_owned();
    let unknown = "<a>&unknown;</a>".to_owned();
    let many = format!("<a>{}</a>", "<b/>".repeat(200_000));
    let unfinished = rich::xmp().replace("</rdf:RDF>", "");
    for packet in [deep, wide, spaces, laughs, unknown, many, unfinished, String::new()] {
        let start = Instant::now();
        assert!(xmp::kept(packet.as_bytes(), Metadata::Keep).is_err(), "{}", &packet[..packet.len().min(60)]);
        assert!(xmp::values(packet.as_bytes()).is_empty() && xmp::place(packet.as_bytes()).is_none());
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    }
}

#[test]
fn iptc_that_lies_about_its_length() {
    for bytes in [&b"\x1c\x02\x05\xff\xff"[..], b"\x1c\x02\x05\0\x09abc", b"\x1c", b"", b"\x1d\x02\x05\0\0"] {
        assert!(iptc::values(bytes).is_empty() && iptc::kept(bytes, Metadata::Keep).is_none());
    }
    let many = b"\x1c\x02\x19\0\x02ab".repeat(200_000);
    assert!(iptc::values(&many)["Keywords"].chars().count() <= 200);
    assert!(iptc::in_resources(b"8BIM\x04\x04\0\0\xff\xff\xff\xff").is_none());
    assert!(iptc::in_resources(b"8BIM\x04\x04\xff").is_none());
}

#[test]
fn what_does_not_fit_is_left_out_and_said() {
    let jpeg = fixtures::file(fixtures::photo(16, 16), Format::Png);
    let xmp = rich::xmp().replace("Ann", &"Ann ".repeat(20_000));
    let png = with_chunk(&jpeg, b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", xmp.as_bytes()].concat());
    let output = |format| Output { format: Some(format), metadata: Metadata::Keep, ..Output::default() };
    for (format, fits) in [(Format::Jpeg, false), (Format::Png, true), (Format::Webp, true), (Format::Tiff, true)] {
        let recipe = Recipe { output: output(format), ..Recipe::default() };
        let made = fixtures::engine().transform(&png, &recipe, &Options::default(), &fixtures::stop()).unwrap();
        assert_eq!(made.warnings.iter().any(|warning| warning.code == "metadata_dropped"), !fits, "{format:?}");
        assert_eq!(made.bytes.windows(8).any(|bytes| bytes == b"Ann Ann "), fits, "{format:?}");
    }
}

#[test]
fn flipped_bits_never_make_a_file_that_cannot_be_read() {
    let mut seed = 11_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below.max(1)
    };
    let source = rich::jpeg(fixtures::photo(24, 16), 1);
    for format in FORMATS {
        let file = keep(&source, format);
        for _ in 0..40 {
            let mut bad = file.clone();
            for _ in 0..=random(6) {
                let at = random(bad.len());
                bad[at] ^= 1 << random(8);
            }
            let output = Output { format: Some(format), metadata: Metadata::Keep, ..Output::default() };
            let recipe = Recipe { output, ..Recipe::default() };
            let made = fixtures::engine().transform(&bad, &recipe, &Options::default(), &fixtures::stop());
            let _report = fixtures::engine().inspect(&bad, &Section::ALL, PreviewKind::None, &fixtures::stop());
            if let Ok(made) = made {
                assert!(!fixtures::decoded(&made.bytes).as_bytes().is_empty());
            }
        }
    }
}
