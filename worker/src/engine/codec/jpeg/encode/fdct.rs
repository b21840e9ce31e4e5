//! The DCT (ITU T.81 §A.3.3) and quantisation, eight blocks at a time, one in each lane of a vector.

use super::super::{baseline::ZIGZAG, idct::LANES};
use crate::engine::{level::Work, planes::Plane};

/// Annex K.1 of ITU T.81, in rows.
const LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];
const CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
];

type Lanes = [f32; LANES];

/// Quantiser steps.
pub(super) struct Quantizer {
    /// In zigzag order, 1 to 255.
    pub(super) steps: [u8; 64],
    /// In zigzag order: what to multiply by after the fast DCT, whose results are scaled.
    factors: [f32; 64],
}

impl Quantizer {
    /// For brightness, at `quality` 1 to 100.
    pub(super) fn luma(quality: u8) -> Self {
        Self::new(&LUMA, quality)
    }

    /// For colour, at `quality` 1 to 100.
    pub(super) fn chroma(quality: u8) -> Self {
        Self::new(&CHROMA, quality)
    }

    /// The tables at quality 50, scaled as libjpeg does, so that a quality means what people are used to.
    fn new(table: &[u8; 64], quality: u8) -> Self {
        let quality = u32::from(quality.clamp(1, 100));
        let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        let steps = ZIGZAG.map(|natural| {
            let step = table.get(usize::from(natural)).copied().unwrap_or(1);
            ((u32::from(step) * percent + 50) / 100).clamp(1, 255) as u8
        });
        let scale = |frequency: u8| {
            let norm = if frequency == 0 { 1.0 } else { std::f64::consts::SQRT_2 };
            norm * (f64::from(frequency) * std::f64::consts::PI / 16.0).cos()
        };
        let mut factors = [0.0; 64];
        for ((factor, step), natural) in factors.iter_mut().zip(steps).zip(ZIGZAG) {
            *factor = (1.0 / (8.0 * f64::from(step) * scale(natural % 8) * scale(natural / 8))) as f32;
        }
        Self { steps, factors }
    }
}

/// The quantised coefficients of a channel.
pub(super) struct Channel {
    /// Blocks of it in an MCU, across and down: 1 or 2.
    pub(super) factor: usize,
    /// Groups of eight blocks in a row of blocks.
    groups: usize,
    /// For each group 64 coefficients in zigzag order, each of eight blocks.
    values: Vec<[[i16; LANES]; 64]>,
    /// For each block which coefficients are not 0: bit k is number k in zigzag order.
    masks: Vec<[u64; LANES]>,
}

/// One block of a [`Channel`].
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    group: &'a [[i16; LANES]; 64],
    lane: usize,
    /// Which coefficients are not 0.
    pub(super) mask: u64,
}

impl Block<'_> {
    /// The coefficient number `k` in zigzag order.
    #[inline(always)]
    pub(super) fn value(&self, k: usize) -> i32 {
        i32::from(self.group[k & 63][self.lane & (LANES - 1)])
    }
}

/// Transforms and quantises `plane`, whose last samples are repeated up to whole MCUs.
pub(super) struct Transform<'a> {
    pub(super) plane: &'a Plane,
    pub(super) quantizer: &'a Quantizer,
    /// Blocks in an MCU, across and down: 1 or 2.
    pub(super) factor: usize,
    /// MCUs across and down.
    pub(super) mcus: (usize, usize),
}

impl Work for Transform<'_> {
    type Output = Channel;

    #[inline(always)]
    fn run(self) -> Channel {
        let Self { plane, quantizer, factor, mcus: (across, down) } = self;
        let groups = (across * factor).div_ceil(LANES);
        let rows = down * factor;
        let (mut values, mut masks) = (vec![[[0; LANES]; 64]; groups * rows], vec![[0; LANES]; groups * rows]);
        let mut places = values.iter_mut().zip(&mut masks);
        let width = groups * LANES * 8;
        let mut strip = vec![0_u8; width * 8];
        let lines: Vec<&[u8]> = plane.rows().collect();
        for row in 0..rows {
            for (y, to) in strip.chunks_exact_mut(width).enumerate() {
                let line = lines.get(row * 8 + y).or(lines.last()).copied().unwrap_or_default();
                let (start, rest) = to.split_at_mut(line.len().min(width));
                start.copy_from_slice(line.get(..start.len()).unwrap_or_default());
                rest.fill(line.last().copied().unwrap_or(128));
            }
            for (group, (values, masks)) in (0..groups).zip(&mut places) {
                transform(&strip, width, group, quantizer, values, masks);
            }
        }
        Channel { factor, groups, values, masks }
    }
}

