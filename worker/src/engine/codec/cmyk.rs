//! JPEG and TIFF in inks (CMYK, or YCCK) that say by a profile how they look: brought to sRGB while they are decoded,
//! because nothing behind the decoder holds inks.

use std::io::Cursor;

use common::{Failure, Format};
use image::{DynamicImage, RgbImage};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use crate::engine::{Stop, limits::MAX_SCANS, metadata::icc, probe::Probe};

/// Bytes a pixel beside the result: the inks.
pub(super) const SCRATCH_BYTES: u64 = 4;

/// The picture in sRGB; none where the file is not whole or the profile does not fit, and must do without.
pub(super) fn decode(
    input: &[u8],
    probe: &Probe,
    profile: &[u8],
    stop: &Stop,
) -> Result<Option<DynamicImage>, Failure> {
    let Some(profile) = icc::read(profile) else { return Ok(None) };
    let inks = if probe.format == Format::Tiff { inks_of_tiff(input, probe) } else { inks(input, probe) };
    let Some(inks) = inks else { return Ok(None) };
    stop.check()?;
    let Some(colors) = icc::inks_to_srgb(&inks, &profile, stop)? else { return Ok(None) };
    Ok(RgbImage::from_raw(probe.width, probe.height, colors).map(DynamicImage::from))
}

/// Cyan, magenta, yellow and black, 255 being all of it.
fn inks(input: &[u8], probe: &Probe) -> Option<Vec<u8>> {
    let options = DecoderOptions::new_fast()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(MAX_SCANS);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(input), options);
    decoder.decode_headers().ok()?;
    let stored = decoder.input_colorspace()?;
    if !matches!(stored, ColorSpace::CMYK | ColorSpace::YCCK) {
        return None;
    }
    // As stored: the decoder itself would only multiply by black.
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(stored));
    let bytes = usize::try_from(probe.stored_size().pixels().checked_mul(4)?).ok()?;
    if decoder.output_buffer_size()? != bytes {
        return None;
    }
    let mut samples = vec![0; bytes];
    decoder.decode_into(&mut samples).ok()?;
    for pixel in samples.as_chunks_mut::<4>().0 {
        if stored == ColorSpace::YCCK {
            let [y, cb, cr, _] = pixel.map(f32::from);
            // Red, green and blue would be the inks themselves, and only black is stored as paper. `as` saturates.
            pixel[0] = 255 - (y + 1.402 * (cr - 128.0)).round() as u8;
            pixel[1] = 255 - (y - 0.344_136 * (cb - 128.0) - 0.714_136 * (cr - 128.0)).round() as u8;
            pixel[2] = 255 - (y + 1.772 * (cb - 128.0)).round() as u8;
        }
        // Since Adobe did so first, files hold how much paper is left.
        *pixel = pixel.map(|left| 255 - left);
    }
    Some(samples)
}

/// The same of a TIFF with 8 bits an ink, all inks of a pixel side by side.
fn inks_of_tiff(input: &[u8], probe: &Probe) -> Option<Vec<u8>> {
    let bytes = usize::try_from(probe.stored_size().pixels().checked_mul(4)?).ok()?;
    let mut limits = Limits::default();
    limits.decoding_buffer_size = bytes;
    let mut decoder = Decoder::new(Cursor::new(input)).ok()?.with_limits(limits);
    if decoder.colortype().ok()? != tiff::ColorType::CMYK(8)
        || decoder.dimensions().ok()? != (probe.width, probe.height)
    {
        return None;
    }
    match decoder.read_image().ok()? {
        DecodingResult::U8(samples) if samples.len() == bytes => Some(samples),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder};
    use tiff::{
        encoder::{TiffEncoder, colortype::CMYK8},
        tags::Tag,
    };

    use super::*;
    use crate::engine::fixtures;

    /// Half of the picture in cyan, half without ink.
    fn jpeg(kind: ColorType) -> Vec<u8> {
        let pixels: Vec<u8> = (0..32 * 16).flat_map(|at| if at % 32 < 16 { [255, 0, 0, 0] } else { [0; 4] }).collect();
        let mut file = Vec::new();
        Encoder::new(&mut file, 95).encode(&pixels, 32, 16, kind).unwrap();
        file
    }

    #[test]
    fn the_profile_says_how_inks_look() {
        for kind in [ColorType::Cmyk, ColorType::CmykAsYcck] {
            let plain = fixtures::transform(&jpeg(kind), "[]", Some(Format::Png)).unwrap();
            let pixel = fixtures::decoded(&plain.bytes).into_rgb8().get_pixel(4, 8).0;
            assert!(pixel[0] < 10 && pixel[1] > 245 && pixel[2] > 245, "{kind:?}: {pixel:?}");
            // In this profile the first ink is red: nobody could know without it.
            let tagged = fixtures::with_icc(&jpeg(kind), &fixtures::profile_of_inks());
            let made = fixtures::transform(&tagged, "[]", Some(Format::Png)).unwrap();
            assert!(made.warnings.is_empty(), "{:?}", made.warnings);
            assert!(
                made.applied.iter().any(|line| line.starts_with("icc ") && line.ends_with("-> srgb")),
                "{:?}",
                made.applied
            );
            let image = fixtures::decoded(&made.bytes).into_rgb8();
            let (ink, paper) = (image.get_pixel(4, 8).0, image.get_pixel(28, 8).0);
            assert!(ink[0] > 170 && ink[1] < 100, "{kind:?}: {ink:?}");
            assert!(paper.iter().all(|channel| *channel > 248), "{kind:?}: {paper:?}");
        }
    }

    #[test]
    fn a_tiff_has_the_inks_of_its_profile_too() {
        let pixels: Vec<u8> = (0..32 * 16).flat_map(|at| if at % 32 < 16 { [255, 0, 0, 0] } else { [0; 4] }).collect();
        for tagged in [false, true] {
            let mut file = Cursor::new(Vec::new());
            let mut encoder = TiffEncoder::new(&mut file).unwrap();
            let mut image = encoder.new_image::<CMYK8>(32, 16).unwrap();
            if tagged {
                image.encoder().write_tag(Tag::IccProfile, &fixtures::profile_of_inks()[..]).unwrap();
            }
            image.write_data(&pixels).unwrap();
            let made = fixtures::transform(file.get_ref(), "[]", Some(Format::Png)).unwrap();
            assert!(made.warnings.is_empty(), "{:?}", made.warnings);
            let ink = fixtures::decoded(&made.bytes).into_rgb8().get_pixel(4, 8).0;
            // Cyan without the profile, red with it.
            assert_eq!(ink[0] > 170 && ink[1] < 100, tagged, "{ink:?}");
            assert_eq!(ink[0] < 10 && ink[1] > 245, !tagged, "{ink:?}");
        }
    }

    #[test]
    fn a_broken_profile_or_file_does_without() {
        let pixels: Vec<u8> = (0..64 * 64 * 4_u32).map(|at| (at * at / 7) as u8).collect();
        let mut jpeg = Vec::new();
        Encoder::new(&mut jpeg, 95).encode(&pixels, 64, 64, ColorType::Cmyk).unwrap();
        let broken = fixtures::with_icc(&jpeg, b"this is no profile");
        let tagged = fixtures::with_icc(&jpeg, &fixtures::profile_of_inks());
        for (file, code) in [(&broken[..], "icc_unreadable"), (&tagged[..tagged.len() - 2000], "truncated")] {
            let made = fixtures::transform(file, "[]", Some(Format::Png)).unwrap();
            assert!(made.warnings.iter().any(|warning| warning.code == code), "{:?}", made.warnings);
        }
    }
}
