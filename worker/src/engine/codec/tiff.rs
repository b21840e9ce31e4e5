//! TIFF: read and written by `image`; here its pages are counted and its EXIF is found.

use std::borrow::Cow;

use common::{Failure, Format};
use image::{DynamicImage, ImageEncoder, codecs::tiff::TiffEncoder};

use super::{by_image, unsupported};
use crate::engine::{metadata, pixels, probe::Header};

/// Where counting pages ends: more than any limit on frames.
const MAX_PAGES: u32 = 10_000;

/// PlanarConfiguration: 2 where each channel is stored by itself (TIFF 6.0 §8).
const PLANAR: u16 = 284;
/// TileWidth (TIFF 6.0 §15).
const TILE_WIDTH: u16 = 322;

/// Reads the first directory; the file itself is the EXIF structure.
pub(super) fn header(input: &[u8]) -> Result<Header<'_>, Failure> {
    if metadata::tiff_short(input, PLANAR) == Some(2) && metadata::tiff_short(input, TILE_WIDTH).is_some() {
        return Err(unsupported("This TIFF stores its channels in tiles of their own, which cannot be read here."));
    }
    let mut header = by_image::header(Format::Tiff, input)?;
    header.probe.frames = pages(input);
    header.exif = Some(Cow::Borrowed(input));
    // `image` finds no profile that is larger than the picture.
    if let Some(profile) = metadata::tiff_profile(input) {
        header.icc = Some(Cow::Owned(profile));
        header.probe.has_icc = true;
    }
    Ok(header)
}

/// Follows the chain of directories of a classic TIFF; BigTIFF counts as one page.
fn pages(input: &[u8]) -> u32 {
    let big = input.starts_with(b"MM");
    let u16_at = |at: usize| {
        let pair = *input.get(at..)?.first_chunk::<2>()?;
        Some(usize::from(if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }))
    };
    let u32_at = |at: usize| {
        let four = *input.get(at..)?.first_chunk::<4>()?;
        usize::try_from(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }).ok()
    };
    if u16_at(2) != Some(42) {
        return 1;
    }
    let mut next = u32_at(4);
    let mut count = 0;
    while let Some(at) = next.filter(|at| *at != 0) {
        let Some(entries) = u16_at(at) else { break };
        count += 1;
        // A chain that bites its tail would never end.
        if count >= MAX_PAGES {
            break;
        }
        next = u32_at(at.saturating_add(2 + 12 * entries));
    }
    count.max(1)
}

/// Writes gray, RGB or RGBA of 8 or 16 bits.
pub(super) fn encode(image: &DynamicImage) -> Result<Vec<u8>, Failure> {
    let mut output = std::io::Cursor::new(Vec::new());
    TiffEncoder::new(&mut output)
        .write_image(image.as_bytes(), image.width(), image.height(), image.color().into())
        .map_err(|error| pixels::encoder_failed(&error))?;
    Ok(output.into_inner())
}

#[cfg(test)]
mod tests {
    use common::FailureKind;

    use super::*;

    #[test]
    fn tiles_of_single_channels_are_refused_by_name() {
        for (name, byte_order) in
            [(&b"II*\0\x08\0\0\0"[..], u16::to_le_bytes as fn(u16) -> [u8; 2]), (b"MM\0*\0\0\0\x08", u16::to_be_bytes)]
        {
            let entry = |tag: u16, value: u16| {
                let [kind, zero] = [3, 0].map(byte_order);
                let count = if name.starts_with(b"II") { [1, 0, 0, 0] } else { [0, 0, 0, 1] };
                [&byte_order(tag)[..], &kind, &count, &byte_order(value), &zero].concat()
            };
            let file = [name, &byte_order(2), &entry(PLANAR, 2), &entry(TILE_WIDTH, 256), &[0; 4]].concat();
            let failure = header(&file).err().unwrap();
            assert_eq!(failure.kind, FailureKind::UnsupportedFormat, "{failure}");
            assert!(failure.next.is_some());
        }
    }
}
