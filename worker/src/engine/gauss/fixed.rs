//! Blur of 8-bit samples in 16-bit arithmetic, where they are: twice as many samples an instruction as with floats.

use common::Failure;

use super::ring::{Ring, Term};
use crate::engine::{
    Stop,
    level::{Level, Work},
};

/// Fractional bits of a sample: two of them added up still fit into 16 bits.
const FRACTION: u32 = 7;

/// Weights are in 65536ths.
impl Term for u16 {
    #[inline(always)]
    fn times(self, weight: Self) -> Self {
        ((u32::from(self) * u32::from(weight)) >> 16) as Self
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

/// Blurs rows of `width` pixels of `channels` samples with the symmetric kernel of which `half` has the middle and what
/// is outwards of it.
///
/// # Errors
/// What `stop` says.
pub(super) fn blur(
    samples: &mut [u8],
    width: usize,
    channels: usize,
    half: &[f32],
    stop: &Stop,
) -> Result<(), Failure> {
    let stride = width * channels;
    let height = samples.len() / stride.max(1);
    if stride == 0 || height == 0 {
        return Ok(());
    }
    let level = Level::detect();
    // Every share is rounded down, by a half on average.
    let lost = (half.len() / 2) as u16;
    let mut ring = Ring::new(weights(half), lost, channels, stride, height);
    for y in 0..height {
        stop.check()?;
        level.run(BlurRow { ring: &mut ring, samples, stride, y });
    }
    Ok(())
}

/// Together 65536, but where one is all.
fn weights(half: &[f32]) -> Vec<u16> {
    let mut weights: Vec<u16> = half.iter().map(|weight| (weight * 65_536.0).round() as u16).collect();
    let outer: u32 = weights.iter().skip(1).map(|weight| 2 * u32::from(*weight)).sum();
    if let Some(middle) = weights.first_mut() {
        *middle = 65_536_u32.saturating_sub(outer).min(65_535) as u16;
    }
    weights
}

/// Blurs row `y`. The rows that later ones need are in the ring before they are overwritten.
struct BlurRow<'a> {
    ring: &'a mut Ring<u16>,
    samples: &'a mut [u8],
    stride: usize,
    y: usize,
}

impl Work for BlurRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { ring, samples, stride, y } = self;
        while let Some(next) = ring.next(y) {
            let from = samples.get(next * stride..(next + 1) * stride).unwrap_or_default();
            ring.load(|to| to.iter_mut().zip(from).for_each(|(to, from)| *to = u16::from(*from) << FRACTION));
        }
        ring.add_up(y);
        let to = samples.get_mut(y * stride..(y + 1) * stride).unwrap_or_default();
        for (to, from) in to.iter_mut().zip(&ring.row) {
            *to = ((from + (1 << (FRACTION - 1))) >> FRACTION).min(255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{fixtures, gauss::half_kernel};

    #[test]
    fn what_is_flat_stays_flat() {
        for sigma in [0.1, 0.3, 0.7, 1.0, 2.0, 5.5, 11.0, 19.9] {
            for value in 0..=255 {
                let mut samples = vec![value; 40 * 3];
                blur(&mut samples, 40, 1, &half_kernel(sigma), &fixtures::stop()).unwrap();
                assert!(samples.iter().all(|sample| *sample == value), "{value} at sigma {sigma}: {samples:?}");
            }
        }
    }
}
