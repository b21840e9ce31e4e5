//! Writing by ravif, which builds with nothing but Rust.

use common::Failure;
use image::DynamicImage;
use ravif::{Encoder, Img, RGB8, RGBA8};

use crate::engine::{
    Stop, pixels,
    planes::{Chroma, Planes},
};

/// ravif's effort, 1 (small files) to 10 (fast): without assembler, what is below takes seconds for a photograph.
const SPEED: u8 = 9;

/// It takes pixels only.
pub(in super::super) fn chroma(_quality: u8) -> Option<Chroma> {
    None
}

/// The same from planes.
pub(in super::super) fn encode_planes(
    planes: &Planes,
    quality: u8,
    exif: Option<&[u8]>,
    stop: &Stop,
) -> Result<Vec<u8>, Failure> {
    encode(&planes.to_image()?, quality, exif, stop)
}

/// Writes RGB or RGBA of 8 bits, with `exif` as an item of its own.
pub(in super::super) fn encode(
    image: &DynamicImage,
    quality: u8,
    exif: Option<&[u8]>,
    stop: &Stop,
) -> Result<Vec<u8>, Failure> {
    stop.check()?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let quality = f32::from(quality.clamp(1, 100));
    let encoder =
        Encoder::new().with_quality(quality).with_alpha_quality(quality).with_speed(SPEED).with_num_threads(Some(1));
    let encoder = if let Some(exif) = exif { encoder.with_exif(exif) } else { encoder };
    let made = match image {
        DynamicImage::ImageRgb8(buffer) => {
            let pixels: Vec<RGB8> = buffer.pixels().map(|pixel| RGB8::from(pixel.0)).collect();
            encoder.encode_rgb(Img::new(&pixels, width, height))
        }
        DynamicImage::ImageRgba8(buffer) => {
            let pixels: Vec<RGBA8> = buffer.pixels().map(|pixel| RGBA8::from(pixel.0)).collect();
            encoder.encode_rgba(Img::new(&pixels, width, height))
        }
        _ => return Err(pixels::unexpected("pixels that AVIF cannot hold")),
    };
    made.map(|made| made.avif_file).map_err(|error| pixels::encoder_failed(&error))
}
