//! JPEG: headers by our own walk over the markers, pixels by zune-jpeg, writing by jpeg-encoder.

use std::borrow::Cow;

use common::{Failure, FailureKind, Format};
use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use super::{Decoded, unreadable, unsupported};
use crate::engine::{
    limits::{MAX_ICC_BYTES, MAX_SCANS},
    metadata::orientation_of,
    pixels,
    probe::{ColorKind, Header, Probe},
};

const EXIF: &[u8] = b"Exif\0\0";
const ICC: &[u8] = b"ICC_PROFILE\0";

/// The quality from which colour is kept at full resolution.
const FULL_CHROMA_FROM: u8 = 90;

/// One marker segment: its code and what follows the length.
type Segment<'a> = (u8, &'a [u8]);

/// Walks over the segments in front of entropy-coded data, and behind it after [`Segments::skip_scan`].
struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        // Bytes between segments are against the rules, yet common; every decoder skips them.
        let start = memchr::memchr_iter(0xff, self.rest)
            .find(|at| self.rest.get(at + 1).is_some_and(|code| !matches!(code, 0 | 0xff)))?;
        let (code, rest) = self.rest.get(start + 1..)?.split_first()?;
        // Markers that stand alone: TEM, RSTn, SOI, EOI.
        if matches!(code, 0x01 | 0xd0..=0xd9) {
            self.rest = rest;
            return Some((*code, &[]));
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?));
        let payload = rest.get(2..length)?;
        self.rest = rest.get(length..)?;
        Some((*code, payload))
    }
}

impl Segments<'_> {
    /// Skips entropy-coded data and says how many bytes it had.
    fn skip_scan(&mut self) -> usize {
        let end = memchr::memchr_iter(0xff, self.rest)
            .find(|at| self.rest.get(at + 1).is_some_and(|code| !matches!(code, 0 | 0xff | 0xd0..=0xd7)))
            .unwrap_or(self.rest.len());
        self.rest = self.rest.get(end..).unwrap_or_default();
        end
    }
}

pub(super) fn segments(input: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    Segments { rest: input }
}

/// Reads everything in front of the first scan.
pub(super) fn header(input: &[u8]) -> Result<Header<'_>, Failure> {
    let mut frame = None;
    let mut exif = None;
    let mut profile: Vec<(u8, &[u8])> = Vec::new();
    for (code, payload) in (Segments { rest: input }) {
        match code {
            0xc0..=0xcf if !matches!(code, 0xc4 | 0xc8 | 0xcc) => {
                frame.get_or_insert((code, payload));
            }
            0xe1 if exif.is_none() => exif = payload.strip_prefix(EXIF),
            0xe2 => {
                if let Some([number, _, part @ ..]) = payload.strip_prefix(ICC) {
                    profile.push((*number, part));
                }
            }
            0xda | 0xd9 => break,
            _ => {}
        }
    }
    let (code, frame) = frame.ok_or_else(|| unreadable(Format::Jpeg))?;
    let [depth, h1, h0, w1, w0, components, ..] = *frame else { return Err(unreadable(Format::Jpeg)) };
    match code {
        0xc0..=0xc2 => {}
        0xc9..=0xcb | 0xcd..=0xcf => return Err(unsupported("JPEG with arithmetic coding cannot be read here.")),
        0xc3 => return Err(unsupported("Lossless JPEG cannot be read here.")),
        _ => return Err(unsupported("Hierarchical JPEG cannot be read here.")),
    }
    if depth != 8 {
        return Err(unsupported("JPEG with more than 8 bits a channel cannot be read here."));
    }
    let color = match components {
        1 => ColorKind::Gray,
        3 => ColorKind::Rgb,
        4 => ColorKind::Cmyk,
        _ => return Err(unsupported("JPEG is read here with 1, 3 or 4 channels only.")),
    };
    profile.sort_by_key(|(number, _)| *number);
    let icc = (!profile.is_empty()).then(|| join(&profile));
    let probe = Probe {
        format: Format::Jpeg,
        width: u32::from(u16::from_be_bytes([w1, w0])),
        height: u32::from(u16::from_be_bytes([h1, h0])),
        orientation: exif.map_or(1, orientation_of),
        alpha: false,
        bit_depth: 8,
        color,
        frames: 1,
        has_icc: icc.is_some(),
    };
    Ok(Header { probe, exif: exif.map(Cow::Borrowed), icc })
}

/// Puts the parts of a profile together; stops once it is larger than we look at.
fn join<'a>(parts: &[(u8, &'a [u8])]) -> Cow<'a, [u8]> {
    if let [(_, only)] = parts {
        return Cow::Borrowed(only);
    }
    let mut whole = Vec::new();
    for (_, part) in parts {
        if whole.len() > MAX_ICC_BYTES {
            break;
        }
        whole.extend_from_slice(part);
    }
    Cow::Owned(whole)
}

/// Bytes a pixel for the coefficients that are held until the last scan; a plain JPEG of one scan holds none.
pub(super) fn scratch_bytes(input: &[u8]) -> u64 {
    let mut progressive = false;
    for (code, payload) in (Segments { rest: input }) {
        match code {
            0xc2 => progressive = true,
            0xda => {
                // The scan names its channels; with fewer than all there are several scans.
                let several = payload.first().is_some_and(|channels| *channels == 1);
                return if progressive || several { 8 } else { 0 };
            }
            _ => {}
        }
    }
    0
}

