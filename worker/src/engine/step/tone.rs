//! What `brightness`, `contrast`, `gamma` and their like have in common: one curve for every colour channel.

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

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Luma, Rgba, RgbaImage};

    use crate::engine::fixtures;

    #[test]
    fn formulas_hold_for_every_value_and_leave_alpha_alone() {
        let all = RgbaImage::from_fn(256, 2, |x, y| Rgba([x as u8, 255 - x as u8, 7, if y == 0 { 255 } else { 40 }]));
        for factor in [0.0_f32, 0.5, 1.7, 10.0] {
            for (op, curve) in
                [("brightness", (|v, f| v * f) as fn(f32, f32) -> f32), ("contrast", |v, f| (v - 0.5) * f + 0.5)]
            {
                let step = format!(r#"[{{"op":"{op}","factor":{factor}}}]"#);
                let result = fixtures::run(all.clone(), &step).into_rgba8();
                for (before, after) in all.pixels().zip(result.pixels()) {
                    assert_eq!(before.0[3], after.0[3]);
                    for channel in 0..3 {
                        let exact = curve(f32::from(before.0[channel]) / 255.0, factor).clamp(0.0, 1.0) * 255.0;
                        assert!(
                            (f32::from(after.0[channel]) - exact).abs() <= 0.51,
                            "{op} {factor} {before:?} {after:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn invert_gamma_and_posterize_are_their_formulas() {
        let all = RgbaImage::from_fn(256, 2, |x, y| Rgba([x as u8, 255 - x as u8, 7, if y == 0 { 255 } else { 40 }]));
        for (step, curve) in [
            (r#"[{"op":"invert"}]"#, (|v| 1.0 - v) as fn(f64) -> f64),
            (r#"[{"op":"gamma","gamma":2.2}]"#, |v| v.powf(1.0 / 2.2)),
            (r#"[{"op":"gamma","gamma":0.5}]"#, |v| v * v),
            (r#"[{"op":"posterize","levels":2}]"#, f64::round),
            (r#"[{"op":"posterize","levels":5}]"#, |v| (v * 4.0).round() / 4.0),
        ] {
            let result = fixtures::run(all.clone(), step).into_rgba8();
            for (before, after) in all.pixels().zip(result.pixels()) {
                assert_eq!(before.0[3], after.0[3]);
                for channel in 0..3 {
                    let exact = curve(f64::from(before.0[channel]) / 255.0) * 255.0;
                    assert!((f64::from(after.0[channel]) - exact).abs() <= 0.51, "{step} {before:?} {after:?}");
                }
            }
        }
        let twice = fixtures::run(fixtures::deep(9, 7), r#"[{"op":"invert"},{"op":"invert"}]"#);
        assert_eq!(twice, fixtures::deep(9, 7));
    }

    #[test]
    fn sixteen_bits_stay_fine() {
        let ramp = ImageBuffer::<Luma<u16>, _>::from_fn(1000, 1, |x, _| Luma([x as u16]));
        let result = fixtures::run(ramp, r#"[{"op":"brightness","factor":2}]"#).into_luma16();
        assert!(result.enumerate_pixels().all(|(x, _, pixel)| pixel.0[0] == 2 * x as u16));
    }
}
