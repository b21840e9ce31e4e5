//! `normalize`: the darkest tone becomes black, the lightest white.

use common::{Failure, recipe::Normalize};
use image::{DynamicImage, Pixel};

use super::{Context, Notes, tone};
use crate::engine::{
    Stop,
    pixels::{Buffer, Sample, each_buffer, has_alpha, luma_of},
};

pub(super) fn apply(
    step: &Normalize,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let share = f64::from(step.clip_percent) / 100.0;
    let range = each_buffer!(&image, buffer => histogram(buffer, context.stop).map(|counts| range(&counts, share)))?;
    let Some((low, high)) = range else {
        notes.ignored(format!("normalize ({path}): all tones are the same"));
        return Ok(image);
    };
    if (low, high) == (0.0, 1.0) {
        notes.ignored(format!("normalize ({path}): the whole range is used already"));
        return Ok(image);
    }
    notes.applied(format!("normalize from {:.0}..{:.0} of 255", low * 255.0, high * 255.0));
    tone::map(image, |value| (value - low) / (high - low))
}

/// How many visible pixels have each luma.
fn histogram<P: Pixel>(buffer: &Buffer<P>, stop: &Stop) -> Result<Vec<u64>, Failure>
where
    P::Subpixel: Sample,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let mut counts = vec![0; P::Subpixel::LEVELS];
    let stride = (buffer.width() as usize * channels).max(1);
    for row in buffer.as_raw().chunks_exact(stride) {
        stop.check()?;
        for pixel in row.chunks_exact(channels) {
            if has_alpha::<P>() && pixel.last().is_some_and(|alpha| alpha.float() == 0.0) {
                continue;
            }
            if let Some(count) = counts.get_mut(P::Subpixel::from_float(luma_of(pixel)).index()) {
                *count += 1;
            }
        }
    }
    Ok(counts)
}

/// The darkest and the lightest luma, from 0 to 1, once a share of the pixels is left out at either end.
fn range(counts: &[u64], share: f64) -> Option<(f32, f32)> {
    let out = (counts.iter().sum::<u64>() as f64 * share).floor() as u64;
    let low = beyond(counts.iter(), out)?;
    let high = counts.len() - 1 - beyond(counts.iter().rev(), out)?;
    let most = (counts.len() - 1) as f32;
    (low < high).then_some((low as f32 / most, high as f32 / most))
}

/// The first level at which more than `out` pixels are passed.
fn beyond<'a>(mut counts: impl Iterator<Item = &'a u64>, out: u64) -> Option<usize> {
    let mut seen = 0;
    counts.position(|count| {
        seen += count;
        seen > out
    })
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage};

    use crate::engine::fixtures;

    #[test]
    fn stretches_all_channels_by_the_range_of_the_luma() {
        // From 60 to 160 in each channel.
        let flat = RgbImage::from_fn(101, 7, |x, _| Rgb([60 + x as u8; 3]));
        let result = fixtures::run(flat.clone(), r#"[{"op":"normalize","clip_percent":0}]"#).into_rgb8();
        for (before, after) in flat.pixels().zip(result.pixels()) {
            let exact = (f64::from(before.0[0]) - 60.0) / 100.0 * 255.0;
            assert!((f64::from(after.0[0]) - exact).abs() <= 0.52);
        }
        // 10 percent of 101 columns at either end.
        let result = fixtures::run(flat, r#"[{"op":"normalize","clip_percent":10}]"#).into_rgb8();
        assert_eq!((result.get_pixel(10, 0).0[0], result.get_pixel(90, 0).0[0]), (0, 255));
        assert!(result.get_pixel(11, 0).0[0] > 0 && result.get_pixel(89, 0).0[0] < 255);
    }

    #[test]
    fn one_tone_and_nothing_visible_stay() {
        for image in [fixtures::photo(1, 1).into(), image::DynamicImage::new_rgba8(5, 5)] {
            assert_eq!(fixtures::run(image.clone(), r#"[{"op":"normalize"}]"#).into_bytes(), image.into_bytes());
        }
        let gray = GrayImage::from_fn(50, 2, |x, _| Luma([100 + x as u8]));
        let result = fixtures::run(gray, r#"[{"op":"normalize","clip_percent":0}]"#).into_luma8();
        assert_eq!((result.get_pixel(0, 0).0[0], result.get_pixel(49, 0).0[0]), (0, 255));
        let deep = ImageBuffer::<Luma<u16>, _>::from_fn(50, 2, |x, _| Luma([1000 + x as u16]));
        let result = fixtures::run(deep, r#"[{"op":"normalize","clip_percent":0}]"#).into_luma16();
        assert_eq!((result.get_pixel(0, 0).0[0], result.get_pixel(49, 0).0[0]), (0, 65_535));
    }
}
