//! Entropy-coded data without its stuffing (ITU T.81 §B.1.1.5), cut at its restart markers.

use super::{bits::PADDING, segments::Segments};

/// The data of one scan.
pub(super) struct Scan {
    /// The data with zeros behind it.
    data: Vec<u8>,
    /// Where each interval between restart markers ends.
    ends: Vec<usize>,
    /// Whether the file ends as it should, with a marker that says so.
    pub(super) complete: bool,
    /// Whether the restart markers count 0, 1, … 7, 0, … as they should.
    pub(super) in_order: bool,
}

impl Scan {
    /// `input` begins with entropy-coded data.
    pub(super) fn new(input: &[u8]) -> Self {
        let mut scan = Self { data: Vec::new(), ends: Vec::new(), complete: false, in_order: true };
        scan.data.reserve(input.len() + PADDING);
        let mut rest = input;
        loop {
            let Some(at) = memchr::memchr(0xff, rest) else {
                scan.data.extend_from_slice(rest);
                break;
            };
            let (before, marker) = rest.split_at(at);
            scan.data.extend_from_slice(before);
            match marker.get(1) {
                Some(0) => {
                    scan.data.push(0xff);
                    rest = marker.get(2..).unwrap_or_default();
                }
                // Any number of 0xff may stand before a marker.
                Some(0xff) => rest = marker.get(1..).unwrap_or_default(),
                Some(code @ 0xd0..=0xd7) => {
                    scan.in_order &= usize::from(code & 7) == scan.ends.len() % 8;
                    scan.ends.push(scan.data.len());
                    rest = marker.get(2..).unwrap_or_default();
                }
                _ => {
                    scan.complete = (Segments { rest: marker }).any(|(code, _)| code == 0xd9);
                    break;
                }
            }
        }
        scan.ends.push(scan.data.len());
        scan.data.resize(scan.data.len() + PADDING, 0);
        scan
    }

    /// Whether there is any data.
    pub(super) fn is_empty(&self) -> bool {
        self.data.len() == PADDING
    }

    /// How many intervals there are, at least one.
    pub(super) fn intervals(&self) -> usize {
        self.ends.len()
    }

    /// From the start of an interval to the end of all data, and how many bits the interval has.
    pub(super) fn interval(&self, index: usize) -> Option<(&[u8], usize)> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end);
        Some((self.data.get(start..)?, (end - start) * 8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffing_goes_and_restarts_are_found() {
        let scan = Scan::new(&[1, 0xff, 0, 2, 0xff, 0xd0, 3, 0xff, 0xff, 0xd1, 4, 5, 0xff, 0xd9, 9]);
        assert_eq!(scan.data[..scan.data.len() - PADDING], [1, 0xff, 2, 3, 4, 5]);
        let bits: Vec<usize> = (0..scan.intervals()).map(|index| scan.interval(index).unwrap().1).collect();
        assert_eq!(bits, [24, 8, 16]);
        assert_eq!(scan.interval(1).unwrap().0[0], 3);
        assert!(scan.complete && scan.in_order && scan.interval(3).is_none());
        assert!(!Scan::new(&[1, 0xff, 0xd1, 2]).in_order);
        assert!(!Scan::new(&[1, 2, 0xff]).complete && !Scan::new(&[1, 2]).complete);
        assert!(Scan::new(&[0xff, 0xd9]).is_empty());
    }
}
