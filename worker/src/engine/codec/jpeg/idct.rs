//! The inverse DCT (ITU T.81 §A.3.3) to N/8 of the size, N of 1, 2, 3, 4, 6 or 8 in each direction on its own: the
//! lowest N coefficients make N samples. Eight blocks at a time, one in each lane of a vector.

/// Blocks that are done together.
pub(super) const LANES: usize = 8;

type Lanes = [f32; LANES];

/// Samples that a block of 8 becomes, across and down: one of [`Scale::ALL`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Scale {
    pub(super) across: usize,
    pub(super) down: usize,
}

impl Scale {
    /// What there is code for: one side is at most twice the other.
    #[rustfmt::skip]
    const ALL: [(usize, usize); 18] = [
        (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (2, 4), (4, 2), (3, 3),
        (3, 6), (6, 3), (4, 4), (4, 8), (8, 4), (6, 6), (6, 8), (8, 6), (8, 8),
    ];

    /// The smallest that is at least `across` and `down`.
    pub(super) fn at_least(across: usize, down: usize) -> Self {
        let fits = |scale: &(usize, usize)| scale.0 >= across && scale.1 >= down;
        let best = Self::ALL.into_iter().filter(fits).min_by_key(|(across, down)| across * down);
        let (across, down) = best.unwrap_or((8, 8));
        Self { across, down }
    }
}

/// The coefficients of a row of blocks.
pub(super) struct Row<'a> {
    /// For each needed coefficient, in rows of frequencies, one of each block.
    pub(super) coefficients: &'a [i16],
    /// Blocks, a multiple of [`LANES`].
    pub(super) blocks: usize,
}

/// Makes the samples of a row of blocks: `scale.down` rows of `blocks * scale.across`.
#[inline(always)]
pub(super) fn inverse(row: &Row<'_>, scale: Scale, samples: &mut [u8]) {
    match (scale.across, scale.down) {
        (1, 1) => scaled::<1, 1>(row, samples),
        (1, 2) => scaled::<1, 2>(row, samples),
        (2, 1) => scaled::<2, 1>(row, samples),
        (2, 2) => scaled::<2, 2>(row, samples),
        (2, 3) => scaled::<2, 3>(row, samples),
        (3, 2) => scaled::<3, 2>(row, samples),
        (2, 4) => scaled::<2, 4>(row, samples),
        (4, 2) => scaled::<4, 2>(row, samples),
        (3, 3) => scaled::<3, 3>(row, samples),
        (3, 6) => scaled::<3, 6>(row, samples),
        (6, 3) => scaled::<6, 3>(row, samples),
        (4, 4) => scaled::<4, 4>(row, samples),
        (4, 8) => scaled::<4, 8>(row, samples),
        (8, 4) => scaled::<8, 4>(row, samples),
        (6, 6) => scaled::<6, 6>(row, samples),
        (6, 8) => scaled::<6, 8>(row, samples),
        (8, 6) => scaled::<8, 6>(row, samples),
        _ => whole(row, samples),
    }
}

/// What frequency `u` adds to sample `i` of `n`, times the root of n/8 that keeps the brightness.
fn basis<const N: usize>() -> [[f32; N]; N] {
    let n = N as f64;
    std::array::from_fn(|i| {
        std::array::from_fn(|u| {
            let norm = if u == 0 { 1.0 } else { std::f64::consts::SQRT_2 };
            let angle = (2 * i + 1) as f64 * u as f64 * std::f64::consts::PI / (2.0 * n);
            (norm * angle.cos() / 8_f64.sqrt()) as f32
        })
    })
}

#[inline(always)]
fn add_scaled(sum: &mut Lanes, values: &Lanes, factor: f32) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value * factor;
    }
}

/// The coefficients number `index` of eight blocks from `first` on.
#[inline(always)]
fn load(row: &Row<'_>, index: usize, first: usize) -> Lanes {
    let start = index * row.blocks + first;
    let values = row.coefficients.get(start..start + LANES).and_then(|values| values.first_chunk::<LANES>());
    // `map` on arrays is not inlined reliably, and then not compiled for what the machine has.
    values.map_or([0.0; LANES], |values| std::array::from_fn(|lane| f32::from(values[lane])))
}

/// Rounds to 0..=255, in the lowest byte; 128 is what the zero level stands for.
#[inline(always)]
fn to_samples(values: &Lanes) -> [u32; LANES] {
    // Numbers of this size have no fraction: adding it rounds, and leaves the integer in the lowest bits.
    const ROUND: f32 = 8_388_608.0;
    std::array::from_fn(|lane| {
        let value = values[lane] + 128.0;
        let value = if value > 0.0 { value } else { 0.0 };
        let value = if value < 255.0 { value } else { 255.0 };
        (value + ROUND).to_bits() & 0xff
    })
}

