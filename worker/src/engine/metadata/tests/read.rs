//! What reports say of files whose metadata is known.

use std::io::Write;

use common::{
    Format, Section,
    recipe::Output,
    report::{Basic, Report},
};
use flate2::{Compression, write::ZlibEncoder};

use super::rich;
use crate::engine::{Options, PreviewKind, fixtures};

fn report(input: &[u8]) -> Report {
    fixtures::engine().inspect(input, &Section::ALL, PreviewKind::None, &fixtures::stop()).unwrap().report
}

fn basic(input: &[u8]) -> Basic {
    report(input).basic.unwrap()
}

/// `png` with a chunk behind its header. Nobody looks at the checksum of such chunks here.
pub(super) fn with_chunk(png: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u32).to_be_bytes();
    let sum = crc32fast::hash(&[kind, data].concat());
    [&png[..33], &length, kind, data, &sum.to_be_bytes(), &png[33..]].concat()
}

pub(super) fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn everything_in_a_jpeg_is_told() {
    let report = report(&rich::jpeg(fixtures::photo(60, 40), 6));
    let xmp = report.xmp.unwrap();
    let told: Vec<(&str, &str)> = xmp.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for expected in [
        ("dc:title", "A <garden> & more"),
        ("dc:creator", "Ann; Bob"),
        ("xmp:Rating", "4"),
        ("Iptc4xmpExt:LocationShown/Iptc4xmpExt:City", "Paris"),
        ("xmpRights:Marked", "True"),
    ] {
        assert!(told.contains(&expected), "{expected:?} of {told:?}");
    }
    assert!(xmp.keys().all(|name| !name.to_lowercase().contains("gps")), "the place is told in its section: {xmp:?}");
    assert!(xmp.values().all(|value| value.chars().count() <= 200));
    let iptc = report.iptc.unwrap();
    assert_eq!(iptc["Keywords"], "leaf; tree");
    assert_eq!((iptc["ObjectName"].as_str(), iptc["CopyrightNotice"].as_str()), ("Grün", "(c) Ann"));
    let exif = report.exif.unwrap();
    assert_eq!(exif["MakerNote"], "present");
    let basic = report.basic.unwrap();
    assert_eq!(
        (basic.dpi_x, basic.dpi_y, basic.c2pa, basic.progressive),
        (Some(300.0), Some(300.0), true, Some(false))
    );
    assert_eq!(basic.chroma_sampling.as_deref(), Some("4:4:4"));
    assert!((report.gps.unwrap().latitude - -48.858_333).abs() < 1e-5);
    assert!(report.icc.is_some_and(|icc| !icc.srgb && icc.name.is_some()));
}

#[test]
fn places_that_only_xmp_knows() {
    let jpeg = fixtures::file(fixtures::photo(20, 20), Format::Jpeg);
    let gps = report(&rich::with_xmp(&jpeg)).gps.unwrap();
    assert!((gps.latitude - -48.858_333).abs() < 1e-5 && (gps.longitude - -2.294_444).abs() < 1e-5, "{gps:?}");
}

#[test]
fn places_in_signed_fractions() {
    let mut jpeg = fixtures::with_exif(&fixtures::file(fixtures::photo(20, 20), Format::Jpeg), 1);
    // Latitude and longitude: three fractions.
    for tag in [2, 4] {
        let at = jpeg.windows(8).position(|bytes| bytes == [0, tag, 0, 5, 0, 0, 0, 3]).unwrap();
        jpeg[at + 3] = 10;
    }
    let gps = report(&jpeg).gps.unwrap();
    assert!((gps.latitude - -48.858_333).abs() < 1e-5, "{gps:?}");
}

#[test]
fn the_quality_of_our_own_files_is_told_exactly() {
    for (quality, progressive) in
        [(1, false), (20, false), (50, true), (75, false), (80, false), (89, true), (97, false)]
    {
        let output = Output { format: Some(Format::Jpeg), quality: Some(quality), progressive, ..Output::default() };
        let recipe = common::Recipe { output, ..Default::default() };
        let png = fixtures::png(fixtures::photo(60, 40));
        let jpeg = fixtures::engine().transform(&png, &recipe, &Options::default(), &fixtures::stop()).unwrap().bytes;
        let basic = basic(&jpeg);
        assert_eq!((basic.estimated_quality, basic.quality_plus_minus), (Some(quality), Some(0)));
        assert_eq!(basic.progressive, Some(progressive));
        assert_eq!(basic.chroma_sampling.as_deref(), Some(if quality < 90 { "4:2:0" } else { "4:4:4" }));
        // A table that no quality makes.
        let at = jpeg.windows(2).position(|bytes| bytes == [0xff, 0xdb]).unwrap() + 5;
        let mut strange = jpeg.clone();
        strange[at] = strange[at].wrapping_add(9).max(1);
        let strange = fixtures::engine().probe(&strange).map(|_| self::basic(&strange));
        assert!(strange.is_ok_and(|basic| basic.quality_plus_minus > Some(0)), "quality {quality}");
    }
}

#[test]
fn png_tells_density_passes_and_both_kinds_of_text() {
    let png = fixtures::png(fixtures::photo(20, 20));
    let plain = basic(&png);
    assert_eq!((plain.dpi_x, plain.c2pa, plain.progressive, plain.estimated_quality), (None, false, Some(false), None));
    let metre = [&11_811_u32.to_be_bytes()[..], &5_906_u32.to_be_bytes(), &[1]].concat();
    let png = with_chunk(&with_chunk(&png, b"pHYs", &metre), b"caBX", b"jumb");
    let found = basic(&png);
    assert_eq!((found.dpi_x, found.dpi_y, found.c2pa), (Some(300.0), Some(150.01), true));
    let packet = zipped(rich::xmp().as_bytes());
    let png = with_chunk(&png, b"iTXt", &[b"XML:com.adobe.xmp\0\x01\0en\0XMP\0", &packet[..]].concat());
    let digits: String = rich::iptc().iter().map(|byte| format!("{byte:02x}")).collect();
    let raw = zipped(format!("\niptc\n    {}\n{digits}\n", digits.len() / 2).as_bytes());
    let png = with_chunk(&png, b"zTXt", &[b"Raw profile type iptc\0\0", &raw[..]].concat());
    let report = report(&png);
    assert_eq!(report.xmp.unwrap()["dc:creator"], "Ann; Bob");
    assert_eq!(report.iptc.unwrap()["Keywords"], "leaf; tree");
}

#[test]
fn webp_and_tiff_tell_what_they_have() {
    let webp = basic(&fixtures::file(fixtures::photo(20, 20), Format::Webp));
    assert_eq!((webp.chroma_sampling.as_deref(), webp.c2pa), (Some("4:2:0"), false));
    let tiff = basic(&fixtures::file(fixtures::photo(20, 20), Format::Tiff));
    assert_eq!((tiff.chroma_sampling, tiff.progressive, tiff.c2pa), (None, None, false));
}
