//! The entropy-coded data of an interleaved scan (ITU T.81 §F.1.2): first counted, then written.

use super::{
    Codes,
    fdct::{Block, Channel},
    huffman::Code,
};
use crate::engine::level::Work;

/// Run of 16 zeros, and end of block.
const ZRL: usize = 0xf0;
const EOB: usize = 0;

/// Finds the best codes for what is in `channels`.
pub(super) struct Count<'a> {
    pub(super) channels: &'a [Channel],
    pub(super) mcus: (usize, usize),
}

impl Work for Count<'_> {
    type Output = Codes;

    #[inline(always)]
    fn run(self) -> Codes {
        let mut often = Box::new([[[0_u32; 256]; 2]; 2]);
        walk(self.channels, self.mcus, |colored, class, symbol, _| often[colored & 1][class & 1][symbol & 255] += 1);
        often.each_ref().map(|classes| classes.each_ref().map(Code::new))
    }
}

/// Appends the data to `file`.
pub(super) struct Write<'a> {
    pub(super) file: &'a mut Vec<u8>,
    pub(super) channels: &'a [Channel],
    pub(super) mcus: (usize, usize),
    pub(super) codes: &'a Codes,
}

impl Work for Write<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut bits = Bits { file: self.file, buffer: 0, count: 0 };
        walk(self.channels, self.mcus, |colored, class, symbol, extra| {
            bits.put(self.codes[colored & 1][class & 1].entries[symbol & 255], symbol, extra);
        });
        bits.finish();
    }
}

/// Goes over all blocks in the order in which they are coded (ITU T.81 §A.2.3). `put` takes each symbol: 0 for luma or 1;
/// 0 for DC or 1 for AC; the symbol; and its extra bits, as many as its low four bits say.
#[inline(always)]
fn walk(channels: &[Channel], (across, down): (usize, usize), mut put: impl FnMut(usize, usize, usize, u32)) {
    let mut predictions = [0; 3];
    for row in 0..down {
        for column in 0..across {
            for (number, (channel, prediction)) in channels.iter().zip(&mut predictions).enumerate() {
                let factor = channel.factor;
                for y in row * factor..(row + 1) * factor {
                    for x in column * factor..(column + 1) * factor {
                        let Some(block) = channel.block(x, y) else { continue };
                        let colored = number.min(1);
                        code_block(&block, prediction, |class, symbol, bits| put(colored, class, symbol, bits));
                    }
                }
            }
        }
    }
}

/// Size and bits of a value (ITU T.81 §F.1.2.1.1).
#[inline(always)]
fn size_and_bits(value: i32) -> (usize, u32) {
    let size = 32 - value.unsigned_abs().leading_zeros();
    // Negative numbers are coded as one less, in as many bits.
    let bits = (value + (value >> 31)) as u32 & ((1 << size) - 1);
    (size as usize, bits)
}

#[inline(always)]
fn code_block(block: &Block<'_>, prediction: &mut i32, mut put: impl FnMut(usize, usize, u32)) {
    let dc = block.value(0);
    let (size, bits) = size_and_bits(dc - *prediction);
    *prediction = dc;
    put(0, size, bits);
    let mut left = block.mask & !1;
    let mut last = 0;
    while left != 0 {
        let k = left.trailing_zeros() as usize;
        left &= left - 1;
        let mut run = k - last - 1;
        while run > 15 {
            put(1, ZRL, 0);
            run -= 16;
        }
        let (size, bits) = size_and_bits(block.value(k));
        put(1, run << 4 | size, bits);
        last = k;
    }
    if last < 63 {
        put(1, EOB, 0);
    }
}

/// Writes bits, first bit highest, with a zero byte behind each 0xff (ITU T.81 §F.1.2.3).
struct Bits<'a> {
    file: &'a mut Vec<u8>,
    /// The last `count` bits are still to be written.
    buffer: u64,
    count: u32,
}

impl Bits<'_> {
    /// The code of `symbol`, then its extra bits.
    #[inline(always)]
    fn put(&mut self, entry: u32, symbol: usize, extra: u32) {
        let size = symbol as u32 & 15;
        let (code, length) = (u64::from(entry & 0xffff), (entry >> 16) + size);
        // At most 16 bits of code and 11 of value; fewer than 32 were left.
        self.buffer = self.buffer << (length & 63) | code << size | u64::from(extra);
        self.count += length;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.buffer >> (self.count & 63)) as u32;
            self.write_word(word);
        }
    }

    #[inline(always)]
    fn write_word(&mut self, word: u32) {
        // Some byte is 0xff where its complement is 0.
        let complement = !word;
        if complement.wrapping_sub(0x0101_0101) & word & 0x8080_8080 == 0 {
            self.file.extend_from_slice(&word.to_be_bytes());
        } else {
            for byte in word.to_be_bytes() {
                self.write_byte(byte);
            }
        }
    }

    fn write_byte(&mut self, byte: u8) {
        self.file.push(byte);
        if byte == 0xff {
            self.file.push(0);
        }
    }

    /// Fills the last byte with ones.
    fn finish(mut self) {
        while self.count > 0 {
            let byte = if self.count >= 8 {
                self.buffer >> (self.count - 8)
            } else {
                self.buffer << (8 - self.count) | 0xff >> self.count
            };
            self.write_byte(byte as u8);
            self.count = self.count.saturating_sub(8);
        }
    }
}
