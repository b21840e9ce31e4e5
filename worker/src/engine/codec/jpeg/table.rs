//! Lookup tables for a Huffman code, made for a decoder that needs only some of the coefficients: two coefficients a
//! lookup where values are needed, up to a whole block a lookup where they are not.

use super::frame::HuffmanCode;

/// Bits by which values are looked up.
pub(super) const VALUE_BITS: u32 = 11;
/// Bits by which coefficients are skipped.
pub(super) const SKIP_BITS: u32 = 13;

/// The value of `size` extra bits (ITU T.81 §F.2.2.1, EXTEND).
#[inline(always)]
pub(super) fn extend(bits: u32, size: u32) -> i32 {
    let half = (1_u32 << size) >> 1;
    if bits < half { bits as i32 - (1 << size) + 1 } else { bits as i32 }
}

/// The code itself, for what is not in the tables.
pub(super) struct Canonical {
    /// For each length 0 to 16 the first code that is longer, left-aligned in 16 bits.
    limits: [u32; 17],
    /// For each length what to add to a code, right-aligned, to get the place of its symbol.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

impl Canonical {
    fn new(code: &HuffmanCode<'_>) -> Self {
        let mut canonical = Self { limits: [0; 17], offsets: [0; 17], symbols: [0; 256] };
        for (to, symbol) in canonical.symbols.iter_mut().zip(code.symbols) {
            *to = *symbol;
        }
        let (mut next, mut place) = (0_u32, 0_i32);
        let lengths = canonical.limits.iter_mut().zip(&mut canonical.offsets).zip(0_u32..).skip(1);
        for (((limit, offset), length), count) in lengths.zip(code.counts) {
            *offset = place - (next >> (16 - length)) as i32;
            next += u32::from(*count) << (16 - length);
            place += i32::from(*count);
            *limit = next;
        }
        canonical
    }

    /// The length and the symbol of the code that `bits`, 16 of them, begin with.
    pub(super) fn find(&self, bits: u32) -> Option<(u32, u8)> {
        let length = self.limits.iter().skip(1).position(|limit| bits < *limit)? + 1;
        let code = (bits >> (16 - length)) as i32;
        let place = usize::try_from(code + self.offsets.get(length)?).ok()?;
        Some((length as u32, *self.symbols.get(place)?))
    }
}

/// How DC differences are coded.
pub(super) struct DcTable {
    /// By the next [`VALUE_BITS`]: bits used 0..5, the difference 16..32. 0: not within so few bits.
    pub(super) values: Box<[u32; 1 << VALUE_BITS]>,
    pub(super) canonical: Canonical,
}

impl DcTable {
    pub(super) fn new(code: &HuffmanCode<'_>) -> Self {
        let mut values = Box::new([0; 1 << VALUE_BITS]);
        for (first, length, size) in code.codes() {
            let (size, used) = (u32::from(size & 15), length + u32::from(size & 15));
            if used > VALUE_BITS {
                continue;
            }
            for extra in 0..1 << size {
                let entry = used | (extend(extra, size) as u32) << 16;
                fill(values.as_mut_slice(), u32::from(first) >> (16 - VALUE_BITS), extra, used, VALUE_BITS, entry);
            }
        }
        Self { values, canonical: Canonical::new(code) }
    }
}

/// Fills the entries that begin with a code and its extra bits, `used` bits of `bits`.
fn fill<T: Copy>(table: &mut [T], code: u32, extra: u32, used: u32, bits: u32, entry: T) {
    let start = (code + (extra << (bits - used))) as usize;
    if let Some(entries) = table.get_mut(start..start + (1 << (bits - used))) {
        entries.fill(entry);
    }
}

/// One symbol with its value.
#[derive(Clone, Copy, Default)]
struct Symbol {
    /// Bits, those of the value included; 0: unknown.
    bits: u32,
    /// Coefficients up to and with this one; 0 for the end of the block.
    advance: u32,
    value: i32,
}

/// An entry of [`AcTable::values`].
#[derive(Clone, Copy)]
pub(super) struct Value(pub(super) u32);

impl Value {
    /// Bits used; 0: not within so few bits.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0 & 31
    }

    /// Coefficients up to and with this one, 1 to 16; 0: the block ends.
    #[inline(always)]
    pub(super) fn advance(self) -> u32 {
        self.0 >> 8 & 31
    }

    #[inline(always)]
    pub(super) fn value(self) -> i32 {
        self.0 as i32 >> 16
    }
}

/// An entry of [`AcTable::pairs`].
#[derive(Clone, Copy)]
pub(super) struct Pair(pub(super) u64);

impl Pair {
    const UNKNOWN: u64 = 1 << 7;
    const END: u64 = 1 << 24;

    /// Whether the next bits are not two coefficients, nor one with or without the end of the block.
    #[inline(always)]
    pub(super) fn unknown(self) -> bool {
        self.0 & Self::UNKNOWN != 0
    }

