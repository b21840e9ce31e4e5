//! JPEG: headers by our own walk over the markers, pixels of plain files by a decoder of our own that makes no more than
//! is needed, of all others by zune-jpeg; writing by an encoder of our own, progressive files by jpeg-encoder.

mod baseline;
mod bits;
mod encode;
mod entropy;
mod frame;
mod header;
mod idct;
mod plain;
mod scan;
mod segments;
mod table;
#[cfg(test)]
mod tests;
mod zune;

use common::Failure;
use image::DynamicImage;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

pub(crate) use self::plain::{Need, Plain};
use self::segments::{Segment, Segments};
pub(super) use self::{
    encode::encode_planes,
    header::read as header,
    zune::{decode, scratch_bytes},
};
use crate::engine::{
    Stop, pixels,
    planes::{Chroma, Planes},
};

/// The segments of a file, marker and payload.
pub(super) fn segments(input: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    Segments { rest: input }
}

/// The quality from which colour is kept at full resolution.
const FULL_CHROMA_FROM: u8 = 90;

const CUT: &str = "The JPEG ends before the picture does; the missing part is grey.";
const DAMAGED: &str = "The JPEG is damaged; a part of the picture is missing or wrong.";

/// The resolution of colour in a JPEG of a quality, 1 to 100.
pub(super) fn chroma(quality: u8) -> Chroma {
    if quality < FULL_CHROMA_FROM { Chroma::Half } else { Chroma::Full }
}

/// Writes gray or RGB of 8 bits.
pub(super) fn encode(image: &DynamicImage, quality: u8, progressive: bool, stop: &Stop) -> Result<Vec<u8>, Failure> {
    if progressive {
        return encode_progressive(image, quality);
    }
    let planes =
        Planes::of(image, chroma(quality)).ok_or_else(|| pixels::unexpected("pixels that JPEG cannot hold"))?;
    encode_planes(&planes, quality, stop)
}

fn encode_progressive(image: &DynamicImage, quality: u8) -> Result<Vec<u8>, Failure> {
    let (bytes, color) = match image {
        DynamicImage::ImageLuma8(buffer) => (buffer.as_raw(), ColorType::Luma),
        DynamicImage::ImageRgb8(buffer) => (buffer.as_raw(), ColorType::Rgb),
        _ => return Err(pixels::unexpected("pixels that JPEG cannot hold")),
    };
    let side = |pixels: u32| u16::try_from(pixels).map_err(|error| Failure::internal(&error));
    let mut output = Vec::with_capacity(bytes.len() / 8);
    let mut encoder = Encoder::new(&mut output, quality.clamp(1, 100));
    encoder.set_progressive(true);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_sampling_factor(match chroma(quality) {
        Chroma::Half => SamplingFactor::F_2_2,
        Chroma::Full => SamplingFactor::F_1_1,
    });
    encoder
        .encode(bytes, side(image.width())?, side(image.height())?, color)
        .map_err(|error| Failure::internal(&error))?;
    Ok(output)
}
