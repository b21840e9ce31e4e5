//! Pictures for tests, made on the spot.

use std::{io::Cursor, time::Duration};

use common::{Failure, Format, Recipe, recipe::Output};
use image::{DynamicImage, GrayImage, ImageBuffer, Rgb, RgbImage, Rgba, RgbaImage};

use super::{
    Engine, Limits, Options, Stop, Transformed,
    codec::{self, Encoding},
    lettering, pixels,
};

pub(crate) fn stop() -> Stop {
    Stop::new(Duration::from_secs(120))
}

pub(crate) fn engine() -> Engine {
    Engine::new(Limits::default()).unwrap()
}

/// Waves of different lengths: smooth as a photograph, and different everywhere.
pub(crate) fn photo(width: u32, height: u32) -> RgbImage {
    let wave = |x: f32, y: f32, a: f32, b: f32| (127.5 + 110.0 * ((x * a).sin() * (y * b).cos())) as u8;
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        Rgb([wave(x, y, 0.05, 0.03), wave(x, y, 0.02, 0.07), wave(x + y, y, 0.04, 0.02)])
    })
}

/// An opaque red disc on nothing; what is invisible is green, which must never be seen.
pub(crate) fn disc(side: u32) -> RgbaImage {
    let middle = side as f32 / 2.0;
    RgbaImage::from_fn(side, side, |x, y| {
        let far = (x as f32 + 0.5 - middle).hypot(y as f32 + 0.5 - middle) > middle * 0.6;
        if far { Rgba([0, 255, 0, 0]) } else { Rgba([255, 0, 0, 255]) }
    })
}

/// 16 bits, with differences that 8 bits cannot hold.
pub(crate) fn deep(width: u32, height: u32) -> DynamicImage {
    ImageBuffer::<Rgb<u16>, _>::from_fn(width, height, |x, y| Rgb([(x * 257 + 3) as u16, (y * 101) as u16, 12_345]))
        .into()
}

pub(crate) fn gray(width: u32, height: u32) -> DynamicImage {
    GrayImage::from_fn(width, height, |x, y| image::Luma([(x * 3 + y) as u8])).into()
}

/// Lines of text in the font of the program, on a page that is just large enough.
pub(crate) fn lettered(text: &str, size: u32, ink: Rgb<u8>, paper: Rgb<u8>) -> RgbImage {
    let hex = |color: Rgb<u8>| color.0.iter().map(|value| format!("{value:02x}")).collect::<String>();
    let width = text.lines().map(|line| text_width(line, size)).fold(0.0, f32::max).ceil() as u32 + 4 * size;
    let height = text.lines().count() as u32 * size + 2 * size;
    let step = serde_json::json!([{"op": "text", "text": text, "size": size, "color": format!("#{}", hex(ink)),
        "x": size, "y": size, "max_width": width}]);
    run(RgbImage::from_pixel(width, height, paper), &step.to_string()).into_rgb8()
}

/// How wide a line of text is, in pixels.
pub(crate) fn text_width(line: &str, size: u32) -> f32 {
    lettering::lay_out(&lettering::font(size).unwrap(), line, 1e6).width
}

/// `image` as a file of `format`, of quality 95 where that counts.
pub(crate) fn file(image: impl Into<DynamicImage>, format: Format) -> Vec<u8> {
    let image = pixels::fit_to(format, image.into(), common::recipe::Color::WHITE);
    let encoding = Encoding { format, quality: 95, lossless: false, progressive: false };
    codec::encode_pixels(&image, &encoding, &stop()).unwrap()
}

