//! Entropy decoding of MCUs (ITU T.81 §F.2.2) that keeps the coefficients which a scaled inverse DCT needs and skips
//! the others.

use super::{
    bits::Bits,
    table::{AcTable, DcTable, SKIP_BITS, SKIP_END, SKIP_UNKNOWN, VALUE_BITS, extend},
};

/// One block of an MCU: how it is coded, and where its coefficients go.
pub(super) struct Block<'a> {
    /// The channel, 0 to 2.
    pub(super) component: usize,
    /// Where the coefficient (0, 0) of the first MCU goes.
    pub(super) base: usize,
    /// How much farther that of the next MCU goes.
    pub(super) step: usize,
    pub(super) dc: &'a DcTable,
    pub(super) ac: &'a AcTable,
    pub(super) wanted: &'a Wanted,
}

/// Which coefficients of a channel are needed.
pub(super) struct Wanted {
    /// For each coefficient in zigzag order how far from the first it is stored; those not needed go to a place of no
    /// interest.
    pub(super) places: [u32; 64],
    /// Quantiser steps in zigzag order.
    pub(super) steps: [i32; 64],
    /// The last needed one in zigzag order.
    pub(super) last: u32,
}

/// Where decoding stands within a run of MCUs.
#[derive(Clone, Copy)]
pub(super) struct State<'a> {
    pub(super) bits: Bits<'a>,
    /// The DC coefficient of the previous block of each channel.
    pub(super) predictions: [i32; 3],
    /// Whether something was found that cannot be.
    pub(super) damaged: bool,
}

/// A run of MCUs: within one row, within one restart interval.
pub(super) struct Run<'a> {
    /// What the MCUs consist of.
    pub(super) blocks: &'a [Block<'a>],
    /// Columns of MCUs.
    pub(super) columns: std::ops::Range<usize>,
    /// Length of the data at whose first bit the state began.
    pub(super) data: usize,
    /// How many bits of it there really are.
    pub(super) end: usize,
}

/// Decodes MCUs into `coefficients`, and returns the column of the first that was not wholly there.
#[inline(always)]
pub(super) fn decode(run: &Run<'_>, state: &mut State<'_>, coefficients: &mut [i16]) -> usize {
    // A copy, which the compiler keeps in registers.
    let mut now = *state;
    let mut column = run.columns.start;
    while column < run.columns.end {
        for block in run.blocks {
            let Some(prediction) = now.predictions.get_mut(block.component) else { continue };
            let place = block.base + block.step * column;
            let good = decode_block(block, &mut now.bits, prediction, coefficients, place);
            now.damaged |= !good;
        }
        if now.bits.taken(run.data) > run.end {
            clear(run.blocks, column, coefficients);
            break;
        }
        column += 1;
    }
    *state = now;
    column
}

