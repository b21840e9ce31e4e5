//! What `brightness` and `contrast` have in common: one curve for every colour channel.

use common::Failure;
use image::{DynamicImage, Pixel};

use crate::engine::pixels::{Buffer, Sample, each_buffer, has_alpha};

/// Sends every colour sample through `curve`, from and to 0..=1; alpha stays.
pub(super) fn map(mut image: DynamicImage, curve: impl Fn(f32) -> f32) -> Result<DynamicImage, Failure> {
    each_buffer!(&mut image, buffer => {
        through(buffer, &curve);
        Ok(())
    })?;
    Ok(image)
}

fn through<P: Pixel>(buffer: &mut Buffer<P>, curve: &impl Fn(f32) -> f32)
where
    P::Subpixel: Sample,
{
    // Every value there is, once: cheaper than once for every pixel.
    let max = P::Subpixel::MAX;
    let table: Vec<P::Subpixel> =
        (0..P::Subpixel::LEVELS).map(|level| P::Subpixel::from_float(curve(level as f32 / max) * max)).collect();
    let channels = usize::from(P::CHANNEL_COUNT);
    let colors = if has_alpha::<P>() { channels - 1 } else { channels };
    for pixel in buffer.chunks_exact_mut(channels) {
        for sample in pixel.iter_mut().take(colors) {
            if let Some(mapped) = table.get(sample.index()) {
                *sample = *mapped;
            }
        }
    }
}
