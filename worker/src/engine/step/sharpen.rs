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

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use crate::engine::fixtures;

    #[test]
    fn is_the_picture_and_its_difference_to_the_blurred_one() {
        let source = fixtures::photo(80, 60);
        let soft = fixtures::run(source.clone(), r#"[{"op":"blur","sigma":2}]"#).into_rgb8();
        let sharp = fixtures::run(source.clone(), r#"[{"op":"sharpen","sigma":2,"amount":1.5}]"#).into_rgb8();
        for ((sharp, before), soft) in sharp.iter().zip(source.iter()).zip(soft.iter()) {
            let expected = f32::from(*before) + 1.5 * (f32::from(*before) - f32::from(*soft));
            assert!((f32::from(*sharp) - expected.clamp(0.0, 255.0)).abs() <= 1.5);
        }
    }

    #[test]
    fn edges_grow_and_flat_areas_stay() {
        let edge = GrayImage::from_fn(60, 20, |x, _| Luma([if x < 30 { 100 } else { 150 }]));
        let sharp = fixtures::run(edge, r#"[{"op":"sharpen"}]"#).into_luma8();
        assert_eq!(sharp.get_pixel(5, 10).0, [100]);
        assert_eq!(sharp.get_pixel(55, 10).0, [150]);
        assert!(sharp.get_pixel(29, 10).0[0] < 95 && sharp.get_pixel(30, 10).0[0] > 155);
    }

    #[test]
    fn alpha_stays_and_no_halo_appears() {
        let disc = fixtures::disc(60);
        let sharp = fixtures::run(disc.clone(), r#"[{"op":"sharpen","sigma":3,"amount":4}]"#).into_rgba8();
        for (sharp, before) in sharp.pixels().zip(disc.pixels()).filter(|(_, before)| before.0[3] > 0) {
            assert_eq!(sharp, before);
        }
    }
}