/// A file of any format that can be read, some 40 pixels wide.
pub(crate) fn sample(format: Format) -> Vec<u8> {
    use image::ImageFormat;
    let photo = DynamicImage::from(photo(40, 30));
    let other = match format {
        Format::Tga => ImageFormat::Tga,
        Format::Pnm => ImageFormat::Pnm,
        Format::Hdr => ImageFormat::Hdr,
        Format::Exr => ImageFormat::OpenExr,
        Format::Svg => return SVG.as_bytes().to_vec(),
        writable => return file(photo, writable),
    };
    let photo = if matches!(format, Format::Hdr | Format::Exr) { photo.into_rgb32f().into() } else { photo };
    let mut output = Cursor::new(Vec::new());
    photo.write_to(&mut output, other).unwrap();
    output.into_inner()
}

/// A drawing with a little of everything.
pub(crate) const SVG: &str = r##"<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30" viewBox="0 0 80 60">
  <defs><linearGradient id="g"><stop offset="0" stop-color="#f00"/><stop offset="1" stop-color="#00f"/></linearGradient>
  <filter id="f"><feGaussianBlur stdDeviation="1"/></filter>
  <pattern id="p" width="8" height="8" patternUnits="userSpaceOnUse"><circle cx="4" cy="4" r="3"/></pattern></defs>
  <rect width="80" height="30" fill="url(#g)"/><rect y="30" width="40" height="30" fill="url(#p)" opacity=".5"/>
  <circle cx="60" cy="45" r="10" filter="url(#f)"/><text x="2" y="20" font-size="14">Text</text>
</svg>"##;

/// An animation: a red square that moves to the right over nothing, 8 pixels a frame, on 40 x 20 pixels.
pub(crate) fn moving(format: Format, frames: u32) -> Vec<u8> {
    let encoding = Encoding { format, quality: 90, lossless: true, progressive: false };
    let stop = stop();
    let mut writer = codec::animation::Writer::new(encoding, 3, &stop);
    for frame in 0..frames {
        let image = RgbaImage::from_fn(40, 20, |x, y| {
            let inside = (frame * 8..frame * 8 + 8).contains(&x) && (4..12).contains(&y);
            if inside { Rgba([255, 0, 0, 255]) } else { Rgba([0; 4]) }
        });
        writer.add(codec::animation::Shown { image, delay: 100 + 50 * frame }).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    file(image, Format::Png)
}

pub(crate) fn decoded(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

/// Steps from JSON, checked.
pub(crate) fn steps(json: &str) -> Result<Vec<common::Step>, Failure> {
    Recipe::parse_steps(&serde_json::from_str(json).unwrap())
}

/// A recipe from JSON steps.
pub(crate) fn recipe(steps: &str, format: Option<Format>) -> Recipe {
    let steps = Recipe::parse_steps(&serde_json::from_str(steps).unwrap()).unwrap();
    Recipe { steps, output: Output { format, ..Output::default() } }
}

pub(crate) fn transform(input: &[u8], steps: &str, format: Option<Format>) -> Result<Transformed, Failure> {
    engine().transform(input, &recipe(steps, format), &Options::default(), &stop())
}

/// Does `steps` and gives the pixels, without loss.
pub(crate) fn run(image: impl Into<DynamicImage>, steps: &str) -> DynamicImage {
    decoded(&transform(&png(image), steps, Some(Format::Png)).unwrap().bytes)
}

/// Peak signal-to-noise ratio of two pictures of one kind and 8 bits, in dB.
pub(crate) fn psnr(one: &DynamicImage, other: &DynamicImage) -> f64 {
    assert_eq!((one.width(), one.height(), one.color()), (other.width(), other.height(), other.color()));
    let error: f64 = one.as_bytes().iter().zip(other.as_bytes()).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 / (error / one.as_bytes().len() as f64).max(1e-9)).log10()
}

/// An EXIF structure (big-endian) with an orientation and a place: 48° 51' 30" S, 2° 17' 40" W, 35 m below.
pub(crate) fn exif(orientation: u16) -> Vec<u8> {
    let mut bytes = b"MM\0\x2a\0\0\0\x08".to_vec();
    let entry = |bytes: &mut Vec<u8>, tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        bytes.extend(tag.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        bytes.extend(value);
    };
    // The first directory: 2 entries, from 8 to 38. The GPS directory: 6 entries, from 38 to 116.
    bytes.extend(2_u16.to_be_bytes());
    let [high, low] = orientation.to_be_bytes();
    entry(&mut bytes, 0x0112, 3, 1, [high, low, 0, 0]);
    entry(&mut bytes, 0x8825, 4, 1, 38_u32.to_be_bytes());
    bytes.extend(0_u32.to_be_bytes());
    bytes.extend(6_u16.to_be_bytes());
    entry(&mut bytes, 1, 2, 2, *b"S\0\0\0");
    entry(&mut bytes, 2, 5, 3, 116_u32.to_be_bytes());
    entry(&mut bytes, 3, 2, 2, *b"W\0\0\0");
    entry(&mut bytes, 4, 5, 3, 140_u32.to_be_bytes());
    entry(&mut bytes, 5, 1, 1, [1, 0, 0, 0]);
    entry(&mut bytes, 6, 5, 1, 164_u32.to_be_bytes());
    bytes.extend(0_u32.to_be_bytes());
    for number in [48_u32, 1, 51, 1, 30, 1, 2, 1, 17, 1, 40, 1, 35, 1] {
        bytes.extend(number.to_be_bytes());
    }
    bytes
}

/// A JPEG segment.
fn segment(code: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&[0xff, code], &length[..], payload].concat()
}