impl Channel {
    /// How many there are.
    pub(super) fn coefficients(&self) -> usize {
        self.values.len() * 64 * LANES
    }

    /// The block in column `x` of row `y`.
    #[inline(always)]
    pub(super) fn block(&self, x: usize, y: usize) -> Option<Block<'_>> {
        let (index, lane) = (y * self.groups + x / LANES, x % LANES);
        Some(Block { group: self.values.get(index)?, lane, mask: self.masks.get(index)?[lane] })
    }
}

/// Eight blocks side by side in a strip of eight rows.
#[inline(always)]
fn transform(
    strip: &[u8],
    width: usize,
    group: usize,
    quantizer: &Quantizer,
    values: &mut [[i16; LANES]; 64],
    masks: &mut [u64; LANES],
) {
    // sums[y][u], then by columns.
    let mut sums = [[[0_f32; LANES]; 8]; 8];
    for (y, sums) in sums.iter_mut().enumerate() {
        let start = y * width + group * LANES * 8;
        let row = strip.get(start..start + LANES * 8).unwrap_or_default();
        let mut words = [0_u64; LANES];
        for (word, bytes) in words.iter_mut().zip(row.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let mut samples = [[0_f32; LANES]; 8];
        for (x, samples) in samples.iter_mut().enumerate() {
            *samples = std::array::from_fn(|lane| ((words[lane] >> (8 * x)) as u8 as i32 - 128) as f32);
        }
        *sums = fast(&samples);
    }
    let mut natural = [[0_f32; LANES]; 64];
    for u in 0..8 {
        let mut column = [[0_f32; LANES]; 8];
        for (column, sums) in column.iter_mut().zip(&sums) {
            *column = sums[u];
        }
        for (v, values) in fast(&column).into_iter().enumerate() {
            natural[v * 8 + u] = values;
        }
    }
    let mut not_zero = [0_u64; LANES];
    for (k, place) in ZIGZAG.into_iter().enumerate() {
        values[k] = quantize(&natural[usize::from(place & 63)], quantizer.factors[k]);
        for (mask, value) in not_zero.iter_mut().zip(values[k]) {
            *mask |= u64::from(value != 0) << k;
        }
    }
    *masks = not_zero;
}

/// Rounds to -1023..=1023, which is what baseline JPEG codes (ITU T.81 §F.1.2.2).
#[inline(always)]
fn quantize(values: &Lanes, factor: f32) -> [i16; LANES] {
    // Numbers of this size have no fraction: adding it rounds, and leaves the integer in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    std::array::from_fn(|lane| {
        let value = values[lane] * factor;
        let value = if value > -1023.0 { value } else { -1023.0 };
        let value = if value < 1023.0 { value } else { 1023.0 };
        (value + ROUND).to_bits() as i16
    })
}

#[inline(always)]
fn sum(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|lane| a[lane] + b[lane])
}

#[inline(always)]
fn difference(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|lane| a[lane] - b[lane])
}

#[inline(always)]
fn times(a: Lanes, factor: f32) -> Lanes {
    std::array::from_fn(|lane| a[lane] * factor)
}

/// Eight frequencies of eight samples, scaled (Arai, Agui, Nakajima 1988; as in Pennebaker & Mitchell, fig. 4-9).
#[inline(always)]
fn fast(s: &[Lanes; 8]) -> [Lanes; 8] {
    let ends = |i: usize| (sum(s[i], s[7 - i]), difference(s[i], s[7 - i]));
    let (a, b, c, d) = (ends(0), ends(1), ends(2), ends(3));
    // Even frequencies.
    let (t10, t13) = (sum(a.0, d.0), difference(a.0, d.0));
    let (t11, t12) = (sum(b.0, c.0), difference(b.0, c.0));
    let z1 = times(sum(t12, t13), std::f32::consts::FRAC_1_SQRT_2);
    // Odd frequencies.
    let (t10_odd, t11_odd, t12_odd) = (sum(d.1, c.1), sum(c.1, b.1), sum(b.1, a.1));
    let z5 = times(difference(t10_odd, t12_odd), 0.382_683_43);
    let z2 = sum(times(t10_odd, 0.541_196_1), z5);
    let z4 = sum(times(t12_odd, 1.306_563), z5);
    let z3 = times(t11_odd, std::f32::consts::FRAC_1_SQRT_2);
    let (z11, z13) = (sum(a.1, z3), difference(a.1, z3));
    [
        sum(t10, t11),
        sum(z11, z4),
        sum(t13, z1),
        difference(z13, z2),
        difference(t10, t11),
        sum(z13, z2),
        difference(t13, z1),
        difference(z11, z4),
    ]
}
