//! The segments of a JPEG file (ITU T.81 §B.1): markers with what follows them.

/// One marker segment: its code and what follows the length.
pub(super) type Segment<'a> = (u8, &'a [u8]);

/// Walks over the segments in front of entropy-coded data, and behind it after [`Segments::skip_scan`].
pub(super) struct Segments<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        // Bytes between segments are against the rules, yet common; every decoder skips them.
        let start = memchr::memchr_iter(0xff, self.rest)
            .find(|at| self.rest.get(at + 1).is_some_and(|code| !matches!(code, 0 | 0xff)))?;
        let (code, rest) = self.rest.get(start + 1..)?.split_first()?;
        // Markers that stand alone: TEM, RSTn, SOI, EOI.
        if matches!(code, 0x01 | 0xd0..=0xd9) {
            self.rest = rest;
            return Some((*code, &[]));
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?));
        let payload = rest.get(2..length)?;
        self.rest = rest.get(length..)?;
        Some((*code, payload))
    }
}

impl Segments<'_> {
    /// Skips entropy-coded data and says how many bytes it had.
    pub(super) fn skip_scan(&mut self) -> usize {
        let end = memchr::memchr_iter(0xff, self.rest)
            .find(|at| self.rest.get(at + 1).is_some_and(|code| !matches!(code, 0 | 0xff | 0xd0..=0xd7)))
            .unwrap_or(self.rest.len());
        self.rest = self.rest.get(end..).unwrap_or_default();
        end
    }
}
