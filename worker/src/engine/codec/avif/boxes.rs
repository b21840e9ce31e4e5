//! The boxes of an AVIF file (ISO/IEC 14496-12 and 23008-12): its items, where their bytes lie, what is said of them.

use std::{borrow::Cow, collections::BTreeMap};

/// More items, or parts of one, than any honest file has; each costs a few bytes of the file or none at all.
const MAX_ITEMS: u64 = 4096;

/// Walks over boxes: type and content. A last box that is cut short is given as far as it goes.
pub(super) struct Boxes<'a> {
    rest: &'a [u8],
}

impl<'a> Boxes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The content of the first box of this type.
    pub(super) fn find(mut self, kind: [u8; 4]) -> Option<&'a [u8]> {
        Iterator::find(&mut self, |(found, _)| *found == kind).map(|(_, content)| content)
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut fields = Fields(self.rest);
        let size = fields.uint(4)?;
        let kind = fields.four()?;
        // 1: the size follows in 64 bits; 0: up to the end.
        let (head, size) = match size {
            0 => (8, self.rest.len()),
            1 => (16, usize::try_from(fields.uint(8)?).ok()?),
            size => (8, usize::try_from(size).ok()?),
        };
        let end = size.min(self.rest.len());
        let content = self.rest.get(head..end)?;
        self.rest = self.rest.get(end..).unwrap_or_default();
        Some((kind, content))
    }
}

/// Reads big-endian numbers one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// A number of `bytes` bytes; of none it is 0.
    pub(super) fn uint(&mut self, bytes: usize) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(number.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn four(&mut self) -> Option<[u8; 4]> {
        let (four, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*four)
    }

    /// The version in front of a full box; its flags are the second number.
    fn version(&mut self) -> Option<(u64, u64)> {
        Some((self.uint(1)?, self.uint(3)?))
    }
}

/// A picture, or something that belongs to one.
#[derive(Default)]
pub(super) struct Item {
    pub(super) kind: [u8; 4],
    /// Its bytes lie in the `idat` box, not anywhere in the file.
    inside: bool,
    /// Offset and length; length 0 is up to the end.
    parts: Vec<(u64, u64)>,
    /// Which of the properties are its own, counted from 1.
    properties: Vec<usize>,
}

/// The `meta` box, read.
#[derive(Default)]
pub(super) struct Meta<'a> {
    file: &'a [u8],
    inside: &'a [u8],
    pub(super) primary: u64,
    items: BTreeMap<u64, Item>,
    properties: Vec<([u8; 4], &'a [u8])>,
    /// Kind of reference, from, to.
    links: Vec<([u8; 4], u64, u64)>,
}

impl<'a> Meta<'a> {
    /// Reads the boxes of `file`; `None` where they make no sense.
    pub(super) fn read(file: &'a [u8]) -> Option<Self> {
        let content = Boxes::new(file).find(*b"meta")?;
        let mut meta = Self { file, ..Self::default() };
        let inner = content.get(4..)?;
        for (kind, content) in Boxes::new(inner) {
            match &kind {
                b"pitm" => {
                    let mut fields = Fields(content);
                    let (version, _) = fields.version()?;
                    meta.primary = fields.uint(if version == 0 { 2 } else { 4 })?;
                }
                b"iinf" => meta.kinds(content)?,
                b"iloc" => meta.places(content)?,
                b"iprp" => meta.say(content)?,
                b"iref" => meta.link(content)?,
                b"idat" => meta.inside = content,
                _ => {}
            }
        }
        meta.items.contains_key(&meta.primary).then_some(meta)
    }

    fn kinds(&mut self, content: &[u8]) -> Option<()> {
        let mut fields = Fields(content);
        let (version, _) = fields.version()?;
        fields.uint(if version == 0 { 2 } else { 4 })?;
        for (kind, entry) in Boxes::new(fields.0) {
            let mut fields = Fields(entry);
            let (version, _) = fields.version()?;
            if kind != *b"infe" || version < 2 || self.items.len() as u64 >= MAX_ITEMS {
                continue;
            }
            let id = fields.uint(if version == 2 { 2 } else { 4 })?;
            fields.uint(2)?;
            self.items.entry(id).or_default().kind = fields.four()?;
        }
        Some(())
    }

