//! Small pictures of every format and kind, made by the engine and by encoders that know more kinds.

use std::{io::Cursor, time::Duration};

use common::{
    Format,
    recipe::{ColorSpace, Metadata, Output},
};
use image::{Delay, DynamicImage, Frame, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage, codecs::gif::GifEncoder};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use worker::engine::Stop;

use super::{Seed, rich};

const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><defs><linearGradient id="g"><stop
offset="0" stop-color="red"/><stop offset="1" stop-color="#00f"/></linearGradient><filter id="f"><feGaussianBlur
stdDeviation="1"/></filter><pattern id="p" width="8" height="8" patternUnits="userSpaceOnUse"><circle r="3"/></pattern>
<clipPath id="c"><path d="M0 0h20v9z"/></clipPath><mask id="m"><rect width="9" height="9" fill="#fff"/></mask></defs>
<rect width="30" height="20" fill="url(#g)"/><circle cx="20" cy="15" r="9" opacity=".5" filter="url(#f)"/><text x="3"
y="20" font-size="9">Ab</text><g clip-path="url(#c)" mask="url(#m)"><use href="#p"/><path fill="url(#p)"
d="M1 2C3 4 5 6 7 8Q1 1 2 2A3 3 0 0 1 9 9z" stroke="red" stroke-dasharray="2 1" transform="rotate(9)"/></g></svg>"##;

fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, (x * y % 251) as u8]))
}

fn disc() -> RgbaImage {
    RgbaImage::from_fn(24, 20, |x, y| Rgba([x as u8 * 9, 90, y as u8 * 9, if (x + y) % 9 < 5 { 255 } else { x as u8 }]))
}

/// `image` as the engine writes it.
pub(crate) fn made(image: &DynamicImage, output: Output) -> Vec<u8> {
    let mut source = Cursor::new(Vec::new());
    image.write_to(&mut source, ImageFormat::Png).unwrap_or_else(|error| panic!("{error}"));
    again(source.get_ref(), output)
}

fn again(file: &[u8], output: Output) -> Vec<u8> {
    // Time enough for an encoder of AVIF that is watched over.
    crate::within(&Stop::new(Duration::from_secs(300)), file, "[]", output)
        .unwrap_or_else(|failure| panic!("{failure}"))
        .bytes
}

/// Every format, and what there is of kinds.
pub(crate) fn all() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = vec![
        ("a.svg".into(), DRAWING.into()),
        ("1.pbm".into(), b"P1 3 2\n1 0 1\n0 1 0\n".to_vec()),
        ("2.pgm".into(), b"P2\n# c\n3 2 15\n1 0 15 9 1 0\n".to_vec()),
        ("4.pbm".into(), b"P4 9 2\n\xa5\x80\x5a\x00".to_vec()),
        ("7.pam".into(), b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n12345678".to_vec()),
    ];
    let kinds: [(&str, DynamicImage); 4] = [
        ("rgb", photo(57, 43).into()),
        ("rgba", disc().into()),
        ("gray", DynamicImage::from(photo(20, 20)).into_luma8().into()),
        ("deep", DynamicImage::from(disc()).into_rgba16().into()),
    ];
    for (kind, image) in &kinds {
        for format in Format::WRITABLE {
            seeds.push((format!("{kind}.{}", format.extension()), made(image, crate::output(format))));
        }
        let lossless = Output { lossless: true, ..crate::output(Format::Webp) };
        seeds.push((format!("{kind}-lossless.webp"), made(image, lossless)));
        for format in [ImageFormat::Tga, ImageFormat::Pnm, ImageFormat::Hdr, ImageFormat::OpenExr] {
            let float = matches!(format, ImageFormat::Hdr | ImageFormat::OpenExr);
            let image = if float { image.to_rgb32f().into() } else { image.to_rgb8().into() };
            let mut file = Cursor::new(Vec::new());
            DynamicImage::write_to(&image, &mut file, format).unwrap_or_else(|error| panic!("{error}"));
            seeds.push((format!("{kind}.{}", format.extensions_str()[0]), file.into_inner()));
        }
    }
    let moving = moving();
    for format in [Format::Webp, Format::Png] {
        seeds.push((format!("moving.{}", format.extension()), again(&moving, crate::output(format))));
    }
    seeds.push(("moving.gif".into(), moving));
    seeds.extend(jpegs().into_iter().map(|(name, file)| (format!("{name}.jpg"), file)));
    seeds
}

fn moving() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    for number in 0..3 {
        let image = RgbaImage::from_fn(16, 12, |x, _| Rgba([255, 0, 0, if x / 5 == number { 255 } else { 0 }]));
        let frame = Frame::from_parts(image, number, 0, Delay::from_numer_denom_ms(100, 1));
        encoder.encode_frame(frame).unwrap_or_else(|error| panic!("{error}"));
    }
    drop(encoder);
    file
}

/// One JPEG with everything in it, and what the engine hands on of it in each format.
pub(crate) fn with_metadata() -> Vec<Seed> {
    let rich = rich::jpeg(photo(16, 12), 6);
    let mut seeds = vec![("rich.jpg".into(), rich.clone())];
    for format in [Format::Png, Format::Webp, Format::Tiff, Format::Avif] {
        let output = Output { metadata: Metadata::Keep, color: ColorSpace::Keep, ..crate::output(format) };
        seeds.push((format!("rich.{}", format.extension()), again(&rich, output)));
    }
    seeds
}

/// JPEG of every sampling, with and without restart markers, in one scan and in many, gray and in inks.
fn jpegs() -> Vec<Seed> {
    use SamplingFactor::*;
    let mut seeds = Vec::new();
    for (number, sampling) in [F_1_1, F_2_1, F_1_2, F_2_2, F_4_1, F_4_2].into_iter().enumerate() {
        for (restart, optimized, progressive) in [(0, false, false), (3, false, false), (0, true, true)] {
            let mut file = Vec::new();
            let mut encoder = Encoder::new(&mut file, 40 + number as u8 * 9);
            encoder.set_sampling_factor(sampling);
            encoder.set_restart_interval(restart);
            encoder.set_optimized_huffman_tables(optimized);
            encoder.set_progressive(progressive);
            let kind = if number == 4 { ColorType::Cmyk } else { ColorType::Rgb };
            let pixels = photo(if number == 4 { 60 } else { 41 }, 32).into_raw();
            let width = if number == 4 { 45 } else { 41 };
            encoder.encode(&pixels, width, 32, kind).unwrap_or_else(|error| panic!("{error}"));
            seeds.push((format!("{number}-{restart}-{progressive}"), file));
        }
    }
    let mut gray = Vec::new();
    let encoded = Encoder::new(&mut gray, 80).encode(&photo(20, 20).into_raw(), 60, 20, ColorType::Luma);
    encoded.unwrap_or_else(|error| panic!("{error}"));
    seeds.push(("gray".into(), gray));
    seeds
}

/// As the target of JPEG takes them: a byte that chooses what is done goes first.
pub(crate) fn jpegs_to_do() -> Vec<Seed> {
    let to_do = |(number, (name, file)): (usize, Seed)| (name, [&[number as u8 % 16], &file[..]].concat());
    let mut seeds: Vec<Seed> =
        jpegs().into_iter().chain([("rich".into(), rich::jpeg(photo(16, 12), 6))]).enumerate().map(to_do).collect();
    for choice in 0x80..0x84 {
        seeds.push((format!("sound-{choice}"), [&[choice, 20, 17, 60, 3], &photo(9, 9).into_raw()[..]].concat()));
    }
    seeds
}
