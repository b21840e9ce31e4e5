//! JPEG: everything in front of the first scan.

use std::borrow::Cow;

use super::{Found, jpeg_quality, sensible};
use crate::engine::{codec, metadata::iptc};

pub(in crate::engine::metadata) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// The most segments of Photoshop that are put together.
const MAX_PARTS: usize = 100;

pub(super) fn find(input: &[u8]) -> Found<'_> {
    let mut found = Found::default();
    let mut tables = jpeg_quality::Tables::default();
    let mut photoshop: Vec<&[u8]> = Vec::new();
    for (code, payload) in codec::jpeg_segments(input) {
        match code {
            0xc0..=0xcf if !matches!(code, 0xc4 | 0xc8 | 0xcc) && found.progressive.is_none() => {
                found.progressive = Some(matches!(code, 0xc2 | 0xc6 | 0xca | 0xce));
                found.chroma = sampling(payload);
            }
            0xdb => tables.add(payload),
            0xe0 if found.density.is_none() => found.density = density(payload),
            0xe1 if found.xmp.is_none() => found.xmp = payload.strip_prefix(XMP).map(Cow::Borrowed),
            0xeb => found.c2pa |= holds_c2pa(payload),
            0xed => photoshop.extend(payload.strip_prefix(iptc::PHOTOSHOP).filter(|_| photoshop.len() < MAX_PARTS)),
            0xda | 0xd9 => break,
            _ => {}
        }
    }
    found.iptc = iptc_of(&photoshop);
    found.quality = tables.quality();
    found
}

/// Photoshop cuts its resources wherever a segment is full.
fn iptc_of<'a>(parts: &[&'a [u8]]) -> Option<Cow<'a, [u8]>> {
    if let [only] = parts {
        return iptc::in_resources(only).map(Cow::Borrowed);
    }
    let mut whole = Vec::new();
    for part in parts {
        if whole.len() + part.len() > iptc::MAX_BYTES {
            break;
        }
        whole.extend_from_slice(part);
    }
    iptc::in_resources(&whole).map(|iptc| Cow::Owned(iptc.to_vec()))
}

/// JFIF 1.02: unit (1 inch, 2 centimetre), dots across, dots down.
fn density(payload: &[u8]) -> Option<(f64, f64)> {
    let [_, _, unit, x1, x0, y1, y0, ..] = *payload.strip_prefix(b"JFIF\0")? else { return None };
    let factor = match unit {
        1 => 1.0,
        2 => 2.54,
        _ => return None,
    };
    let dots = |high, low| sensible(f64::from(u16::from_be_bytes([high, low])) * factor);
    Some((dots(x1, x0)?, dots(y1, y0)?))
}

/// How many samples of colour there are for four of light in two rows, from the factors of the frame header.
fn sampling(frame: &[u8]) -> Option<String> {
    let (channels, _) = frame.get(6..)?.as_chunks::<3>();
    let factors: Vec<(u8, u8)> = channels.iter().take(4).map(|[_, factor, _]| (factor >> 4, factor & 15)).collect();
    let [(h, v), (cb_h, cb_v), (cr_h, cr_v), ..] = *factors else { return None };
    if (cb_h, cb_v) != (cr_h, cr_v) || cb_h == 0 || cb_v == 0 {
        return Some("unusual".to_owned());
    }
    Some(
        match (f32::from(h) / f32::from(cb_h), f32::from(v) / f32::from(cb_v)) {
            (1.0, 1.0) => "4:4:4",
            (2.0, 1.0) => "4:2:2",
            (2.0, 2.0) => "4:2:0",
            (1.0, 2.0) => "4:4:0",
            (4.0, 1.0) => "4:1:1",
            (4.0, 2.0) => "4:1:0",
            _ => "unusual",
        }
        .to_owned(),
    )
}

/// A JUMBF box (ISO 19566-5) whose first description says `c2pa`.
fn holds_c2pa(payload: &[u8]) -> bool {
    payload.starts_with(b"JP") && payload.get(..100).unwrap_or(payload).windows(4).any(|four| four == b"c2pa")
}
