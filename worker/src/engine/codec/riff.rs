//! The chunks of a RIFF file, which WebP is.

/// Walks over chunks: type and data. A last chunk that is cut short is given as far as it goes.
pub(super) struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// The chunks behind the twelve bytes of `RIFF....WEBP`.
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { rest: input.get(12..).unwrap_or_default() }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = *self.rest.first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*self.rest.get(4..)?.first_chunk::<4>()?)).ok()?;
        let body = self.rest.get(8..)?;
        let data = body.get(..length).unwrap_or(body);
        // Chunks are padded to an even length.
        self.rest = body.get(length.saturating_add(length % 2)..).unwrap_or_default();
        Some((kind, data))
    }
}
