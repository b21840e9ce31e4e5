//! PNG by the `png` crate: row by row, so that a broken file gives what it has.

use std::{borrow::Cow, io::Cursor};

use common::{Failure, Format};
use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, RgbImage, RgbaImage};
use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Filter, InterlaceInfo, Reader, Transformations};

use super::{Decoded, unreadable};
use crate::engine::{
    Stop,
    limits::MAX_ICC_BYTES,
    metadata::orientation_of,
    pixels,
    probe::{ColorKind, Header, Probe},
};

/// How many rows are decoded between two looks at the stop.
const ROWS_BETWEEN_STOPS: usize = 64;

/// Walks over the chunks: type and data. Ends where a chunk is not whole.
pub(super) struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::try_from(u32::from_be_bytes(*self.rest.first_chunk::<4>()?)).ok()?;
        let kind = *self.rest.get(4..)?.first_chunk::<4>()?;
        let data = self.rest.get(8..length.checked_add(8)?)?;
        self.rest = self.rest.get(length.checked_add(12)?..)?;
        Some((kind, data))
    }
}

pub(super) fn chunks(input: &[u8]) -> Chunks<'_> {
    Chunks { rest: input.get(8..).unwrap_or_default() }
}

/// Reads every chunk but the pixels.
pub(super) fn header(input: &[u8]) -> Result<Header<'_>, Failure> {
    let broken = || unreadable(Format::Png);
    let mut all = chunks(input);
    let (first, ihdr) = all.next().ok_or_else(broken)?;
    let [w3, w2, w1, w0, h3, h2, h1, h0, depth, color, ..] = *ihdr else { return Err(broken()) };
    let mut exif: Option<&[u8]> = None;
    let (mut transparent, mut frames, mut has_icc) = (false, 1, false);
    for (kind, data) in all {
        match &kind {
            b"tRNS" => transparent = true,
            b"iCCP" => has_icc = true,
            b"eXIf" => exif = Some(data.strip_prefix(b"Exif\0\0").unwrap_or(data)),
            b"acTL" => frames = data.first_chunk().map_or(1, |count| u32::from_be_bytes(*count)).max(1),
            _ => {}
        }
    }
    let (kind, alpha) = match color {
        0 => (ColorKind::Gray, false),
        2 => (ColorKind::Rgb, false),
        3 => (ColorKind::Palette, false),
        4 => (ColorKind::Gray, true),
        6 => (ColorKind::Rgb, true),
        _ => return Err(broken()),
    };
    if first != *b"IHDR" || !matches!(depth, 1 | 2 | 4 | 8 | 16) {
        return Err(broken());
    }
    let probe = Probe {
        format: Format::Png,
        width: u32::from_be_bytes([w3, w2, w1, w0]),
        height: u32::from_be_bytes([h3, h2, h1, h0]),
        orientation: exif.map_or(1, orientation_of),
        alpha: alpha || transparent,
        bit_depth: depth,
        color: kind,
        frames,
        has_icc,
    };
    let icc = if has_icc { profile(input).map(Cow::Owned) } else { None };
    Ok(Header { probe, exif: exif.map(Cow::Borrowed), icc })
}

/// Inflates the profile; empty where it cannot be, so that the caller can warn of it.
fn profile(input: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(input), png::Limits { bytes: 4 * MAX_ICC_BYTES });
    decoder.set_ignore_text_chunk(true);
    let reader = decoder.read_info().ok()?;
    Some(reader.info().icc_profile.as_deref().map(<[u8]>::to_vec).unwrap_or_default())
}

/// Decodes the first frame; 16 bits stay 16 bits.
pub(super) fn decode(input: &[u8], probe: &Probe, stop: &Stop) -> Result<Decoded, Failure> {
    let whole = chunks(input).any(|(kind, _)| kind == *b"IEND");
    let first = rows(input, probe, false, stop)?;
    let total = first.rows;
    let best = if first.error {
        // A wrong checksum hides good rows: look without checking, and keep what reaches further.
        let second = rows(input, probe, true, stop)?;
        if second.done > first.done { second } else { first }
    } else {
        first
    };
    if best.done == 0 {
        return Err(unreadable(Format::Png));
    }
    let damage = if best.done < total {
        Some("The PNG is damaged or ends early; the missing rows are empty.")
    } else if best.error || best.unchecked {
        Some("The PNG is damaged; a part of the picture may be wrong.")
    } else if !whole {
        Some("The PNG ends early, though no row is missing.")
    } else {
        None
    };
    Ok(Decoded { image: best.image(probe)?, damage })
}

/// What came out of one attempt.
struct Rows {
    bytes: Vec<u8>,
    color: ColorType,
    depth: BitDepth,
    /// Rows (of all passes, where interlaced) that were decoded, and that there are.
    done: usize,
    rows: usize,
    error: bool,
    unchecked: bool,
}

fn rows(input: &[u8], probe: &Probe, unchecked: bool, stop: &Stop) -> Result<Rows, Failure> {
    let broken = |error| {
        tracing::debug!(?error, "png header");
        unreadable(Format::Png)
    };
    let row_bytes = usize::try_from(probe.pixel_bytes().saturating_mul(u64::from(probe.width))).unwrap_or(usize::MAX);
    let bytes = row_bytes.saturating_mul(8).saturating_add(4 * MAX_ICC_BYTES);
    let mut decoder = Decoder::new_with_limits(Cursor::new(input), png::Limits { bytes });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.ignore_checksums(unchecked);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().ok_or_else(|| unreadable(Format::Png))?;
    let (color, depth) = reader.output_color_type();
    let mut rows = Rows { bytes: vec![0; size], color, depth, done: 0, rows: 0, error: false, unchecked };
    fill(&mut reader, &mut rows, stop)?;
    Ok(rows)
}