    fn places(&mut self, content: &[u8]) -> Option<()> {
        let mut fields = Fields(content);
        let (version, _) = fields.version()?;
        let sizes = fields.uint(2)?;
        let size = |shift: u64| (sizes >> shift & 15) as usize;
        let (offset, length, base, index) = (size(12), size(8), size(4), if version == 0 { 0 } else { size(0) });
        let wide = if version == 2 { 4 } else { 2 };
        for _ in 0..fields.uint(wide)?.min(MAX_ITEMS) {
            let id = fields.uint(wide)?;
            let method = if version == 0 { 0 } else { fields.uint(2)? & 15 };
            fields.uint(2)?;
            let start = fields.uint(base)?;
            let count = fields.uint(2)?;
            if count > MAX_ITEMS {
                return None;
            }
            let mut parts = Vec::new();
            for _ in 0..count {
                fields.uint(index)?;
                parts.push((start.checked_add(fields.uint(offset)?)?, fields.uint(length)?));
            }
            if method < 2 {
                let item = self.items.entry(id).or_default();
                (item.inside, item.parts) = (method == 1, parts);
            }
        }
        Some(())
    }

    fn say(&mut self, content: &'a [u8]) -> Option<()> {
        for (kind, content) in Boxes::new(content) {
            if kind == *b"ipco" {
                self.properties = Boxes::new(content).take(MAX_ITEMS as usize).collect();
            }
            if kind != *b"ipma" {
                continue;
            }
            let mut fields = Fields(content);
            let (version, flags) = fields.version()?;
            for _ in 0..fields.uint(4)?.min(MAX_ITEMS) {
                let id = fields.uint(if version == 0 { 2 } else { 4 })?;
                for _ in 0..fields.uint(1)? {
                    // The highest bit says that who does not know the property must not show the picture.
                    let number =
                        if flags & 1 == 0 { fields.uint(1)? & 0x7f } else { fields.uint(2)? & 0x7fff } as usize;
                    self.items.entry(id).or_default().properties.push(number);
                }
            }
        }
        Some(())
    }

    fn link(&mut self, content: &[u8]) -> Option<()> {
        let mut fields = Fields(content);
        let (version, _) = fields.version()?;
        let wide = if version == 0 { 2 } else { 4 };
        for (kind, content) in Boxes::new(fields.0) {
            let mut fields = Fields(content);
            let from = fields.uint(wide)?;
            for _ in 0..fields.uint(2)? {
                if self.links.len() as u64 >= MAX_ITEMS {
                    return Some(());
                }
                self.links.push((kind, from, fields.uint(wide)?));
            }
        }
        Some(())
    }

    pub(super) fn item(&self, id: u64) -> Option<&Item> {
        self.items.get(&id)
    }

    /// The first property of this kind that item `id` has.
    pub(super) fn property(&self, id: u64, kind: [u8; 4]) -> Option<&'a [u8]> {
        self.properties_of(id).find(|(found, _)| *found == kind).map(|(_, content)| content)
    }

    pub(super) fn properties_of(&self, id: u64) -> impl Iterator<Item = ([u8; 4], &'a [u8])> {
        let numbers = self.items.get(&id).into_iter().flat_map(|item| &item.properties);
        numbers.filter_map(|number| self.properties.get(number.checked_sub(1)?).copied())
    }

    /// What item `id` refers to.
    pub(super) fn to(&self, kind: [u8; 4], id: u64) -> impl Iterator<Item = u64> {
        self.links.iter().filter(move |(found, from, _)| *found == kind && *from == id).map(|(.., to)| *to)
    }

    /// What refers to item `id`.
    pub(super) fn from(&self, kind: [u8; 4], id: u64) -> impl Iterator<Item = u64> {
        self.links.iter().filter(move |(found, _, to)| *found == kind && *to == id).map(|(_, from, _)| *from)
    }

    /// The bytes of an item; `None` where the file does not have all of them.
    pub(super) fn bytes(&self, item: &Item) -> Option<Cow<'a, [u8]>> {
        let place = if item.inside { self.inside } else { self.file };
        let part = |(offset, length): &(u64, u64)| {
            let rest = place.get(usize::try_from(*offset).ok()?..)?;
            if *length == 0 { Some(rest) } else { rest.get(..usize::try_from(*length).ok()?) }
        };
        if let [only] = item.parts.as_slice() {
            return part(only).map(Cow::Borrowed);
        }
        let mut whole = Vec::new();
        for one in &item.parts {
            whole.extend_from_slice(part(one)?);
            // Parts may overlap: many small ones could add up to much more than the file.
            if whole.len() > self.file.len() {
                return None;
            }
        }
        Some(Cow::Owned(whole))
    }
}