/// Whether a baseline JPEG has its channels in scans of their own and of different resolution: zune-jpeg 0.5 makes
/// wrong colours of it without a word, so that refusing is better.
fn separate_subsampled_scans(input: &[u8]) -> bool {
    let mut subsampled = false;
    for (code, payload) in (Segments { rest: input }) {
        match code {
            0xc0 | 0xc1 => {
                let (channels, _) = payload.get(6..).unwrap_or_default().as_chunks::<3>();
                let mut factors = channels.iter().map(|[_, factor, _]| *factor);
                let first = factors.next();
                subsampled = factors.any(|factor| Some(factor) != first);
            }
            0xc2 => return false,
            0xda => return subsampled && payload.first().is_some_and(|channels| *channels < 3),
            _ => {}
        }
    }
    false
}

/// What the entropy-coded part looks like from outside.
struct Scans {
    /// Bytes of the first scan.
    first: usize,
    /// Whether the end marker is there.
    ended: bool,
    count: usize,
}

fn scans(input: &[u8]) -> Scans {
    let mut segments = Segments { rest: input };
    let mut scans = Scans { first: 0, ended: false, count: 0 };
    while let Some((code, _)) = segments.next() {
        match code {
            0xda => {
                let bytes = segments.skip_scan();
                if scans.count == 0 {
                    scans.first = bytes;
                }
                scans.count += 1;
            }
            0xd9 => {
                scans.ended = true;
                break;
            }
            _ => {}
        }
    }
    scans
}

/// Decodes to gray or RGB, CMYK and YCCK included.
pub(super) fn decode(input: &[u8], probe: &Probe) -> Result<Decoded, Failure> {
    let scans = scans(input);
    if scans.count > MAX_SCANS {
        let message = format!("The JPEG has {} scans.", scans.count);
        return Err(Failure::new(FailureKind::TooLarge, message)
            .allowed(format!("{MAX_SCANS} scans"))
            .next("Save the picture as an ordinary JPEG first."));
    }
    if scans.first == 0 {
        return Err(unreadable(Format::Jpeg));
    }
    if separate_subsampled_scans(input) {
        return Err(unsupported("JPEG with one scan for each channel and reduced colour cannot be read here."));
    }
    let cut = (!scans.ended).then_some("The JPEG ends before the picture does; the missing part is grey.");
    // A whole file is decoded strictly first, because only that tells of damage in the middle.
    if cut.is_none()
        && let Some(image) = pixels_of(input, probe, true)
    {
        return Ok(Decoded { image, damage: None });
    }
    let damage = cut.unwrap_or("The JPEG is damaged; a part of the picture is missing or wrong.");
    let image = pixels_of(input, probe, false).ok_or_else(|| unreadable(Format::Jpeg))?;
    Ok(Decoded { image, damage: Some(damage) })
}

fn pixels_of(input: &[u8], probe: &Probe, strict: bool) -> Option<DynamicImage> {
    let out = if probe.color == ColorKind::Gray { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::new_fast()
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(MAX_SCANS)
        .jpeg_set_out_colorspace(out);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(input), options);
    let log = |error| tracing::debug!(?error, strict, "zune-jpeg");
    decoder.decode_headers().map_err(log).ok()?;
    // Oddities between segments are harmless: only the picture itself is decoded strictly.
    decoder.set_options(decoder.options().set_strict_mode(strict));
    let (width, height) = (probe.width, probe.height);
    let channels = if out == ColorSpace::Luma { 1 } else { 3 };
    let bytes = usize::try_from(probe.stored_size().pixels().checked_mul(channels)?).ok()?;
    if decoder.output_buffer_size()? != bytes {
        return None;
    }
    // Grey, as the decoder leaves what it cannot reach.
    let mut buffer = vec![128; bytes];
    decoder.decode_into(&mut buffer).map_err(log).ok()?;
    match out {
        ColorSpace::Luma => GrayImage::from_raw(width, height, buffer).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, buffer).map(DynamicImage::from),
    }
}

/// Writes gray or RGB of 8 bits.
pub(super) fn encode(image: &DynamicImage, quality: u8, progressive: bool) -> Result<Vec<u8>, Failure> {
    let (bytes, color) = match image {
        DynamicImage::ImageLuma8(buffer) => (buffer.as_raw(), ColorType::Luma),
        DynamicImage::ImageRgb8(buffer) => (buffer.as_raw(), ColorType::Rgb),
        _ => return Err(pixels::unexpected("pixels that JPEG cannot hold")),
    };
    let side = |pixels: u32| u16::try_from(pixels).map_err(|error| Failure::internal(&error));
    let mut output = Vec::with_capacity(bytes.len() / 8);
    let mut encoder = Encoder::new(&mut output, quality.clamp(1, 100));
    encoder.set_progressive(progressive);
    // jpeg-encoder optimises tables only by writing every channel as a scan of its own. That is legal, yet zune-jpeg (and
    // with it every program that uses `image`) decodes it wrongly, and a cut file loses its colours.
    encoder.set_optimized_huffman_tables(color == ColorType::Luma || progressive);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_sampling_factor(if quality < FULL_CHROMA_FROM { SamplingFactor::F_2_2 } else { SamplingFactor::F_1_1 });
    encoder
        .encode(bytes, side(image.width())?, side(image.height())?, color)
        .map_err(|error| Failure::internal(&error))?;
    Ok(output)
}
