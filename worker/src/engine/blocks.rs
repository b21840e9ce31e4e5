//! Mean colours of squares, as `pixelate` and `redact` need them.

use image::Pixel;

use super::pixels::{Buffer, Sample, unweighted, weighted};

/// The mean colours of the squares in the rows `top..bottom` between the columns `left..right`, each `side` wide but
/// for the last. Weighted by alpha, so that what is invisible has no say.
pub(crate) fn means<P: Pixel>(
    buffer: &Buffer<P>,
    (left, right): (u32, u32),
    (top, bottom): (u32, u32),
    side: u32,
) -> Vec<[f32; 4]>
where
    P::Subpixel: Sample,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let side = side.max(1);
    let mut sums = vec![[0.0_f64; 4]; (right - left).div_ceil(side) as usize];
    for y in top..bottom {
        for x in left..right {
            let value = weighted(buffer.get_pixel(x, y).channels());
            if let Some(sum) = sums.get_mut(((x - left) / side) as usize) {
                sum.iter_mut().zip(value).for_each(|(sum, value)| *sum += f64::from(value));
            }
        }
    }
    let of = |(index, sum): (u32, [f64; 4])| {
        let wide = side.min(right - left - index * side);
        let count = f64::from(wide) * f64::from(bottom - top);
        unweighted::<P::Subpixel>(sum.map(|sum| (sum / count) as f32), channels)
    };
    (0..).zip(sums).map(of).collect()
}
