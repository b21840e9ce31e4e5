//! IPTC in its old form (IIM 4.2): data sets one behind another, in Photoshop's resource blocks where JPEG has them.

use std::{borrow::Cow, collections::BTreeMap};

use common::recipe::Metadata;

/// The most bytes that are looked at.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// What stands in front of Photoshop's resource blocks.
pub(super) const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// The number of the resource block that holds IPTC.
const RESOURCE: u16 = 0x0404;

/// The longest value that is reported, in characters.
const MAX_VALUE_CHARS: usize = 200;

/// Data sets of record 2 that are reported, by the names that exiftool gives them.
const NAMES: [(u8, &str); 27] = [
    (5, "ObjectName"),
    (7, "EditStatus"),
    (10, "Urgency"),
    (15, "Category"),
    (20, "SupplementalCategories"),
    (25, "Keywords"),
    (40, "SpecialInstructions"),
    (55, "DateCreated"),
    (60, "TimeCreated"),
    (62, "DigitalCreationDate"),
    (63, "DigitalCreationTime"),
    (65, "OriginatingProgram"),
    (80, "By-line"),
    (85, "By-lineTitle"),
    (90, "City"),
    (92, "Sub-location"),
    (95, "Province-State"),
    (100, "Country-PrimaryLocationCode"),
    (101, "Country-PrimaryLocationName"),
    (103, "OriginalTransmissionReference"),
    (105, "Headline"),
    (110, "Credit"),
    (115, "Source"),
    (116, "CopyrightNotice"),
    (118, "Contact"),
    (120, "Caption-Abstract"),
    (122, "Writer-Editor"),
];

/// By-line, its title, Credit, Source, CopyrightNotice, Contact.
const OF_RIGHTS: [u8; 6] = [80, 85, 110, 115, 116, 118];

/// Previews of the picture (2:200 to 2:202).
const PREVIEWS: std::ops::RangeInclusive<u8> = 200..=202;

/// Walks over data sets: record, number, value. Ends at what is none, and at one of more than 32 KB, which no text is.
struct DataSets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for DataSets<'a> {
    type Item = (u8, u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [0x1c, record, number, high, low, ref rest @ ..] = *self.rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let value = rest.get(..length).filter(|_| high & 0x80 == 0)?;
        self.rest = rest.get(length..)?;
        Some((record, number, value))
    }
}

fn data_sets(bytes: &[u8]) -> DataSets<'_> {
    DataSets { rest: bytes.get(..MAX_BYTES).unwrap_or(bytes) }
}

/// Known values by name; several of one name are joined.
pub(crate) fn values(bytes: &[u8]) -> BTreeMap<String, String> {
    let utf8 = data_sets(bytes).any(|(record, number, value)| (record, number, value) == (1, 90, b"\x1b%G"));
    let mut values = BTreeMap::<String, String>::new();
    for (_, number, value) in data_sets(bytes).filter(|(record, ..)| *record == 2) {
        let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == number) else { continue };
        let Some(value) = value.get(..value.len().min(4 * MAX_VALUE_CHARS)) else { continue };
        let text: String = text(value, utf8).chars().filter(|c| !c.is_control()).take(MAX_VALUE_CHARS).collect();
        match values.get_mut(*name) {
            Some(before) if before.len() + text.len() < 4 * MAX_VALUE_CHARS => {
                before.push_str("; ");
                before.push_str(&text);
                *before = before.chars().take(MAX_VALUE_CHARS).collect();
            }
            Some(_) => {}
            None => {
                values.insert((*name).to_owned(), text);
            }
        }
    }
    values
}

/// Without a word on its alphabet, text is UTF-8 where it can be, else Latin-1.
fn text(value: &[u8], utf8: bool) -> Cow<'_, str> {
    match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) if utf8 => String::from_utf8_lossy(value),
        Err(_) => Cow::Owned(value.iter().copied().map(char::from).collect()),
    }
}

/// The data sets that go along with a result; `None` where no text is among them.
pub(super) fn kept(bytes: &[u8], policy: Metadata) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    let mut texts = false;
    for (record, number, value) in data_sets(bytes) {
        let wanted = match (record, policy) {
            (_, Metadata::Strip) => false,
            // The alphabet and the version, without which the rest cannot be read.
            (1, _) => number == 90,
            (2, _) if number == 0 => true,
            (2, Metadata::KeepCopyright) => OF_RIGHTS.contains(&number),
            (2, _) => !PREVIEWS.contains(&number),
            _ => false,
        };
        if wanted {
            texts |= record == 2 && number != 0;
            let length = u16::try_from(value.len()).unwrap_or_default();
            kept.extend([0x1c, record, number]);
            kept.extend(length.to_be_bytes());
            kept.extend(value);
        }
    }
    texts.then_some(kept)
}

/// The IPTC in Photoshop's resource blocks.
pub(super) fn in_resources(mut rest: &[u8]) -> Option<&[u8]> {
    while let Some(after) = rest.strip_prefix(b"8BIM") {
        let number = u16::from_be_bytes(*after.first_chunk()?);
        // A name with its length in front, padded to an even number.
        let name = (usize::from(*after.get(2)?) + 1).next_multiple_of(2);
        let after = after.get(2 + name..)?;
        let length = usize::try_from(u32::from_be_bytes(*after.first_chunk()?)).ok()?;
        let data = after.get(4..length.checked_add(4)?)?;
        if number == RESOURCE {
            return Some(data);
        }
        rest = after.get(length.checked_add(4)?.next_multiple_of(2)..)?;
    }
    None
}

/// IPTC as one resource block.
pub(super) fn as_resource(iptc: &[u8]) -> Vec<u8> {
    let length = u32::try_from(iptc.len()).unwrap_or(u32::MAX);
    let mut block = [b"8BIM", &RESOURCE.to_be_bytes()[..], &[0, 0], &length.to_be_bytes(), iptc].concat();
    block.resize(block.len().next_multiple_of(2), 0);
    block
}
