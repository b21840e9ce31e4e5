//! TIFF: the first directory written anew, with more fields, behind all else.

use super::Carried;
use crate::engine::metadata::{
    fields::{self, Field, Fields, MAX_BYTES},
    found,
};

/// BYTE and UNDEFINED, as the standards of the blocks want them.
const BYTE: u16 = 1;
const UNDEFINED: u16 = 7;

pub(super) fn embed(mut file: Vec<u8>, carried: &Carried) -> Option<Vec<u8>> {
    // What the encoder wrote: it is ours, and no larger than the file.
    let own = fields::read(&file, usize::MAX, |_, _| true)?;
    let exif = carried.exif.as_deref().and_then(|exif| fields::read(exif, MAX_BYTES, |_, _| true));
    let exif = exif.unwrap_or_default().in_order(own.big_endian);
    let mut all = Fields { big_endian: own.big_endian, image: own.image, cut: false, ..exif };
    let blocks = [
        (found::TIFF_XMP, BYTE, &carried.xmp),
        (found::TIFF_IPTC, UNDEFINED, &carried.iptc),
        (found::TIFF_ICC, UNDEFINED, &carried.icc),
    ];
    let blocks = blocks.into_iter().filter_map(|(tag, kind, block)| {
        let value = block.clone()?;
        Some(Field { tag, kind, count: u32::try_from(value.len()).ok()?, value, origin: 0 })
    });
    for field in exif.image.into_iter().chain(blocks) {
        all.image.retain(|before| before.tag != field.tag);
        all.image.push(field);
    }
    let next = fields::next_directory(&file);
    file.resize(file.len().next_multiple_of(2), 0);
    let at = u32::try_from(file.len()).ok()?;
    file.extend(all.lay_out(file.len(), next));
    let place = if own.big_endian { at.to_be_bytes() } else { at.to_le_bytes() };
    file.get_mut(4..8)?.copy_from_slice(&place);
    Some(file)
}
