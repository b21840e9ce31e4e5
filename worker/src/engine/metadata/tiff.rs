//! Numbers and places in a TIFF structure (TIFF 6.0 §2), which EXIF is too.

/// The bytes, and how their numbers are written.
pub(super) struct Tiff<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) big_endian: bool,
}

impl<'a> Tiff<'a> {
    /// Takes any bytes; what is no TIFF gives numbers that lead nowhere.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, big_endian: bytes.starts_with(b"MM") }
    }

    /// The offset of the first directory, where these are bytes of a classic TIFF.
    pub(super) fn first_directory(&self) -> Option<usize> {
        let classic = self.bytes.starts_with(b"II*\0") || self.bytes.starts_with(b"MM\0*");
        if classic { self.offset(4) } else { None }
    }

    pub(super) fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) })
    }

    pub(super) fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) })
    }

    /// A place that is not the beginning.
    pub(super) fn offset(&self, at: usize) -> Option<usize> {
        usize::try_from(self.u32(at)?).ok().filter(|offset| *offset > 0)
    }
}

/// The first value of `tag` in the first directory, where it is a SHORT; of a LONG, two of its bytes.
pub(crate) fn short(input: &[u8], tag: u16) -> Option<u16> {
    let tiff = Tiff::new(input);
    let directory = tiff.first_directory()?;
    let entries = usize::from(tiff.u16(directory)?);
    let mut places = (0..entries).map(|index| directory + 2 + 12 * index);
    tiff.u16(places.find(|place| tiff.u16(*place) == Some(tag))? + 8)
}

/// Bytes of one value (TIFF 6.0 §2, types 1 to 12; 13 is the offset of a directory).
pub(super) fn size_of(kind: u16) -> u64 {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 1,
    }
}
