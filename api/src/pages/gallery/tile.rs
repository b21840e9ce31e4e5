//! A picture in a grid of them.

use common::{Format, ImageRecord};

use crate::pages::{moment, shown_name};

/// A picture in a grid of them.
pub(super) struct Tile {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) facts: String,
    pub(super) when: String,
}

impl Tile {
    pub(super) fn of(record: &ImageRecord, now: i64) -> Self {
        Self {
            id: record.id.to_string(),
            name: shown_name(&record.name),
            facts: facts(record),
            when: moment::ago(record.created_at, now),
        }
    }
}

/// Size and format, such as `400 × 300 webp, 12 KB`.
pub(super) fn facts(record: &ImageRecord) -> String {
    let facts = &record.facts;
    format!("{} × {} {}, {}", facts.width, facts.height, facts.format.name(), size(facts.bytes))
}

/// Bytes as people read them.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

/// What browsers load at once; larger ones are shown small.
const LARGEST_SHOWN: u64 = 20_000_000;

/// Where a page gets a picture from that it shows large.
pub(super) fn shown(record: &ImageRecord) -> String {
    let known = matches!(record.facts.format, Format::Jpeg | Format::Png | Format::Webp | Format::Gif | Format::Avif);
    let what = if known && record.facts.bytes <= LARGEST_SHOWN { "file" } else { "thumbnail" };
    format!("/gallery/images/{}/{what}", record.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_in_the_unit_that_fits() {
        for (bytes, said) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1 KB"),
            (12_001, "13 KB"),
            (1_250_000, "1.2 MB"),
            (3_090_000_000, "3.0 GB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }
}
