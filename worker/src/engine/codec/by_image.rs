//! Formats that the decoders of `image` read.

use std::io::Cursor;

use common::{Failure, Format};
use image::{ColorType, DynamicImage, ExtendedColorType, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Decoded, unreadable, unsupported};
use crate::engine::{
    pixels,
    probe::{ColorKind, Header, Probe},
};

/// What a decoder may allocate beside its output: tables, blocks, one strip or tile.
const SCRATCH_BYTES: u64 = 64 * 1024 * 1024;

fn reader(format: Format, input: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, Failure> {
    let format = match format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
        Format::Webp => ImageFormat::WebP,
        Format::Gif => ImageFormat::Gif,
        Format::Tiff => ImageFormat::Tiff,
        Format::Bmp => ImageFormat::Bmp,
        Format::Ico => ImageFormat::Ico,
        Format::Qoi => ImageFormat::Qoi,
        Format::Tga => ImageFormat::Tga,
        Format::Pnm => ImageFormat::Pnm,
        Format::Hdr => ImageFormat::Hdr,
        Format::Exr => ImageFormat::OpenExr,
        Format::Avif | Format::Svg => return Err(pixels::unexpected("a format with a decoder of its own")),
    };
    Ok(ImageReader::with_format(Cursor::new(input), format))
}

/// Tells a variant that is not supported from a damaged file.
fn failure(format: Format, error: &image::ImageError) -> Failure {
    tracing::debug!(?error, format = format.name(), "decoding");
    match error {
        image::ImageError::Unsupported(_) => {
            unsupported(&format!("This variant of {} cannot be read here.", format.name()))
        }
        _ => unreadable(format),
    }
}

/// Reads the header.
pub(super) fn header(format: Format, input: &[u8]) -> Result<Header<'_>, Failure> {
    let mut reader = reader(format, input)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(SCRATCH_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| failure(format, &error))?;
    let (width, height) = decoder.dimensions();
    let decoded = decoder.color_type();
    let original = decoder.original_color_type();
    let icc = decoder.icc_profile().ok().flatten();
    let orientation = decoder.orientation().map_or(1, image::metadata::Orientation::to_exif);
    let color = match original {
        ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16 => ColorKind::Cmyk,
        _ if decoded.has_color() => ColorKind::Rgb,
        _ => ColorKind::Gray,
    };
    let channels = u16::from(decoded.channel_count().max(1));
    let probe = Probe {
        format,
        width,
        height,
        orientation,
        alpha: decoded.has_alpha(),
        bit_depth: u8::try_from(decoded.bits_per_pixel() / channels).unwrap_or(8),
        color,
        frames: 1,
        has_icc: icc.is_some(),
    };
    Ok(Header { probe, exif: None, icc: icc.map(Into::into) })
}

/// Decodes the first picture.
pub(super) fn decode(input: &[u8], probe: &Probe) -> Result<Decoded, Failure> {
    let format = probe.format;
    let mut reader = reader(format, input)?;
    let mut limits = Limits::default();
    let pixels = probe.stored_size().pixels();
    // Twice: some decoders hold a strip, an index plane or the previous frame beside the output.
    limits.max_alloc = Some(pixels.saturating_mul(probe.pixel_bytes().max(4)).saturating_mul(2) + SCRATCH_BYTES);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| failure(format, &error))?;
    let lying = decoder.dimensions() != (probe.width, probe.height);
    if lying || decoder.total_bytes() > pixels.saturating_mul(most_bytes(decoder.color_type())) {
        return Err(unreadable(format));
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|error| failure(format, &error))?;
    Ok(Decoded { image, damage: None })
}

fn most_bytes(color: ColorType) -> u64 {
    u64::from(color.bytes_per_pixel())
}