    /// Bits used.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0 as u32 & 31
    }

    /// How far the first coefficient is, and how much farther the second; 0: there is none.
    #[inline(always)]
    pub(super) fn advances(self) -> (u32, u32) {
        ((self.0 >> 8) as u32 & 31, (self.0 >> 16) as u32 & 31)
    }

    /// 1 where the block ends behind them.
    #[inline(always)]
    pub(super) fn end(self) -> u32 {
        (self.0 / Self::END) as u32 & 1
    }

    /// The values; the first twice where there is no second.
    #[inline(always)]
    pub(super) fn values(self) -> (i32, i32) {
        (i32::from((self.0 >> 32) as i16), i32::from((self.0 >> 48) as i16))
    }
}

/// An advance in [`AcTable::skips`] from which on the block ends; the rest is the advance before the end.
pub(super) const SKIP_END: u32 = 64;
/// An advance in [`AcTable::skips`] that means: not within so few bits.
pub(super) const SKIP_UNKNOWN: u32 = 127;

/// How AC coefficients are coded.
pub(super) struct AcTable {
    /// One symbol.
    pub(super) values: Box<[Value; 1 << VALUE_BITS]>,
    /// Up to two coefficients and the end of the block.
    pub(super) pairs: Box<[Pair; 1 << VALUE_BITS]>,
    /// As many symbols as fit: bits used 0..4, advance 4..16.
    pub(super) skips: Box<[u16; 1 << SKIP_BITS]>,
    pub(super) canonical: Canonical,
}

impl AcTable {
    pub(super) fn new(code: &HuffmanCode<'_>) -> Self {
        // By SKIP_BITS: the first symbol.
        let mut symbols = vec![Symbol::default(); 1 << SKIP_BITS];
        for (first, length, symbol) in code.codes() {
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            let bits = length + size;
            if bits > SKIP_BITS {
                continue;
            }
            // Of the runs without a value only 15 counts (ZRL); the others end the block (EOB).
            let advance = if size == 0 && run < 15 { 0 } else { run + 1 };
            for extra in 0..1 << size {
                let value = if size == 0 { 0 } else { extend(extra, size) };
                let symbol = Symbol { bits, advance, value };
                fill(&mut symbols, u32::from(first) >> (16 - SKIP_BITS), extra, bits, SKIP_BITS, symbol);
            }
        }
        Self {
            values: filled(Value(0), |index| value(&symbols, index)),
            pairs: filled(Pair(0), |index| pair(&symbols, index)),
            skips: filled(0, |index| skip_from(&symbols, index)),
            canonical: Canonical::new(code),
        }
    }
}

fn filled<T: Copy, const N: usize>(empty: T, entry: impl Fn(usize) -> T) -> Box<[T; N]> {
    let mut table = Box::new([empty; N]);
    for (index, to) in table.iter_mut().enumerate() {
        *to = entry(index);
    }
    table
}

/// The symbol behind `used` bits of `index`, of which there are `all`, if it is wholly there.
fn symbol_at(symbols: &[Symbol], index: usize, used: u32, all: u32) -> Option<Symbol> {
    let aligned = index << (SKIP_BITS - all) << used;
    let symbol = symbols.get(aligned & ((1 << SKIP_BITS) - 1))?;
    (symbol.bits > 0 && used + symbol.bits <= all).then_some(*symbol)
}

fn value(symbols: &[Symbol], index: usize) -> Value {
    let entry = |symbol: Symbol| symbol.bits | symbol.advance << 8 | (symbol.value as u32) << 16;
    Value(symbol_at(symbols, index, 0, VALUE_BITS).map_or(0, entry))
}

fn pair(symbols: &[Symbol], index: usize) -> Pair {
    let low = |value: i32| u64::from(value as u16);
    let Some(first) = symbol_at(symbols, index, 0, VALUE_BITS).filter(|first| first.advance > 0) else {
        return Pair(Pair::UNKNOWN);
    };
    let alone = Symbol { bits: 0, advance: 0, value: first.value };
    let (second, end) = match symbol_at(symbols, index, first.bits, VALUE_BITS) {
        Some(end) if end.advance == 0 => (Symbol { bits: end.bits, ..alone }, Pair::END),
        Some(second) => (second, 0),
        None => (alone, 0),
    };
    let advances = u64::from(first.advance) << 8 | u64::from(second.advance) << 16;
    Pair(u64::from(first.bits + second.bits) | advances | end | low(first.value) << 32 | low(second.value) << 48)
}

fn skip_from(symbols: &[Symbol], index: usize) -> u16 {
    let (mut bits, mut advance) = (0, 0);
    while let Some(symbol) = symbol_at(symbols, index, bits, SKIP_BITS) {
        // Behind the 63rd the next block begins, whatever it says.
        if advance == 63 || advance + symbol.advance > 63 {
            break;
        }
        bits += symbol.bits;
        advance += symbol.advance;
        if symbol.advance == 0 {
            return (bits | (SKIP_END + advance) << 4) as u16;
        }
    }
    (bits | if advance == 0 { SKIP_UNKNOWN } else { advance } << 4) as u16
}
