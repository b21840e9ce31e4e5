//! What `emboss` and `edge` have in common: each pixel is made from itself and its eight neighbours.

use common::Failure;
use image::{DynamicImage, Pixel};

use crate::engine::{
    Stop,
    pixels::{Buffer, Sample, has_alpha},
};

/// The weights of a pixel and its neighbours, row by row.
pub(super) type Kernel = [f32; 9];

/// Makes every colour sample from the nine around it; alpha stays. Beyond the edge the picture goes on with its
/// outermost pixels. A neighbour counts as far as it is visible; the rest of it looks as the pixel itself, so that
/// invisible colours make no lines.
pub(super) fn map<P: Pixel>(
    source: &Buffer<P>,
    stop: &Stop,
    make: impl Fn(&Kernel, f32) -> f32,
) -> Result<Buffer<P>, Failure>
where
    P::Subpixel: Sample,
    DynamicImage: From<Buffer<P>>,
{
    let mut result = source.clone();
    let channels = usize::from(P::CHANNEL_COUNT);
    let colors = if has_alpha::<P>() { channels - 1 } else { channels };
    let (width, height) = source.dimensions();
    let stride = (width as usize * channels).max(1);
    for (y, row) in (0..height).zip(result.chunks_exact_mut(stride)) {
        stop.check()?;
        let lines = [y.saturating_sub(1), y, (y + 1).min(height - 1)];
        for (x, pixel) in (0..width).zip(row.chunks_exact_mut(channels)) {
            let columns = [x.saturating_sub(1), x, (x + 1).min(width - 1)];
            for (channel, sample) in pixel.iter_mut().enumerate().take(colors) {
                let own = sample.float();
                let mut around = [own; 9];
                let places = lines.iter().flat_map(|y| columns.iter().map(move |x| (*x, *y)));
                for (to, (x, y)) in around.iter_mut().zip(places) {
                    let there = source.get_pixel(x, y).channels();
                    let seen = if has_alpha::<P>() { there.last().map_or(1.0, visible) } else { 1.0 };
                    let value = there.get(channel).map_or(own, |value| value.float());
                    *to = own + (value - own) * seen;
                }
                *sample = P::Subpixel::from_float(make(&around, P::Subpixel::MAX));
            }
        }
    }
    Ok(result)
}

fn visible<T: Sample>(alpha: &T) -> f32 {
    alpha.float() / T::MAX
}

/// The sum of all nine, each times its weight.
pub(super) fn sum(around: &Kernel, weights: &Kernel) -> f32 {
    around.iter().zip(weights).map(|(value, weight)| value * weight).sum()
}
