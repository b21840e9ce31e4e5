//! EXIF as a list of fields that can be written again (Exif 3.0 §4.6). What is copied is copied field by field, so that
//! nothing comes along unseen: no thumbnail, no bytes between the values, no directory that nobody knows.

use super::tiff::{Tiff, size_of};

pub(super) const EXIF_POINTER: u16 = 0x8769;
pub(super) const GPS_POINTER: u16 = 0x8825;
pub(super) const MAKER_NOTE: u16 = 0x927c;

const USER_COMMENT: u16 = 0x9286;

/// The most bytes of a structure that is written: a JPEG segment without its length and `Exif\0\0`.
pub(crate) const MAX_BYTES: usize = 65_535 - 2 - 6;

/// The most fields that are read of one directory.
const MAX_FIELDS: usize = 512;

/// One value with its tag.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Field {
    pub(super) tag: u16,
    /// The type, by its number in TIFF.
    pub(super) kind: u16,
    pub(super) count: u32,
    /// In the byte order of the structure.
    pub(super) value: Vec<u8>,
    /// Where it was in the structure. Maker notes are full of offsets that count from the start of the file, so those
    /// are written to where they were.
    pub(super) origin: usize,
}

/// The fields of the picture itself; the second directory, of the thumbnail, is not even read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Fields {
    pub(super) big_endian: bool,
    pub(super) image: Vec<Field>,
    pub(super) exif: Vec<Field>,
    pub(super) gps: Vec<Field>,
    /// Whether something did not fit.
    pub(super) cut: bool,
}

/// Reads the fields whose tags `wanted` names, until `most` bytes of values are together.
pub(super) fn read(bytes: &[u8], most: usize, wanted: impl Fn(Directory, u16) -> bool) -> Option<Fields> {
    let tiff = Tiff::new(bytes);
    let first = tiff.first_directory()?;
    let mut fields = Fields { big_endian: tiff.big_endian, ..Fields::default() };
    let mut left = most;
    // Exactly three places are looked at: nothing can lead in circles.
    for directory in [Directory::Image, Directory::Exif, Directory::Gps] {
        let at = match directory {
            Directory::Image => Some(first),
            Directory::Exif => pointer(&tiff, first, EXIF_POINTER),
            Directory::Gps => pointer(&tiff, first, GPS_POINTER),
        };
        let Some(at) = at else { continue };
        let mut found: Vec<Field> = Vec::new();
        for entry in entries(&tiff, at) {
            let Some(tag) = tiff.u16(entry).filter(|tag| wanted(directory, *tag)) else { continue };
            if found.iter().any(|field| field.tag == tag) {
                continue;
            }
            let Some(field) = field(&tiff, entry, tag) else { continue };
            match left.checked_sub(field.value.len() + 12) {
                Some(rest) => {
                    left = rest;
                    found.push(field);
                }
                None => fields.cut = true,
            }
        }
        *fields.directory(directory) = found;
    }
    Some(fields)
}

/// The three directories that are copied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Directory {
    Image,
    Exif,
    Gps,
}

fn entries(tiff: &Tiff<'_>, directory: usize) -> impl Iterator<Item = usize> {
    let count = tiff.u16(directory).map_or(0, usize::from).min(MAX_FIELDS);
    (0..count).map(move |index| directory.saturating_add(2 + 12 * index))
}

fn pointer(tiff: &Tiff<'_>, directory: usize, tag: u16) -> Option<usize> {
    let entry = entries(tiff, directory).find(|entry| tiff.u16(*entry) == Some(tag))?;
    // One LONG, or the offset of a directory (Exif 3.0 §4.6.3).
    let plain = matches!(tiff.u16(entry + 2), Some(4 | 13)) && tiff.u32(entry + 4) == Some(1);
    if plain { tiff.offset(entry + 8) } else { None }
}

fn field(tiff: &Tiff<'_>, entry: usize, tag: u16) -> Option<Field> {
    let (kind, count) = (tiff.u16(entry + 2)?, tiff.u32(entry + 4)?);
    let length = usize::try_from(u64::from(count).checked_mul(size_of(kind))?).ok()?;
    let origin = if length <= 4 { entry + 8 } else { tiff.offset(entry + 8)? };
    let value = tiff.bytes.get(origin..origin.checked_add(length)?)?.to_vec();
    Some(Field { tag, kind, count, value, origin })
}

