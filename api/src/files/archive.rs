//! The layout of a zip archive of files that are stored as they are (APPNOTE.TXT 6.3.10): where each record stands and
//! what is in it, from names, lengths and sums alone. Images are compressed already.

use std::ops::Range;

use axum::body::Bytes;
use common::{kept::Entry, rfc3339};

/// From here on a field of 32 bits refers to one of 64.
const FULL32: u64 = 0xffff_ffff;
const FULL16: u64 = 0xffff;

/// Names are UTF-8.
const UTF8: u16 = 1 << 11;

/// What a reader must understand: folders, or records of 64 bits.
const PLAIN: u16 = 20;
const ZIP64: u16 = 45;

/// Made by version 4.5, with the permissions of Unix: a file that all may read.
const MADE_BY: u16 = (3 << 8) | 45;
const PERMISSIONS: u32 = 0o100_644 << 16;

/// An archive whose every byte is known but for those of its files.
pub(super) struct Archive {
    entries: Vec<Entry>,
    /// Where the record of each begins.
    offsets: Vec<u64>,
    /// Where the directory begins and ends.
    directory: Range<u64>,
    /// Time and day, as MS-DOS wrote them.
    stamp: [u16; 2],
}

/// A stretch of the archive.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    /// Records.
    Bytes(Bytes),
    /// So much of the file with this place in the list.
    File(usize, Range<u64>),
}

impl Archive {
    /// Lays out `entries`, which are as old as `at_ms`.
    pub(super) fn new(entries: Vec<Entry>, at_ms: i64) -> Self {
        let mut archive =
            Self { offsets: Vec::with_capacity(entries.len()), entries, directory: 0..0, stamp: stamp(at_ms) };
        let mut at = 0_u64;
        for index in 0..archive.entries.len() {
            archive.offsets.push(at);
            at += archive.local(index).len() as u64 + archive.entries[index].length;
        }
        let start = at;
        for index in 0..archive.entries.len() {
            at += archive.central(index).len() as u64;
        }
        archive.directory = start..at;
        archive
    }

    /// Its files.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How long it is.
    pub(super) fn length(&self) -> u64 {
        self.directory.end + self.end().len() as u64
    }

    /// The part with this number that lies within `range`, and where the next one begins; `None` behind the last.
    pub(super) fn part(&self, number: usize, at: u64, range: &Range<u64>) -> Option<(Option<Part>, u64)> {
        let count = self.entries.len();
        let clipped = |length: u64| {
            let within = range.start.clamp(at, at + length) - at..range.end.clamp(at, at + length) - at;
            (!within.is_empty()).then_some(within)
        };
        let records = |bytes: Vec<u8>| {
            let length = bytes.len() as u64;
            let part = clipped(length).map(|within| {
                // Both are within the length of these few bytes.
                Part::Bytes(Bytes::from(bytes).slice(within.start as usize..within.end as usize))
            });
            Some((part, at + length))
        };
        match number {
            _ if number < 2 * count && number.is_multiple_of(2) => records(self.local(number / 2)),
            _ if number < 2 * count => {
                let length = self.entries[number / 2].length;
                Some((clipped(length).map(|within| Part::File(number / 2, within)), at + length))
            }
            _ if number < 3 * count => records(self.central(number - 2 * count)),
            _ if number == 3 * count => records(self.end()),
            _ => None,
        }
    }

    /// What stands before the bytes of a file.
    fn local(&self, index: usize) -> Vec<u8> {
        let entry = &self.entries[index];
        let long = entry.length >= FULL32;
        let mut record = Record(Vec::with_capacity(30 + entry.name.len()));
        record.u32(0x0403_4b50).u16(if long { ZIP64 } else { PLAIN });
        self.about(&mut record, entry);
        record.u16(if long { 20 } else { 0 }).0.extend_from_slice(entry.name.as_bytes());
        if long {
            record.u16(1).u16(16).u64(entry.length).u64(entry.length);
        }
        record.0
    }

