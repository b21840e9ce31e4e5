//! WebP: chunks in the order that RFC 9649 §2.7 wants, behind a `VP8X` that announces them.

use common::Format;

use super::Carried;
use crate::engine::codec;

const HAS_ICC: u8 = 0x20;
const HAS_ALPHA: u8 = 0x10;
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;

pub(super) fn embed(file: &[u8], carried: &Carried) -> Option<Vec<u8>> {
    let probe = codec::header(Format::Webp, file).ok()?.probe;
    let before = codec::riff_chunks(file).find(|(kind, _)| kind == b"VP8X").and_then(|(_, data)| data.first().copied());
    let mut flags = before.unwrap_or(if probe.alpha { HAS_ALPHA } else { 0 });
    for (there, flag) in
        [(carried.icc.is_some(), HAS_ICC), (carried.exif.is_some(), HAS_EXIF), (carried.xmp.is_some(), HAS_XMP)]
    {
        flags |= if there { flag } else { 0 };
    }
    let mut output = b"RIFF\0\0\0\0WEBP".to_vec();
    let [w0, w1, w2, _] = probe.width.checked_sub(1)?.to_le_bytes();
    let [h0, h1, h2, _] = probe.height.checked_sub(1)?.to_le_bytes();
    push(&mut output, b"VP8X", &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2])?;
    if let Some(icc) = &carried.icc {
        push(&mut output, b"ICCP", icc)?;
    }
    for (kind, data) in codec::riff_chunks(file).filter(|(kind, _)| kind != b"VP8X") {
        push(&mut output, &kind, data)?;
    }
    if let Some(exif) = &carried.exif {
        push(&mut output, b"EXIF", exif)?;
    }
    if let Some(xmp) = &carried.xmp {
        push(&mut output, b"XMP ", xmp)?;
    }
    let length = u32::try_from(output.len() - 8).ok()?;
    output.get_mut(4..8)?.copy_from_slice(&length.to_le_bytes());
    Some(output)
}

fn push(output: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) -> Option<()> {
    output.extend(kind);
    output.extend(u32::try_from(data.len()).ok()?.to_le_bytes());
    output.extend(data);
    // Chunks are padded to an even length.
    output.resize(output.len().next_multiple_of(2), 0);
    Some(())
}
