//! Parts of a long picture that overlap: what lies across the edge of one is whole in the other.

use std::ops::Range;

/// Pixels of a part, a multiple of 32.
const LENGTH: usize = 1600;
/// Pixels that it shares with the next one at least.
const OVERLAP: usize = 160;

/// A part of a length.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Part {
    start: usize,
    length: usize,
    /// Where it counts; elsewhere another one does.
    pub(super) counts: Range<usize>,
}

impl Part {
    /// All of it.
    pub(super) fn all(&self) -> Range<usize> {
        self.start..self.start + self.length
    }
}

/// The parts of `length`, in order, as long as each other.
pub(super) fn of(length: usize) -> Vec<Part> {
    let last = length.saturating_sub(LENGTH);
    let mut starts: Vec<usize> = (0..last).step_by(LENGTH - OVERLAP).collect();
    starts.push(last);
    let edge = |pair: &[usize]| (pair[0] + LENGTH + pair[1]) / 2;
    let mut edges = vec![0];
    edges.extend(starts.windows(2).map(edge));
    edges.push(length);
    let part = |(start, edges): (&usize, &[usize])| Part {
        start: *start,
        length: length.min(LENGTH),
        counts: edges[0]..edges[1],
    };
    starts.iter().zip(edges.windows(2)).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_counts_once_and_within_a_part() {
        for length in [32, 1568, 1600, 1632, 3040, 3072, 16_000] {
            let parts = of(length);
            let mut at = 0;
            for part in &parts {
                assert_eq!(part.counts.start, at, "{length}");
                at = part.counts.end;
                assert!(part.all().start <= part.counts.start && part.counts.end <= part.all().end, "{length}");
                assert!(part.all().end <= length && (part.all().len() == LENGTH || parts.len() == 1), "{length}");
                // What begins where a part counts may be as long as half of what is shared.
                assert!(part.all().end == length || part.all().end >= part.counts.end + OVERLAP / 2, "{length}");
            }
            assert_eq!(at, length);
        }
    }
}
