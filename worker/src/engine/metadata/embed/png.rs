//! PNG: chunks behind the header, in front of the pixels.

use std::io::Write;

use crc32fast::Hasher;
use flate2::{Compression, write::ZlibEncoder};

use super::Carried;
use crate::engine::metadata::found;

/// The signature and the header chunk.
const HEAD_BYTES: usize = 8 + 25;

pub(super) fn embed(file: &[u8], carried: &Carried) -> Option<Vec<u8>> {
    let mut output = file.get(..HEAD_BYTES)?.to_vec();
    if let Some(icc) = &carried.icc {
        let mut zipped = ZlibEncoder::new(Vec::new(), Compression::default());
        zipped.write_all(icc).ok()?;
        // A name, which anybody may choose, and the one way of compression that there is.
        push(&mut output, b"iCCP", &[b"icc\0\0", &zipped.finish().ok()?])?;
    }
    if let Some(exif) = &carried.exif {
        push(&mut output, b"eXIf", &[exif])?;
    }
    if let Some(xmp) = &carried.xmp {
        // Not compressed, in no language, with no name in that language.
        push(&mut output, b"iTXt", &[found::PNG_XMP, &[0, 0, 0, 0, 0], xmp])?;
    }
    output.extend(file.get(HEAD_BYTES..)?);
    Some(output)
}

fn push(output: &mut Vec<u8>, kind: &[u8; 4], parts: &[&[u8]]) -> Option<()> {
    let length = u32::try_from(parts.iter().map(|part| part.len()).sum::<usize>()).ok()?;
    output.extend(length.to_be_bytes());
    let mut sum = Hasher::new();
    for part in [&kind[..]].iter().chain(parts) {
        output.extend(*part);
        sum.update(part);
    }
    output.extend(sum.finalize().to_be_bytes());
    Some(())
}
