//! Pictures that the tests make.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// Smooth in every direction, and different in each corner.
pub(crate) fn gradient(width: u32, height: u32) -> DynamicImage {
    let at = |value: u32, of: u32| u8::try_from(value * 255 / of.max(1)).unwrap();
    RgbImage::from_fn(width, height, |x, y| Rgb([at(x, width), at(y, height), at(x + y, width + height)])).into()
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&gradient(width, height), ImageFormat::Png)
}

pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(&gradient(width, height), ImageFormat::Jpeg)
}

/// A red disc on nothing.
pub(crate) fn disc(side: u32) -> Vec<u8> {
    let radius = i64::from(side / 2);
    let inside = |x: u32, y: u32| (i64::from(x) - radius).pow(2) + (i64::from(y) - radius).pow(2) < radius * radius;
    let pixel = |x, y| if inside(x, y) { Rgba([255, 0, 0, 255]) } else { Rgba([0, 0, 0, 0]) };
    encoded(&RgbaImage::from_fn(side, side, pixel).into(), ImageFormat::Png)
}

/// A PNG that claims `width` by `height` pixels and holds none.
pub(crate) fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0]);
    let checksum = crc32(&bytes[12..]);
    bytes.extend(checksum.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0u32.wrapping_sub(crc & 1)))
    };
    !bytes.iter().fold(u32::MAX, step)
}
