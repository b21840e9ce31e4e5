//! Frame, tables and scan of a plain JPEG: sequential DCT with Huffman coding, 8 bits, one or three channels in one
//! scan (ITU T.81 §B.2). Everything else is not ours and read by zune-jpeg.

use super::segments::Segments;

/// A channel's place in the frame, and the tables it is coded with.
#[derive(Clone, Copy)]
pub(super) struct Component<'a> {
    /// Blocks across in an MCU: 1, 2 or 4.
    pub(super) across: usize,
    /// Blocks down in an MCU: 1, 2 or 4.
    pub(super) down: usize,
    /// Quantiser steps in zigzag order.
    pub(super) quantizer: [u16; 64],
    pub(super) dc: HuffmanCode<'a>,
    pub(super) ac: HuffmanCode<'a>,
}

/// A Huffman code as a file states it (ITU T.81 §B.2.4.2): checked to be a prefix code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct HuffmanCode<'a> {
    /// How many codes there are of 1 to 16 bits.
    pub(super) counts: &'a [u8; 16],
    /// What they stand for, shortest code first.
    pub(super) symbols: &'a [u8],
}

/// What a plain JPEG says in front of its entropy-coded data.
pub(super) struct Frame<'a> {
    /// Pixels.
    pub(super) width: usize,
    /// Pixels.
    pub(super) height: usize,
    /// One (gray), or three (Y, Cb, Cr) of which the first has the highest resolution.
    pub(super) components: Vec<Component<'a>>,
    /// MCUs between restart markers; 0: there are none.
    pub(super) restart_interval: usize,
    /// The entropy-coded data and all that follows.
    pub(super) data: &'a [u8],
}

/// The most blocks that an MCU may have (ITU T.81 §B.2.3).
const MAX_BLOCKS: usize = 10;

/// What the segments in front of the scan have said so far.
#[derive(Default)]
struct Tables<'a> {
    quantizers: [Option<[u16; 64]>; 4],
    dc: [Option<HuffmanCode<'a>>; 4],
    ac: [Option<HuffmanCode<'a>>; 4],
    restart_interval: usize,
    /// Set by an Adobe segment that says the channels are not YCbCr.
    other_colors: bool,
    frame: Option<&'a [u8]>,
}

impl<'a> Frame<'a> {
    /// Reads everything in front of the first scan; `None` for what is not a plain JPEG or not clearly so.
    pub(super) fn parse(input: &'a [u8]) -> Option<Self> {
        let mut tables = Tables::default();
        let mut segments = Segments { rest: input };
        while let Some((code, payload)) = segments.next() {
            match code {
                0xc0 | 0xc1 if tables.frame.is_none() => tables.frame = Some(payload),
                0xc4 => tables.read_huffman(payload)?,
                0xdb => tables.read_quantizers(payload)?,
                0xdd => tables.restart_interval = usize::from(u16::from_be_bytes(*payload.first_chunk()?)),
                // APP14 of Adobe: the last byte is 1 for YCbCr.
                0xee if payload.starts_with(b"Adobe") => tables.other_colors = payload.get(11) != Some(&1),
                0xda => return tables.frame_for(payload, segments.rest),
                0xc0..=0xcf | 0xd9 => return None,
                _ => {}
            }
        }
        None
    }

    /// Blocks in an MCU, across and down, of the channel with the most.
    pub(super) fn mcu(&self) -> (usize, usize) {
        self.components.first().map_or((1, 1), |first| (first.across, first.down))
    }

    /// MCUs in the picture, across and down.
    pub(super) fn mcus(&self) -> (usize, usize) {
        let (across, down) = self.mcu();
        (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down))
    }
}

impl<'a> Tables<'a> {
    fn read_quantizers(&mut self, mut payload: &'a [u8]) -> Option<()> {
        while let Some((head, rest)) = payload.split_first() {
            let table = self.quantizers.get_mut(usize::from(head & 15))?;
            let wide = head >> 4;
            let steps: Vec<u16> = match wide {
                0 => rest.get(..64)?.iter().map(|step| u16::from(*step)).collect(),
                1 => rest.get(..128)?.as_chunks::<2>().0.iter().map(|step| u16::from_be_bytes(*step)).collect(),
                _ => return None,
            };
            payload = rest.get(64 * (1 + usize::from(wide))..)?;
            *table = Some(steps.try_into().ok()?);
        }
        Some(())
    }

