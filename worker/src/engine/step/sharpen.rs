//! `sharpen`: unsharp mask. Colours move away from their blurred surroundings, alpha stays.

use common::{Failure, recipe::Sharpen};
use image::{DynamicImage, Pixel};

use super::{Context, Notes};
use crate::engine::{
    Stop, gauss,
    pixels::{Buffer, Sample, each_buffer, has_alpha},
};

pub(super) fn apply(
    step: &Sharpen,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if step.amount == 0.0 {
        notes.ignored(format!("sharpen ({path}): an amount of 0 changes nothing"));
        return Ok(image);
    }
    notes.applied(format!("sharpen sigma {} amount {}", step.sigma, step.amount));
    each_buffer!(&image, buffer => sharpened(buffer, step, context.stop).map(DynamicImage::from))
}

fn sharpened<P: Pixel>(source: &Buffer<P>, step: &Sharpen, stop: &Stop) -> Result<Buffer<P>, Failure>
where
    P::Subpixel: Sample,
    DynamicImage: From<Buffer<P>>,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let stride = source.width() as usize * channels;
    let colors = if has_alpha::<P>() { channels - 1 } else { channels };
    let mut result = source.clone();
    gauss::rows(source, step.sigma, stop, |y, soft| {
        let Some(row) = result.get_mut(y * stride..(y + 1) * stride) else { return };
        for (pixel, soft) in row.chunks_exact_mut(channels).zip(soft.chunks_exact(channels)) {
            for (sample, soft) in pixel.iter_mut().zip(soft).take(colors) {
                let value = sample.float();
                *sample = P::Subpixel::from_float(value + step.amount * (value - soft));
            }
        }
    })?;
    Ok(result)
}