    /// What the directory says of a file.
    fn central(&self, index: usize) -> Vec<u8> {
        let (entry, offset) = (&self.entries[index], self.offsets[index]);
        let mut extra = Record(Vec::new());
        if entry.length >= FULL32 {
            extra.u64(entry.length).u64(entry.length);
        }
        if offset >= FULL32 {
            extra.u64(offset);
        }
        let long = !extra.0.is_empty();
        let mut record = Record(Vec::with_capacity(46 + entry.name.len()));
        record.u32(0x0201_4b50).u16(MADE_BY).u16(if long { ZIP64 } else { PLAIN });
        self.about(&mut record, entry);
        // No comment, on the first disk, not said to be text.
        record.u16(if long { 4 + extra.0.len() as u16 } else { 0 }).u16(0).u16(0).u16(0);
        record.u32(PERMISSIONS).short32(offset).0.extend_from_slice(entry.name.as_bytes());
        if long {
            record.u16(1).u16(extra.0.len() as u16).0.extend_from_slice(&extra.0);
        }
        record.0
    }

    /// What both say.
    fn about(&self, record: &mut Record, entry: &Entry) {
        record.u16(UTF8).u16(0).u16(self.stamp[0]).u16(self.stamp[1]);
        record.u32(entry.crc32).short32(entry.length).short32(entry.length).u16(entry.name.len() as u16);
    }

    /// What stands behind the directory.
    fn end(&self) -> Vec<u8> {
        let count = self.entries.len() as u64;
        let (start, length) = (self.directory.start, self.directory.end - self.directory.start);
        let mut record = Record(Vec::new());
        if count >= FULL16 || start >= FULL32 || length >= FULL32 {
            record.u32(0x0606_4b50).u64(44).u16(MADE_BY).u16(ZIP64).u32(0).u32(0);
            record.u64(count).u64(count).u64(length).u64(start);
            record.u32(0x0706_4b50).u32(0).u64(self.directory.end).u32(1);
        }
        record.u32(0x0605_4b50).u16(0).u16(0).short16(count).short16(count);
        record.short32(length).short32(start).u16(0);
        record.0
    }
}

/// Little-endian fields.
struct Record(Vec<u8>);

impl Record {
    fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// The value, or full where it does not fit.
    fn short16(&mut self, value: u64) -> &mut Self {
        self.u16(u16::try_from(value).unwrap_or(u16::MAX))
    }

    /// Likewise.
    fn short32(&mut self, value: u64) -> &mut Self {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX))
    }
}

