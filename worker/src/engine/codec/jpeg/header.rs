//! What stands in front of the first scan: frame, EXIF, colour profile.

use std::borrow::Cow;

use common::{Failure, Format};

use super::{
    super::{unreadable, unsupported},
    segments::Segments,
};
use crate::engine::{
    limits::MAX_ICC_BYTES,
    metadata::orientation_of,
    probe::{ColorKind, Header, Probe},
};

const EXIF: &[u8] = b"Exif\0\0";
const ICC: &[u8] = b"ICC_PROFILE\0";

/// Reads everything in front of the first scan.
pub(in super::super) fn read(input: &[u8]) -> Result<Header<'_>, Failure> {
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