/// `jpeg` with a segment put in right behind its start.
pub(crate) fn with_segment(jpeg: &[u8], code: u8, payload: &[u8]) -> Vec<u8> {
    [&jpeg[..2], &segment(code, payload), &jpeg[2..]].concat()
}

pub(crate) fn with_exif(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    with_segment(jpeg, 0xe1, &[b"Exif\0\0", &exif(orientation)[..]].concat())
}

pub(crate) fn with_icc(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    with_segment(jpeg, 0xe2, &[b"ICC_PROFILE\0\x01\x01", profile].concat())
}

/// A profile of four inks of which the first is red; all with black in it is black.
pub(crate) fn profile_of_inks() -> Vec<u8> {
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    for at in 0..9 {
        table.extend(if at % 4 == 0 { 65_536_u32 } else { 0 }.to_be_bytes());
    }
    let straight = || 0..=255_u8;
    (0..4).for_each(|_| table.extend(straight()));
    for corner in 0..16 {
        // The first ink is the highest bit. L, a, b, of which 128 is gray.
        let lab = match corner {
            0 => [255, 128, 128],
            8 => [130, 200, 170],
            _ if corner & 1 == 1 => [0, 128, 128],
            _ => [128, 128, 128],
        };
        table.extend(lab);
    }
    (0..3).for_each(|_| table.extend(straight()));
    let mut profile = vec![0; 128];
    profile[8] = 2;
    for (at, text) in [(12, b"prtr"), (16, b"CMYK"), (20, b"Lab "), (36, b"acsp")] {
        profile[at..at + 4].copy_from_slice(text);
    }
    // D50, which all connection spaces have.
    profile[68..80].copy_from_slice(&[0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d]);
    profile.extend(1_u32.to_be_bytes());
    profile.extend(b"A2B0");
    profile.extend(144_u32.to_be_bytes());
    profile.extend((table.len() as u32).to_be_bytes());
    profile.extend(table);
    let length = (profile.len() as u32).to_be_bytes();
    profile[..4].copy_from_slice(&length);
    profile
}

/// A PNG with a profile, of 8 or 16 bits.
pub(crate) fn png_with_icc(image: &DynamicImage, profile: Vec<u8>) -> Vec<u8> {
    use image::ImageEncoder;
    let mut output = Cursor::new(Vec::new());
    let mut encoder = image::codecs::png::PngEncoder::new(&mut output);
    encoder.set_icc_profile(profile).unwrap();
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into()).unwrap();
    output.into_inner()
}