/// Takes back an MCU that was made of what follows the data.
#[cold]
fn clear(blocks: &[Block<'_>], column: usize, coefficients: &mut [i16]) {
    for block in blocks {
        for place in block.wanted.places {
            if let Some(coefficient) = coefficients.get_mut(block.base + block.step * column + place as usize) {
                *coefficient = 0;
            }
        }
    }
}

/// Decodes one block; `false` for a code that does not exist or coefficients beyond the last.
#[inline(always)]
fn decode_block(
    block: &Block<'_>,
    bits: &mut Bits<'_>,
    prediction: &mut i32,
    coefficients: &mut [i16],
    place: usize,
) -> bool {
    let wanted = block.wanted;
    bits.refill();
    let entry = block.dc.values[bits.peek::<VALUE_BITS>()];
    let difference = if entry != 0 {
        bits.skip(entry & 31);
        entry as i32 >> 16
    } else {
        match long_dc(bits, block.dc) {
            Some(difference) => difference,
            None => return false,
        }
    };
    *prediction = prediction.wrapping_add(difference);
    if let Some(dc) = coefficients.get_mut(place) {
        *dc = prediction.wrapping_mul(wanted.steps[0]).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
    }
    let mut store = |k: u32, value: i32| {
        let k = (k & 63) as usize;
        if let Some(coefficient) = coefficients.get_mut(place + wanted.places[k] as usize) {
            *coefficient = value.wrapping_mul(wanted.steps[k]) as i16;
        }
    };
    let mut k = 1;
    while k <= wanted.last {
        bits.refill();
        // Three lookups of 11 bits; a long code in between refills.
        for _ in 0..3 {
            let pair = block.ac.pairs[bits.peek::<VALUE_BITS>()];
            let (first, second) = pair.advances();
            let next = k + first + second;
            if !pair.unknown() && next + pair.end() <= 64 {
                let (one, two) = pair.values();
                bits.skip(pair.bits());
                store(k + first - 1, one);
                store(next - 1, two);
                k = next;
                if pair.end() != 0 {
                    return true;
                }
            } else {
                let (advance, value) = match one_symbol(bits, block.ac) {
                    Step::Coefficient(advance, value) => (advance, value),
                    Step::End => return true,
                    Step::Bad => return false,
                };
                k += advance;
                if k > 64 {
                    return false;
                }
                store(k - 1, value);
            }
            if k > wanted.last {
                break;
            }
        }
    }
    k >= 64 || skip_rest(block.ac, bits, k)
}

/// Skips the coefficients from `k` to the end of the block.
#[inline(always)]
fn skip_rest(ac: &AcTable, bits: &mut Bits<'_>, mut k: u32) -> bool {
    loop {
        bits.refill();
        // Four lookups of 13 bits.
        for _ in 0..4 {
            let entry = u32::from(ac.skips[bits.peek::<SKIP_BITS>()]);
            let (used, advance) = (entry & 15, entry >> 4);
            let next = k + advance;
            if next < 64 {
                bits.skip(used);
                k = next;
                continue;
            }
            let ends = (SKIP_END..SKIP_UNKNOWN).contains(&advance) && next - SKIP_END < 64;
            if ends || next == 64 {
                bits.skip(used);
                return true;
            }
            match one_symbol(bits, ac) {
                Step::Coefficient(advance, _) => k += advance,
                Step::End => return true,
                Step::Bad => return false,
            }
            if k >= 64 {
                return k == 64;
            }
            break;
        }
    }
}

/// What one symbol says.
enum Step {
    /// Advance and value.
    Coefficient(u32, i32),
    /// The block ends.
    End,
    /// There is no such code.
    Bad,
}

#[inline(always)]
fn one_symbol(bits: &mut Bits<'_>, ac: &AcTable) -> Step {
    let entry = ac.values[bits.peek::<VALUE_BITS>()];
    if entry.bits() == 0 {
        return long_symbol(bits, ac);
    }
    bits.skip(entry.bits());
    if entry.advance() == 0 { Step::End } else { Step::Coefficient(entry.advance(), entry.value()) }
}

/// A symbol that with its value is longer than the tables' bits. 16 bits of code and 15 of value are fewer than a refill.
#[cold]
#[inline(never)]
fn long_symbol(bits: &mut Bits<'_>, ac: &AcTable) -> Step {
    bits.refill();
    let Some((length, symbol)) = ac.canonical.find(bits.peek_some(16)) else {
        bits.skip(16);
        return Step::Bad;
    };
    bits.skip(length);
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    if size == 0 {
        bits.refill();
        return if run == 15 { Step::Coefficient(16, 0) } else { Step::End };
    }
    let value = extend(bits.peek_some(size), size);
    bits.skip(size);
    bits.refill();
    Step::Coefficient(run + 1, value)
}

#[cold]
#[inline(never)]
fn long_dc(bits: &mut Bits<'_>, dc: &DcTable) -> Option<i32> {
    bits.refill();
    let Some((length, size)) = dc.canonical.find(bits.peek_some(16)) else {
        bits.skip(16);
        return None;
    };
    bits.skip(length);
    let size = u32::from(size & 15);
    let difference = if size == 0 { 0 } else { extend(bits.peek_some(size), size) };
    bits.skip(size);
    bits.refill();
    Some(difference)
}
