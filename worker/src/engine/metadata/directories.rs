//! A look at the directories of a TIFF structure before it is parsed: a thousand entries may all name the same
//! twenty megabytes, and a parser that copies each would need a thousand times the file (TIFF 6.0 §2).

use super::tiff::{Tiff, size_of};

/// The most bytes that all values may have together.
const MAX_VALUE_BYTES: u64 = 2 << 20;

/// The most directories that are followed.
const MAX_DIRECTORIES: usize = 16;

/// Entries that name further directories: Exif, GPS, Interoperability (Exif 2.32 §4.6.3).
const POINTERS: [u16; 3] = [0x8769, 0x8825, 0xA005];

/// Whether all values together stay within bounds, each directory counted as often as it is named. What cannot be
/// read is left to the parser to refuse; what the parser may read differently is refused here.
pub(super) fn is_modest(bytes: &[u8]) -> bool {
    let tiff = Tiff::new(bytes);
    let mut waiting: Vec<usize> = tiff.offset(4).into_iter().collect();
    let (mut directories, mut total) = (0, 0);
    while let Some(directory) = waiting.pop() {
        directories += 1;
        if directories > MAX_DIRECTORIES {
            return false;
        }
        let Some(entries) = tiff.u16(directory) else { continue };
        for index in 0..usize::from(entries) {
            let entry = directory + 2 + 12 * index;
            let (Some(tag), Some(kind), Some(count)) = (tiff.u16(entry), tiff.u16(entry + 2), tiff.u32(entry + 4))
            else {
                break;
            };
            total += u64::from(count) * size_of(kind);
            let pointer = POINTERS.contains(&tag);
            // A pointer is one LONG (Exif 2.32 §4.6.3); of another type or count it may lead elsewhere.
            if total > MAX_VALUE_BYTES || (pointer && (kind, count) != (4, 1)) {
                return false;
            }
            if pointer {
                waiting.extend(tiff.offset(entry + 8));
            }
        }
        waiting.extend(tiff.offset(directory + 2 + 12 * usize::from(entries)));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiff(entries: u16, count: u32, next: u32) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        bytes.extend(entries.to_le_bytes());
        for index in 0..entries {
            bytes.extend((0x9000 + index).to_le_bytes());
            bytes.extend(7u16.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(8u32.to_le_bytes());
        }
        bytes.extend(next.to_le_bytes());
        bytes
    }

    #[test]
    fn many_entries_that_name_the_same_bytes_are_refused() {
        assert!(is_modest(&tiff(20, 60_000, 0)));
        assert!(!is_modest(&tiff(500, 60_000, 0)));
        assert!(!is_modest(&tiff(1, u32::MAX, 0)));
    }

    #[test]
    fn pointers_that_a_parser_may_read_differently_are_refused() {
        let pointer = |kind: u8, count: u8| {
            [b"II*\0\x08\0\0\0\x01\0\x69\x87", &[kind, 0, count, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..]].concat()
        };
        assert!(is_modest(&pointer(4, 1)));
        assert!(!is_modest(&pointer(3, 1)));
        assert!(!is_modest(&pointer(4, 2)));
    }

    #[test]
    fn loops_and_rubbish_come_to_an_end() {
        assert!(!is_modest(&tiff(1, 4, 8)), "the next directory is the first one again");
        for bytes in [&b""[..], b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"] {
            assert!(is_modest(bytes));
        }
    }
}
