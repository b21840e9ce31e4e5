//! Every kind of JPEG that is read at all, whole and as RGB or gray: by zune-jpeg.

use common::{Failure, FailureKind, Format};
use image::{DynamicImage, GrayImage, RgbImage};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use super::{
    super::{Decoded, unreadable, unsupported},
    CUT, DAMAGED,
    segments::Segments,
};
use crate::engine::{
    limits::MAX_SCANS,
    probe::{ColorKind, Probe},
};

/// Bytes a pixel for the coefficients that are held until the last scan; a plain JPEG of one scan holds none.
pub(in super::super) fn scratch_bytes(input: &[u8]) -> u64 {
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
pub(in super::super) fn decode(input: &[u8], probe: &Probe) -> Result<Decoded, Failure> {
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
    let cut = (!scans.ended).then_some(CUT);
    // A whole file is decoded strictly first, because only that tells of damage in the middle.
    if cut.is_none()
        && let Some(image) = pixels_of(input, probe, true)
    {
        return Ok(Decoded { image, damage: None });
    }
    let damage = cut.unwrap_or(DAMAGED);
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
