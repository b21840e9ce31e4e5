//! PNG: every chunk but the pixels.

use std::{borrow::Cow, io::Read};

use flate2::read::ZlibDecoder;

use super::{Found, sensible};
use crate::engine::{
    codec,
    metadata::{iptc, xmp},
};

pub(in crate::engine::metadata) const XMP: &[u8] = b"XML:com.adobe.xmp";

/// Dots a metre, from dots an inch.
const INCH_M: f64 = 0.0254;

/// The most chunks of text that are inflated: one of each kind is enough for any file that means well.
const MAX_INFLATED: u8 = 4;

pub(super) fn find(input: &[u8]) -> Found<'_> {
    let mut found = Found::default();
    let mut left = MAX_INFLATED;
    for (kind, data) in codec::png_chunks(input) {
        match &kind {
            b"IHDR" => found.progressive = data.get(12).map(|interlace| *interlace == 1),
            b"pHYs" => found.density = density(data),
            b"caBX" => found.c2pa = true,
            b"iTXt" if found.xmp.is_none() => found.xmp = international(data, &mut left),
            b"zTXt" | b"tEXt" => raw_profile(&kind, data, &mut found, &mut left),
            _ => {}
        }
    }
    found
}

/// `pHYs` (PNG §11.3.4.3): dots a metre across and down, and whether it is a metre.
fn density(data: &[u8]) -> Option<(f64, f64)> {
    let [x3, x2, x1, x0, y3, y2, y1, y0, 1] = *data else { return None };
    let dots = |bytes| sensible(f64::from(u32::from_be_bytes(bytes)) * INCH_M);
    Some((dots([x3, x2, x1, x0])?, dots([y3, y2, y1, y0])?))
}

/// The text of an `iTXt` chunk (PNG §11.3.3.4), if it is XMP.
fn international<'a>(data: &'a [u8], left: &mut u8) -> Option<Cow<'a, [u8]>> {
    let [compressed, _method, rest @ ..] = data.strip_prefix(XMP)?.strip_prefix(b"\0")? else { return None };
    // The language, and the keyword in that language.
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let text = parts.nth(2)?;
    if *compressed == 0 { Some(Cow::Borrowed(text)) } else { inflate(text, xmp::MAX_BYTES, left).map(Cow::Owned) }
}

/// Inflates at most `most` bytes; `None` for more.
fn inflate(data: &[u8], most: usize, left: &mut u8) -> Option<Vec<u8>> {
    *left = left.checked_sub(1)?;
    let mut bytes = Vec::new();
    let read = ZlibDecoder::new(data).take(most as u64 + 1).read_to_end(&mut bytes);
    (read.is_ok() && bytes.len() <= most).then_some(bytes)
}

/// `Raw profile type …`: how ImageMagick wrote EXIF and IPTC before PNG had a chunk for the first: a name, a length, and
/// the bytes in hexadecimal.
fn raw_profile(kind: &[u8; 4], data: &[u8], found: &mut Found<'_>, left: &mut u8) {
    let Some(after) = data.strip_prefix(b"Raw profile type ") else { return };
    let Some((name, text)) = after.iter().position(|byte| *byte == 0).and_then(|at| after.split_at_checked(at)) else {
        return;
    };
    let place = match name {
        b"exif" | b"APP1" => &mut found.exif,
        b"iptc" => &mut found.iptc,
        _ => return,
    };
    let most = 2 * iptc::MAX_BYTES;
    let text = match text {
        // A zero ends the name; compressed text has the number of its method behind it.
        [0, 0, text @ ..] if kind == b"zTXt" => inflate(text, most, left),
        [0, text @ ..] if kind == b"tEXt" => text.get(..text.len().min(most)).map(<[u8]>::to_vec),
        _ => None,
    };
    let Some(bytes) = text.and_then(|text| unhex(&text)) else { return };
    let exif = bytes.strip_prefix(b"Exif\0\0");
    *place = if name == b"iptc" {
        iptc::in_resources(&bytes).map(<[u8]>::to_vec).or(Some(bytes)).map(Cow::Owned)
    } else {
        exif.map(|exif| Cow::Owned(exif.to_vec()))
    };
}

/// The bytes behind the name and the length, each on a line of its own.
fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii_start();
    let mut lines = text.splitn(3, |byte| *byte == b'\n');
    let digits: Option<Vec<u8>> = lines
        .nth(2)?
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    Some(digits?.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect())
}