impl Fields {
    fn directory(&mut self, which: Directory) -> &mut Vec<Field> {
        match which {
            Directory::Image => &mut self.image,
            Directory::Exif => &mut self.exif,
            Directory::Gps => &mut self.gps,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.image.is_empty() && self.exif.is_empty() && self.gps.is_empty()
    }

    /// A field of one SHORT or LONG.
    pub(super) fn number(&self, tag: u16, kind: u16, number: u32) -> Field {
        let value = if kind == 3 {
            // What does not fit is our mistake, and then the largest number is the least wrong.
            let short = u16::try_from(number).unwrap_or(u16::MAX);
            if self.big_endian { short.to_be_bytes() } else { short.to_le_bytes() }.to_vec()
        } else {
            if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }.to_vec()
        };
        Field { tag, kind, count: 1, value, origin: 0 }
    }

    /// The number of a field of the first directory that has one.
    pub(super) fn number_of(&self, tag: u16) -> Option<u32> {
        let field = self.image.iter().find(|field| field.tag == tag)?;
        let tiff = Tiff { bytes: &field.value, big_endian: self.big_endian };
        if field.kind == 3 { tiff.u16(0).map(u32::from) } else { tiff.u32(0) }
    }

    /// The fraction of a field of the first directory that has one.
    pub(super) fn fraction_of(&self, tag: u16) -> Option<f64> {
        let field = self.image.iter().find(|field| field.tag == tag && field.kind == 5)?;
        let tiff = Tiff { bytes: &field.value, big_endian: self.big_endian };
        Some(f64::from(tiff.u32(0)?) / f64::from(tiff.u32(4)?))
    }