    fn read_huffman(&mut self, mut payload: &'a [u8]) -> Option<()> {
        while let Some((head, rest)) = payload.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let symbols = rest.get(..counts.iter().map(|count| usize::from(*count)).sum())?;
            payload = rest.get(symbols.len()..)?;
            let code = HuffmanCode { counts, symbols };
            let tables = if head >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let dc_fits = head >> 4 == 1 || symbols.iter().all(|size| *size <= 11);
            *tables.get_mut(usize::from(head & 15))? = Some(code);
            if head >> 4 > 1 || !code.is_prefix_code() || !dc_fits {
                return None;
            }
        }
        Some(())
    }

    /// Puts together what the frame header and the scan header say.
    fn frame_for(&self, scan: &[u8], data: &'a [u8]) -> Option<Frame<'a>> {
        let [8, h1, h0, w1, w0, count, channels @ ..] = self.frame? else { return None };
        let (channels, _) = channels.as_chunks::<3>();
        let (scan_count, parts) = scan.split_first()?;
        let (parts, _) = parts.as_chunks::<2>();
        let count = usize::from(*count);
        if !matches!(count, 1 | 3) || channels.len() != count || usize::from(*scan_count) != count {
            return None;
        }
        let ids: Vec<u8> = channels.iter().map(|[id, ..]| *id).collect();
        if count == 3 && (self.other_colors || ids == *b"RGB") {
            return None;
        }
        let components = channels
            .iter()
            .zip(parts)
            .map(|([id, sampling, quantizer], [of, tables])| {
                // One channel alone is not interleaved: its blocks follow each other row by row.
                let (across, down) = if count == 1 { (1, 1) } else { (sampling >> 4, sampling & 15) };
                Some(Component {
                    across: usize::from(across),
                    down: usize::from(down),
                    quantizer: (*self.quantizers.get(usize::from(*quantizer))?)?,
                    dc: (*self.dc.get(usize::from(tables >> 4))?)?,
                    ac: (*self.ac.get(usize::from(tables & 15))?)?,
                })
                .filter(|_| id == of)
            })
            .collect::<Option<Vec<_>>>()?;
        let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
        let usual = components.len() == count && width > 0 && height > 0 && is_usual(&components);
        usual.then(|| Frame {
            width: usize::from(width),
            height: usize::from(height),
            components,
            restart_interval: self.restart_interval,
            data,
        })
    }
}

/// Whether the first channel has the highest resolution, the others the same or a half or a quarter of it.
fn is_usual(components: &[Component<'_>]) -> bool {
    let Some(first) = components.first() else { return false };
    let blocks: usize = components.iter().map(|component| component.across * component.down).sum();
    let ratio = |of: usize, to: usize| matches!(of, 1 | 2 | 4) && matches!(to, 1 | 2 | 4) && of >= to;
    blocks <= MAX_BLOCKS
        && components.iter().all(|other| ratio(first.across, other.across) && ratio(first.down, other.down))
}

impl HuffmanCode<'_> {
    /// Whether no code is the beginning of another.
    fn is_prefix_code(&self) -> bool {
        let mut free = 1_u32;
        for count in self.counts {
            free *= 2;
            let Some(left) = free.checked_sub(u32::from(*count)) else { return false };
            free = left;
        }
        true
    }

    /// Every code, left-aligned in 16 bits, with its length and symbol, in order (ITU T.81 §C.2).
    pub(super) fn codes(&self) -> impl Iterator<Item = (u16, u32, u8)> {
        let lengths = (1_u32..).zip(self.counts).flat_map(|(length, count)| (0..*count).map(move |_| length));
        lengths.zip(self.symbols).scan(0_u32, |next, (length, symbol)| {
            let code = u16::try_from(*next).ok()?;
            *next += 1 << (16 - length);
            Some((code, length, *symbol))
        })
    }
}
