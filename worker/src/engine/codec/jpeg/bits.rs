//! Bits of entropy-coded data from which the stuffing is gone, first bit highest.

/// How many zero bytes must follow the data, so that reading past its end is told by [`Bits::taken`].
pub(super) const PADDING: usize = 32;

/// A place in the data; [`Bits::refill`] gives at least 56 bits to look at.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// Left-aligned.
    buffer: u64,
    /// How many bits of `buffer` have been counted as read; beyond them it holds data, too.
    count: u32,
}

impl<'a> Bits<'a> {
    /// At the first bit of `data`, which goes on to the end of all data.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { rest: data, buffer: 0, count: 0 }
    }

    /// Fills the buffer up to at least 56 bits; zeros behind the end of the data.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if let Some(word) = self.rest.first_chunk::<8>() {
            self.buffer |= u64::from_be_bytes(*word) >> (self.count & 63);
            // At most 7 bytes of the 8.
            let bytes = (63 - (self.count & 63)) >> 3;
            self.rest = self.rest.get(bytes as usize..).unwrap_or_default();
        }
        self.count |= 56;
    }

    /// The next `N` bits, which must be in the buffer.
    #[inline(always)]
    pub(super) fn peek<const N: u32>(&self) -> usize {
        (self.buffer >> (64 - N)) as usize
    }

    /// The next `n` bits, 0 to 16.
    #[inline(always)]
    pub(super) fn peek_some(&self, n: u32) -> u32 {
        // Two steps, because a shift by 64 is none.
        ((self.buffer >> 1) >> (63 - (n & 63))) as u32
    }

    /// Goes on by `n` bits, fewer than 32.
    #[inline(always)]
    pub(super) fn skip(&mut self, n: u32) {
        self.buffer <<= n & 31;
        self.count = self.count.wrapping_sub(n);
    }

    /// Bits taken since the start of `data`, from which this reader began.
    #[inline(always)]
    pub(super) fn taken(&self, data: usize) -> usize {
        ((data - self.rest.len()) * 8).saturating_sub(self.count as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_in_order_and_are_counted() {
        let mut data: Vec<u8> = (0..40_u8).map(|byte| byte.wrapping_mul(73)).collect();
        data.extend([0; PADDING]);
        let mut bits = Bits::new(&data);
        let mut at = 0;
        for n in (1..=16).cycle().take(36) {
            bits.refill();
            let expected = (at..at + n as usize).fold(0, |value, bit| {
                value << 1 | u32::from(data.get(bit / 8).copied().unwrap_or_default()) >> (7 - bit % 8) & 1
            });
            assert_eq!(bits.peek_some(n), expected, "{n} bits at {at}");
            bits.skip(n);
            at += n as usize;
            assert_eq!(bits.taken(data.len()), at);
        }
    }

    #[test]
    fn past_the_end_there_are_zeros_and_the_end_is_passed() {
        let data = [[0xff; PADDING], [0; PADDING]].concat();
        let mut bits = Bits::new(&data);
        for _ in 0..1000 {
            bits.refill();
            bits.skip(30);
        }
        assert!(bits.taken(data.len()) > PADDING * 8);
        assert_eq!(bits.peek::<16>(), 0);
    }
}
