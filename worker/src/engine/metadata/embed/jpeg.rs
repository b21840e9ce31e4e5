//! JPEG: segments behind the JFIF header.

use super::Carried;
use crate::engine::metadata::{found, iptc};

const EXIF: &[u8] = b"Exif\0\0";
const ICC: &[u8] = b"ICC_PROFILE\0";

/// The most bytes of a profile in one segment (ICC.1:2022 §B.4).
const ICC_PART: usize = 65_533 - 14;

pub(super) fn embed(file: &[u8], carried: &Carried) -> Option<Vec<u8>> {
    let start = match file {
        [0xff, 0xd8, 0xff, 0xe0, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        [0xff, 0xd8, ..] => 2,
        _ => return None,
    };
    let mut output = file.get(..start)?.to_vec();
    if let Some(exif) = &carried.exif {
        push(&mut output, 0xe1, &[EXIF, exif])?;
    }
    if let Some(xmp) = &carried.xmp {
        push(&mut output, 0xe1, &[found::JPEG_XMP, xmp])?;
    }
    if let Some(iptc) = &carried.iptc {
        push(&mut output, 0xed, &[iptc::PHOTOSHOP, &iptc::as_resource(iptc)])?;
    }
    if let Some(icc) = &carried.icc {
        let count = u8::try_from(icc.len().div_ceil(ICC_PART)).ok()?;
        for (number, part) in (1..=count).zip(icc.chunks(ICC_PART)) {
            push(&mut output, 0xe2, &[ICC, &[number, count], part])?;
        }
    }
    output.extend(file.get(start..)?);
    Some(output)
}

/// Writes a segment; `None` where it is too large for one.
fn push(output: &mut Vec<u8>, code: u8, parts: &[&[u8]]) -> Option<()> {
    let length = u16::try_from(2 + parts.iter().map(|part| part.len()).sum::<usize>()).ok()?;
    output.extend([0xff, code]);
    output.extend(length.to_be_bytes());
    parts.iter().for_each(|part| output.extend(*part));
    Some(())
}