    /// A structure of its own, with the maker note where it was; without the maker note where it cannot be there.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut fields = self.clone();
        let note = fields.exif.iter().find(|field| is_apart(field)).cloned();
        let body = fields.image_size() + size(&fields.exif) + size(&fields.gps);
        let mut bytes = if self.big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        match note {
            None => {
                bytes.extend(self.u32(8));
                bytes.extend(fields.lay_out(8, 0));
            }
            Some(note) if 8 + body <= note.origin && note.origin + note.value.len() <= MAX_BYTES => {
                bytes.extend(self.u32(8));
                bytes.extend(fields.lay_out(8, 0));
                bytes.resize(note.origin, 0);
                bytes.extend(&note.value);
            }
            Some(note)
                if (8..MAX_BYTES).contains(&note.origin) && note.origin + note.value.len() + 1 + body <= MAX_BYTES =>
            {
                let at = (note.origin + note.value.len()).next_multiple_of(2);
                bytes.extend(self.u32(at));
                bytes.resize(note.origin, 0);
                bytes.extend(&note.value);
                bytes.resize(at, 0);
                bytes.extend(fields.lay_out(at, 0));
            }
            Some(_) => {
                fields.exif.retain(|field| field.tag != MAKER_NOTE);
                return fields.write();
            }
        }
        bytes
    }

    /// Bytes of the first directory with its values and the pointers to the other two.
    fn image_size(&self) -> usize {
        let pointers = usize::from(!self.exif.is_empty()) + usize::from(!self.gps.is_empty());
        6 + 12 * (self.image.len() + pointers) + self.image.iter().map(padded).sum::<usize>()
    }

    /// The directories one behind another, to be put at the offset `base`. A maker note is named and not written.
    pub(super) fn lay_out(&mut self, base: usize, next: u32) -> Vec<u8> {
        self.image.retain(|field| !matches!(field.tag, EXIF_POINTER | GPS_POINTER));
        let exif_at = base + self.image_size();
        let gps_at = exif_at + size(&self.exif);
        for (tag, at, empty) in
            [(EXIF_POINTER, exif_at, self.exif.is_empty()), (GPS_POINTER, gps_at, self.gps.is_empty())]
        {
            if !empty {
                let pointer = self.number(tag, 4, u32::try_from(at).unwrap_or(u32::MAX));
                self.image.push(pointer);
            }
        }
        let mut bytes = self.table(&self.image, base, next);
        if !self.exif.is_empty() {
            bytes.extend(self.table(&self.exif, exif_at, 0));
        }
        if !self.gps.is_empty() {
            bytes.extend(self.table(&self.gps, gps_at, 0));
        }
        bytes
    }

    fn table(&self, fields: &[Field], base: usize, next: u32) -> Vec<u8> {
        let mut fields: Vec<&Field> = fields.iter().collect();
        fields.sort_by_key(|field| field.tag);
        let mut table = self.u16(u16::try_from(fields.len()).unwrap_or(u16::MAX)).to_vec();
        let mut values = Vec::new();
        let values_at = base + 2 + 12 * fields.len() + 4;
        for field in fields {
            table.extend(self.u16(field.tag));
            table.extend(self.u16(field.kind));
            table.extend(self.u32(usize::try_from(field.count).unwrap_or(usize::MAX)));
            if field.value.len() <= 4 {
                let mut inline = field.value.clone();
                inline.resize(4, 0);
                table.extend(inline);
            } else if is_apart(field) {
                table.extend(self.u32(field.origin));
            } else {
                table.extend(self.u32(values_at + values.len()));
                values.extend(&field.value);
                // Values begin at even places.
                values.resize(values.len().next_multiple_of(2), 0);
            }
        }
        table.extend(self.u32(usize::try_from(next).unwrap_or_default()));
        table.extend(values);
        table
    }

    fn u16(&self, number: u16) -> [u8; 2] {
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(&self, number: usize) -> [u8; 4] {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    /// The same in the other byte order, where that is another. A maker note is in an order of its own and goes.
    pub(super) fn in_order(mut self, big_endian: bool) -> Self {
        self.exif.retain(|field| field.tag != MAKER_NOTE);
        if self.big_endian != big_endian {
            for field in self.image.iter_mut().chain(&mut self.exif).chain(&mut self.gps) {
                let width = match field.kind {
                    // A fraction is two numbers.
                    5 | 10 => 4,
                    // A comment in UTF-16 follows the order of the structure (Exif 3.0 §4.6.6).
                    7 if field.tag == USER_COMMENT && field.value.starts_with(b"UNICODE\0") => {
                        if let Some(text) = field.value.get_mut(8..) {
                            text.chunks_exact_mut(2).for_each(<[u8]>::reverse);
                        }
                        continue;
                    }
                    kind => usize::try_from(size_of(kind)).unwrap_or(1),
                };
                field.value.chunks_exact_mut(width).for_each(<[u8]>::reverse);
            }
            self.big_endian = big_endian;
        }
        self
    }
}

/// Whether the value stands apart from the others, at the place it had.
fn is_apart(field: &Field) -> bool {
    field.tag == MAKER_NOTE && field.value.len() > 4
}

/// Bytes of the value behind the directory.
fn padded(field: &Field) -> usize {
    if field.value.len() <= 4 || is_apart(field) { 0 } else { field.value.len().next_multiple_of(2) }
}

/// Bytes of a directory with its values; none where it has no field.
fn size(fields: &[Field]) -> usize {
    if fields.is_empty() { 0 } else { 6 + 12 * fields.len() + fields.iter().map(padded).sum::<usize>() }
}

/// Whether the first directory has a field `tag`, however large.
pub(super) fn names(bytes: &[u8], tag: u16) -> bool {
    let tiff = Tiff::new(bytes);
    tiff.first_directory().is_some_and(|first| entries(&tiff, first).any(|entry| tiff.u16(entry) == Some(tag)))
}

/// Where the second directory is; 0 where there is none.
pub(super) fn next_directory(bytes: &[u8]) -> u32 {
    let tiff = Tiff::new(bytes);
    let next = || {
        let first = tiff.first_directory()?;
        tiff.u32(first.checked_add(2 + 12 * usize::from(tiff.u16(first)?))?)
    };
    next().unwrap_or_default()
}