#[inline(always)]
fn scaled<const X: usize, const Y: usize>(row: &Row<'_>, samples: &mut [u8]) {
    let (across, down) = (basis::<X>(), basis::<Y>());
    for first in (0..row.blocks).step_by(LANES) {
        // Columns first: sums[y][u].
        let mut sums = [[[0_f32; LANES]; X]; Y];
        #[expect(clippy::needless_range_loop, reason = "u is the inner index of sums")]
        for u in 0..X {
            let mut column = [[0_f32; LANES]; Y];
            for (v, values) in column.iter_mut().enumerate() {
                *values = load(row, v * X + u, first);
            }
            // Even frequencies are the same from both ends, odd ones of opposite sign.
            for y in 0..Y.div_ceil(2) {
                let (mut even, mut odd) = ([0_f32; LANES], [0_f32; LANES]);
                for v in (0..Y).step_by(2) {
                    add_scaled(&mut even, &column[v], down[y][v]);
                }
                for v in (1..Y).step_by(2) {
                    add_scaled(&mut odd, &column[v], down[y][v]);
                }
                for lane in 0..LANES {
                    sums[Y - 1 - y][u][lane] = even[lane] - odd[lane];
                    sums[y][u][lane] = even[lane] + odd[lane];
                }
            }
        }
        for (y, frequencies) in sums.iter().enumerate() {
            let mut out = [[0_u32; LANES]; X];
            for x in 0..X.div_ceil(2) {
                let (mut even, mut odd) = ([0_f32; LANES], [0_f32; LANES]);
                for u in (0..X).step_by(2) {
                    add_scaled(&mut even, &frequencies[u], across[x][u]);
                }
                for u in (1..X).step_by(2) {
                    add_scaled(&mut odd, &frequencies[u], across[x][u]);
                }
                let (mut right, mut left) = ([0_f32; LANES], [0_f32; LANES]);
                for lane in 0..LANES {
                    right[lane] = even[lane] - odd[lane];
                    left[lane] = even[lane] + odd[lane];
                }
                out[X - 1 - x] = to_samples(&right);
                out[x] = to_samples(&left);
            }
            store(&out, samples, (y * row.blocks + first) * X);
        }
    }
}

/// Writes the samples of eight blocks, `X` of each, side by side.
#[inline(always)]
fn store<const X: usize>(values: &[[u32; LANES]; X], samples: &mut [u8], start: usize) {
    let Some(to) = samples.get_mut(start..start + LANES * X) else { return };
    match X {
        4 => {
            for (lane, to) in to.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let at = |x: usize| values[x % X][lane] << (8 * x);
                *to = (at(0) | at(1) | at(2) | at(3)).to_le_bytes();
            }
        }
        2 => {
            for (lane, to) in to.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                *to = ((values[0][lane] | values[1 % X][lane] << 8) as u16).to_le_bytes();
            }
        }
        8 => {
            for (lane, to) in to.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                let at = |x: usize| values[x % X][lane] << (8 * (x % 4));
                let (low, high) = (at(0) | at(1) | at(2) | at(3), at(4) | at(5) | at(6) | at(7));
                *to = (u64::from(low) | u64::from(high) << 32).to_le_bytes();
            }
        }
        _ => {
            for (lane, to) in to.chunks_exact_mut(X).enumerate() {
                for (to, values) in to.iter_mut().zip(values) {
                    *to = values[lane] as u8;
                }
            }
        }
    }
}

/// Scale factors of the fast DCT, times 1/√8.
fn fast_factors() -> [f32; 8] {
    std::array::from_fn(|u| {
        let norm = if u == 0 { 1.0 } else { std::f64::consts::SQRT_2 };
        (norm * (u as f64 * std::f64::consts::PI / 16.0).cos() / 8_f64.sqrt()) as f32
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

/// Eight samples from eight scaled frequencies (Arai, Agui, Nakajima 1988; as in Pennebaker & Mitchell, fig. 4-8).
#[inline(always)]
fn fast(c: &[Lanes; 8]) -> [Lanes; 8] {
    let (t10, t11) = (sum(c[0], c[4]), difference(c[0], c[4]));
    let t13 = sum(c[2], c[6]);
    let t12 = difference(times(difference(c[2], c[6]), std::f32::consts::SQRT_2), t13);
    let (e0, e3, e1, e2) = (sum(t10, t13), difference(t10, t13), sum(t11, t12), difference(t11, t12));
    let (z13, z10) = (sum(c[5], c[3]), difference(c[5], c[3]));
    let (z11, z12) = (sum(c[1], c[7]), difference(c[1], c[7]));
    let o7 = sum(z11, z13);
    let t11 = times(difference(z11, z13), std::f32::consts::SQRT_2);
    let z5 = times(sum(z10, z12), 1.847_759_1);
    let o6 = difference(difference(z5, times(z10, 2.613_126)), o7);
    let o5 = difference(t11, o6);
    let o4 = difference(difference(z5, times(z12, 1.082_392_2)), o5);
    [
        sum(e0, o7),
        sum(e1, o6),
        sum(e2, o5),
        sum(e3, o4),
        difference(e3, o4),
        difference(e2, o5),
        difference(e1, o6),
        difference(e0, o7),
    ]
}

#[inline(always)]
fn whole(row: &Row<'_>, samples: &mut [u8]) {
    let factors = fast_factors();
    for first in (0..row.blocks).step_by(LANES) {
        let mut sums = [[[0_f32; LANES]; 8]; 8];
        for u in 0..8 {
            let mut column = [[0_f32; LANES]; 8];
            for (v, column) in column.iter_mut().enumerate() {
                *column = times(load(row, v * 8 + u, first), factors[u] * factors[v]);
            }
            for (sums, values) in sums.iter_mut().zip(fast(&column)) {
                sums[u] = values;
            }
        }
        for (y, frequencies) in sums.iter().enumerate() {
            let mut out = [[0_u32; LANES]; 8];
            for (out, values) in out.iter_mut().zip(&fast(frequencies)) {
                *out = to_samples(values);
            }
            store(&out, samples, (y * row.blocks + first) * 8);
        }
    }
}