/// Time and day in UTC, to two seconds, from 1980 on.
fn stamp(at_ms: i64) -> [u16; 2] {
    let text = rfc3339(at_ms);
    let number = |range: Range<usize>| text.get(range).and_then(|part| part.parse::<u16>().ok()).unwrap_or_default();
    let (year, month, day) = (number(0..4).clamp(1980, 2107), number(5..7).max(1), number(8..10).max(1));
    let time = (number(11..13) << 11) | (number(14..16) << 5) | (number(17..19) / 2);
    [time, ((year - 1980) << 9) | (month << 5) | day]
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_795_000_000_000;

    fn entry(name: String, length: u64) -> Entry {
        Entry { name, blob: "a blob of some".into(), image: None, length, crc32: 0x1234_5678 }
    }

    /// All records, and for each file where its bytes would stand.
    fn laid_out(archive: &Archive, range: Range<u64>) -> (Vec<u8>, Vec<(usize, Range<u64>)>) {
        let (mut records, mut files, mut at, mut number) = (Vec::new(), Vec::new(), 0, 0);
        while let Some((part, next)) = archive.part(number, at, &range) {
            match part {
                Some(Part::Bytes(bytes)) => records.extend_from_slice(&bytes),
                Some(Part::File(index, within)) => files.push((index, within)),
                None => {}
            }
            (at, number) = (next, number + 1);
        }
        assert_eq!(at, archive.length());
        (records, files)
    }

    fn u64_at(bytes: &[u8], at: usize) -> u64 {
        u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
    }

    #[test]
    fn the_records_are_those_of_the_specification() {
        let archive = Archive::new(vec![entry("ä.jpg".into(), 5)], AT);
        let (records, files) = laid_out(&archive, 0..archive.length());
        assert_eq!(files, [(0, 0..5)]);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        // 2026-11-18, 11:06:40: time 58d4, day 5d72.
        let about =
            "0008".to_owned() + "0000" + "d458" + "725d" + "78563412" + "05000000" + "05000000" + "0600" + "0000";
        let name = "c3a42e6a7067";
        assert_eq!(hex(&records[..36]), format!("504b03041400{about}{name}"));
        let central = format!("504b01022d031400{about}{}0000a48100000000{name}", "0000".repeat(3));
        assert_eq!(hex(&records[36..88]), central);
        assert_eq!(hex(&records[88..]), "504b0506000000000100010034000000290000000000");
        assert_eq!(archive.length(), records.len() as u64 + 5);
    }

    #[test]
    fn what_is_too_large_for_32_bits_is_written_in_64() {
        let gib = 1 << 30;
        let archive = Archive::new(vec![entry("a".into(), 5 * gib), entry("b".into(), 1), entry("c".into(), 1)], AT);
        let (records, files) = laid_out(&archive, 0..archive.length());
        assert_eq!(files, [(0, 0..5 * gib), (1, 0..1), (2, 0..1)]);
        assert_eq!(u64_at(&records, 35), 5 * gib, "the length in the extra field of the first record");
        let second = 5 * gib + 51;
        let central: Vec<usize> = (0..records.len()).filter(|at| records[*at..].starts_with(b"PK\x01\x02")).collect();
        assert_eq!(records[central[1] + 42..central[1] + 46], [0xff; 4]);
        assert_eq!(u64_at(&records, central[1] + 51), second, "the offset in the extra field of the second");
        let end = records.len() - 22;
        assert_eq!(&records[end - 20..end - 16], b"PK\x06\x07");
        assert_eq!(&records[end - 76..end - 72], b"PK\x06\x06");
        assert_eq!(u64_at(&records, end - 12), archive.length() - 98, "the locator names the record before it");
        assert_eq!(u64_at(&records, end - 76 + 48), archive.directory.start);
        assert_eq!(records[end + 16..end + 20], [0xff; 4]);
    }

    #[test]
    fn more_files_than_16_bits_count() {
        let count = 70_000;
        let archive = Archive::new((0..count).map(|index| entry(format!("{index}.png"), 0)).collect(), AT);
        let (records, _) = laid_out(&archive, 0..archive.length());
        let end = records.len() - 22;
        assert_eq!(records[end + 8..end + 12], [0xff; 4]);
        assert_eq!(u64_at(&records, end - 76 + 24), count);
        let small = Archive::new(vec![], AT);
        assert_eq!(small.length(), 22);
    }

    #[test]
    fn every_part_is_what_the_whole_has_there() {
        let archive = Archive::new((1..4).map(|index| entry(format!("{index}"), index * 3)).collect(), AT);
        let whole = |range: Range<u64>| -> Vec<u8> {
            let (mut bytes, mut at, mut number) = (Vec::new(), 0, 0);
            while let Some((part, next)) = archive.part(number, at, &range) {
                match part {
                    Some(Part::Bytes(some)) => bytes.extend_from_slice(&some),
                    Some(Part::File(index, within)) => bytes.extend(within.map(|at| (index as u8) << 5 | at as u8)),
                    None => {}
                }
                (at, number) = (next, number + 1);
            }
            bytes
        };
        let all = whole(0..archive.length());
        assert_eq!(all.len() as u64, archive.length());
        for start in 0..archive.length() {
            for end in start..=archive.length() {
                assert_eq!(whole(start..end), all[start as usize..end as usize], "{start}..{end}");
            }
        }
    }
}