fn fill(reader: &mut Reader<Cursor<&[u8]>>, rows: &mut Rows, stop: &Stop) -> Result<(), Failure> {
    let info = reader.info();
    let (width, height, interlaced) = (info.width, info.height, info.interlaced);
    let bits = u8::try_from(rows.color.samples()).unwrap_or(u8::MAX).saturating_mul(rows.depth as u8);
    let stride = rows.bytes.len() / usize::try_from(height.max(1)).unwrap_or(usize::MAX);
    rows.rows = if interlaced { interlaced_rows(width, height) } else { height as usize };
    loop {
        if rows.done.is_multiple_of(ROWS_BETWEEN_STOPS) {
            stop.check()?;
        }
        let error = if interlaced {
            match reader.next_interlaced_row() {
                Ok(Some(row)) => {
                    if let InterlaceInfo::Adam7(pass) = row.interlace() {
                        png::expand_interlaced_row(&mut rows.bytes, stride, row.data(), pass, bits);
                    }
                    None
                }
                Ok(None) => return Ok(()),
                Err(error) => Some(error),
            }
        } else {
            let start = rows.done.saturating_mul(stride);
            let Some(target) = rows.bytes.get_mut(start..start.saturating_add(stride)) else { return Ok(()) };
            if target.is_empty() {
                return Ok(());
            }
            match reader.read_row(target) {
                Ok(Some(_)) => None,
                Ok(None) => return Ok(()),
                Err(error) => Some(error),
            }
        };
        if let Some(error) = error {
            tracing::debug!(?error, row = rows.done, "png row");
            rows.error = true;
            return Ok(());
        }
        rows.done += 1;
    }
}

/// The rows of the seven passes of Adam7.
fn interlaced_rows(width: u32, height: u32) -> usize {
    // (first column, step), (first row, step) of each pass.
    const PASSES: [(u32, u32, u32); 7] = [(0, 0, 8), (4, 0, 8), (0, 4, 8), (2, 0, 4), (0, 2, 4), (1, 0, 2), (0, 1, 2)];
    PASSES
        .iter()
        .filter(|(x, ..)| width > *x)
        .map(|(_, y, step)| height.saturating_sub(*y).div_ceil(*step) as usize)
        .sum()
}

impl Rows {
    fn image(self, probe: &Probe) -> Result<DynamicImage, Failure> {
        let (width, height, bytes) = (probe.width, probe.height, self.bytes);
        let image = if self.depth == BitDepth::Sixteen {
            let wide: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            match self.color {
                ColorType::Grayscale => ImageBuffer::from_raw(width, height, wide).map(DynamicImage::ImageLuma16),
                ColorType::GrayscaleAlpha => ImageBuffer::from_raw(width, height, wide).map(DynamicImage::ImageLumaA16),
                ColorType::Rgb => ImageBuffer::from_raw(width, height, wide).map(DynamicImage::ImageRgb16),
                _ => ImageBuffer::from_raw(width, height, wide).map(DynamicImage::ImageRgba16),
            }
        } else {
            match self.color {
                ColorType::Grayscale => GrayImage::from_raw(width, height, bytes).map(DynamicImage::from),
                ColorType::GrayscaleAlpha => GrayAlphaImage::from_raw(width, height, bytes).map(DynamicImage::from),
                ColorType::Rgb => RgbImage::from_raw(width, height, bytes).map(DynamicImage::from),
                _ => RgbaImage::from_raw(width, height, bytes).map(DynamicImage::from),
            }
        };
        image.ok_or_else(|| unreadable(Format::Png))
    }
}

/// Writes gray or RGB, with or without alpha, of 8 or 16 bits.
pub(super) fn encode(image: &DynamicImage) -> Result<Vec<u8>, Failure> {
    let (color, bytes) = match image {
        DynamicImage::ImageLuma8(buffer) => (ColorType::Grayscale, Cow::Borrowed(buffer.as_raw())),
        DynamicImage::ImageLumaA8(buffer) => (ColorType::GrayscaleAlpha, Cow::Borrowed(buffer.as_raw())),
        DynamicImage::ImageRgb8(buffer) => (ColorType::Rgb, Cow::Borrowed(buffer.as_raw())),
        DynamicImage::ImageRgba8(buffer) => (ColorType::Rgba, Cow::Borrowed(buffer.as_raw())),
        DynamicImage::ImageLuma16(buffer) => (ColorType::Grayscale, Cow::Owned(big_endian(buffer))),
        DynamicImage::ImageLumaA16(buffer) => (ColorType::GrayscaleAlpha, Cow::Owned(big_endian(buffer))),
        DynamicImage::ImageRgb16(buffer) => (ColorType::Rgb, Cow::Owned(big_endian(buffer))),
        DynamicImage::ImageRgba16(buffer) => (ColorType::Rgba, Cow::Owned(big_endian(buffer))),
        _ => return Err(pixels::unexpected("pixels that PNG cannot hold")),
    };
    let internal = |error: png::EncodingError| Failure::internal(&error);
    let mut output = Vec::with_capacity(bytes.len() / 2);
    let mut encoder = Encoder::new(&mut output, image.width(), image.height());
    encoder.set_color(color);
    encoder.set_depth(if pixels::is_wide(image) { BitDepth::Sixteen } else { BitDepth::Eight });
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header().map_err(internal)?;
    writer.write_image_data(&bytes).map_err(internal)?;
    writer.finish().map_err(internal)?;
    Ok(output)
}

fn big_endian(samples: &[u16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_be_bytes()).collect()
}
