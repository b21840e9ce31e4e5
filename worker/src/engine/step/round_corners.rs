//! `round_corners`: quarters of a circle, with smooth edges.

use common::{
    Failure,
    recipe::{Color, RoundCorners},
};
use image::{DynamicImage, Pixel};

use super::{Context, Notes};
use crate::engine::{
    Stop,
    pixels::{Buffer, Sample, able_to_show, each_buffer},
};

pub(super) fn apply(
    step: &RoundCorners,
    image: DynamicImage,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let most = (image.width().min(image.height()) as f32 / 2.0).max(0.5);
    let radius = (step.radius as f32).min(most);
    notes.applied(format!("round_corners radius {radius}"));
    let mut image = able_to_show(image, Color::TRANSPARENT);
    each_buffer!(&mut image, buffer => cut(buffer, radius, context.stop))?;
    Ok(image)
}

fn cut<P: Pixel>(buffer: &mut Buffer<P>, radius: f32, stop: &Stop) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let (width, height) = buffer.dimensions();
    let reach = radius.ceil() as u32;
    // How far a pixel's middle is from where the corners' circles begin.
    let beyond = |at: u32, side: u32| {
        let middle = at as f32 + 0.5;
        (radius - middle).max(middle - (side as f32 - radius)).max(0.0)
    };
    for y in (0..height).filter(|y| *y < reach || *y >= height.saturating_sub(reach)) {
        stop.check()?;
        let dy = beyond(y, height);
        for x in (0..width.min(reach)).chain(width.saturating_sub(reach).max(width.min(reach))..width) {
            let far = beyond(x, width).hypot(dy);
            let covered = (radius - far + 0.5).clamp(0.0, 1.0);
            if covered < 1.0
                && dy > 0.0
                && let Some(alpha) = buffer.get_pixel_mut(x, y).channels_mut().last_mut()
            {
                *alpha = P::Subpixel::from_float(alpha.float() * covered);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use image::ColorType;

    use crate::engine::fixtures;

    #[test]
    fn covers_what_a_circle_covers() {
        let photo = fixtures::photo(61, 41);
        let result = fixtures::run(photo.clone(), r#"[{"op":"round_corners","radius":17}]"#).into_rgba8();
        let mut worst: f64 = 0.0;
        let mut sum = 0.0;
        for (x, y, pixel) in result.enumerate_pixels() {
            // 16 x 16 points a pixel.
            let inside = |px: f64, py: f64| {
                let dx = (17.0 - px).max(px - 44.0).max(0.0);
                let dy = (17.0 - py).max(py - 24.0).max(0.0);
                dx.hypot(dy) <= 17.0
            };
            let points = (0..256).filter(|at| {
                let (i, j) = (f64::from(at % 16) + 0.5, f64::from(at / 16) + 0.5);
                inside(f64::from(x) + i / 16.0, f64::from(y) + j / 16.0)
            });
            let off = (f64::from(pixel.0[3]) / 255.0 - points.count() as f64 / 256.0).abs();
            worst = worst.max(off);
            sum += off;
            assert_eq!(pixel.0[..3], photo.get_pixel(x, y).0);
        }
        let mean = sum / f64::from(61 * 41);
        assert!(worst < 0.13 && mean < 0.002, "worst {worst}, mean {mean}");
    }

    #[test]
    fn any_radius_goes_with_any_size() {
        for (width, height) in [(1, 1), (2, 1), (1, 30), (7, 7), (8, 30)] {
            for radius in [1, 3, 16_384] {
                let step = format!(r#"[{{"op":"round_corners","radius":{radius}}}]"#);
                let result = fixtures::run(fixtures::photo(width, height), &step).into_rgba8();
                assert_eq!(result.get_pixel(width / 2, height / 2).0[3], 255, "{width}x{height} {radius}");
            }
        }
        assert_eq!(
            fixtures::run(fixtures::deep(9, 9), r#"[{"op":"round_corners","radius":4}]"#).color(),
            ColorType::Rgba16
        );
    }

    #[test]
    fn transparency_stays() {
        let result = fixtures::run(fixtures::disc(40), r#"[{"op":"round_corners","radius":5}]"#).into_rgba8();
        assert_eq!(result.get_pixel(20, 0).0[3], 0);
        assert_eq!(result.get_pixel(20, 20).0, [255, 0, 0, 255]);
    }
}
