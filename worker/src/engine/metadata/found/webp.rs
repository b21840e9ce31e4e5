//! WebP: every chunk but the pixels.

use std::borrow::Cow;

use super::Found;
use crate::engine::codec;

pub(super) fn find(input: &[u8]) -> Found<'_> {
    let mut found = Found::default();
    for (kind, data) in codec::riff_chunks(input) {
        match &kind {
            b"XMP " if found.xmp.is_none() => found.xmp = Some(Cow::Borrowed(data)),
            b"C2PA" => found.c2pa = true,
            // The lossy kind knows nothing else (RFC 6386 §9.2).
            b"VP8 " => found.chroma = Some("4:2:0".to_owned()),
            _ => {}
        }
    }
    found
}
