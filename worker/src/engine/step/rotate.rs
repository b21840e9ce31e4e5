//! `rotate`: quarter turns exactly, other angles by bicubic interpolation on a canvas that holds the whole picture.

use common::{
    Failure,
    recipe::{Color, Rotate},
};
use image::{DynamicImage, ImageBuffer, Pixel};

use super::{Context, Notes};
use crate::engine::{
    Stop,
    limits::Size,
    orient,
    pixels::{Buffer, Sample, able_to_show, each_buffer, pixel_of, unexpected, unweighted, weighted},
};

/// What a rotation comes to.
enum Turn {
    None,
    /// By an exact quarter: an EXIF orientation.
    Quarter(u8),
    /// By any angle, in radians.
    Free(f64),
}

fn turn(step: &Rotate) -> Turn {
    let angle = f64::from(step.angle_degrees).rem_euclid(360.0);
    if angle == 0.0 {
        Turn::None
    } else if angle == 90.0 {
        Turn::Quarter(orient::RIGHT)
    } else if angle == 180.0 {
        Turn::Quarter(orient::HALF)
    } else if angle == 270.0 {
        Turn::Quarter(orient::LEFT)
    } else {
        Turn::Free(angle.to_radians())
    }
}

pub(super) fn size_after(step: &Rotate, from: Size) -> Size {
    match turn(step) {
        Turn::None => from,
        Turn::Quarter(orientation) if orient::swaps_sides(orientation) => from.swapped(),
        Turn::Quarter(_) => from,
        Turn::Free(angle) => canvas(from, angle),
    }
}

/// The smallest canvas that holds the turned picture.
fn canvas(from: Size, angle: f64) -> Size {
    let (sin, cos) = (angle.sin().abs(), angle.cos().abs());
    let (w, h) = (f64::from(from.width), f64::from(from.height));
    // A hair less, so that rounding errors do not add a row of nothing.
    let side = |length: f64| ((length - 1e-3).ceil() as u32).max(1);
    Size::new(side(w * cos + h * sin), side(w * sin + h * cos))
}

/// The turn as an EXIF orientation, told; `None` where pixels must be made anew.
pub(crate) fn decide(step: &Rotate, path: &str, notes: &mut Notes) -> Option<u8> {
    let angle = step.angle_degrees;
    match turn(step) {
        Turn::None => {
            notes.ignored(format!("rotate ({path}): {angle} degrees change nothing"));
            Some(1)
        }
        Turn::Quarter(orientation) => {
            notes.applied(format!("rotate {angle} degrees"));
            Some(orientation)
        }
        Turn::Free(_) => None,
    }
}

pub(super) fn apply(
    step: &Rotate,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if let Some(orientation) = decide(step, path, notes) {
        return orient::turned(image, orientation, context.stop);
    }
    let Turn::Free(radians) = turn(step) else { return Ok(image) };
    let filling = context.filling(step.background);
    let size = canvas(Size::new(image.width(), image.height()), radians);
    let result = each_buffer!(
        able_to_show(image, filling),
        buffer => free(&buffer, radians, size, filling, context.stop).map(DynamicImage::from)
    )?;
    notes.applied(format!("rotate {} degrees -> {size}", step.angle_degrees));
    Ok(result)
}

fn free<P: Pixel>(source: &Buffer<P>, angle: f64, size: Size, filling: Color, stop: &Stop) -> Result<Buffer<P>, Failure>
where
    P::Subpixel: Sample,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let (sin, cos) = angle.sin_cos();
    let (half_w, half_h) = (f64::from(source.width()) / 2.0, f64::from(source.height()) / 2.0);
    let (mid_x, mid_y) = (f64::from(size.width) / 2.0, f64::from(size.height) / 2.0);
    let under = weighted(pixel_of::<P>(filling).channels());
    let mut samples: Vec<P::Subpixel> = Vec::with_capacity(size.width as usize * size.height as usize * channels);
    for y in 0..size.height {
        stop.check()?;
        let dy = f64::from(y) + 0.5 - mid_y;
        for x in 0..size.width {
            let dx = f64::from(x) + 0.5 - mid_x;
            // Back by the angle: where in the source this pixel comes from.
            let u = dx * cos + dy * sin + half_w - 0.5;
            let v = dy * cos - dx * sin + half_h - 0.5;
            let (sum, covered) = sample(source, u, v);
            let mut pixel = [0.0; 4];
            for ((pixel, sum), under) in pixel.iter_mut().zip(sum).zip(under) {
                *pixel = sum + under * (1.0 - covered);
            }
            put::<P>(pixel, &mut samples);
        }
    }
    ImageBuffer::from_raw(size.width, size.height, samples)
        .ok_or_else(|| unexpected("a rotated picture of another size"))
}

/// The opposite of [`weighted`], appended to `samples`.
fn put<P: Pixel>(pixel: [f32; 4], samples: &mut Vec<P::Subpixel>)
where
    P::Subpixel: Sample,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let pixel = unweighted::<P::Subpixel>(pixel, channels);
    samples.extend(pixel.iter().take(channels).map(|value| P::Subpixel::from_float(*value)));
}

/// The weighted sum of the 16 pixels around (u, v), and how much of it lies inside the picture.
fn sample<P: Pixel>(source: &Buffer<P>, u: f64, v: f64) -> ([f32; 4], f32)
where
    P::Subpixel: Sample,
{
    let (left, top) = (u.floor(), v.floor());
    let (wide, high) = (i64::from(source.width()), i64::from(source.height()));
    let (left_at, top_at) = (left as i64, top as i64);
    let mut sum = [0.0; 4];
    if left_at < -2 || top_at < -2 || left_at > wide || top_at > high {
        return (sum, 0.0);
    }
    let across = cubic((u - left) as f32);
    let down = cubic((v - top) as f32);
    let mut covered = 0.0;
    for (row, weight_y) in (top_at - 1..).zip(down) {
        let Ok(y) = u32::try_from(row) else { continue };
        for (column, weight_x) in (left_at - 1..).zip(across) {
            let Ok(x) = u32::try_from(column) else { continue };
            let Some(pixel) = source.get_pixel_checked(x, y) else { continue };
            let weight = weight_x * weight_y;
            covered += weight;
            for (sum, value) in sum.iter_mut().zip(weighted(pixel.channels())) {
                *sum += value * weight;
            }
        }
    }
    (sum, covered.clamp(0.0, 1.0))
}

/// Catmull-Rom weights of the four neighbours at a fraction of a pixel.
fn cubic(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [-0.5 * t + t2 - 0.5 * t3, 1.0 - 2.5 * t2 + 1.5 * t3, 0.5 * t + 2.0 * t2 - 1.5 * t3, -0.5 * t2 + 0.5 * t3]
}

#[cfg(test)]
mod tests {
    use common::Format;
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::engine::fixtures;

    #[test]
    fn quarter_turns_are_exact_and_clockwise() {
        let photo = fixtures::photo(50, 30);
        let right = fixtures::run(photo.clone(), r#"[{"op":"rotate","angle_degrees":90}]"#).into_rgb8();
        assert_eq!(right.dimensions(), (30, 50));
        // The top left corner has gone to the top right.
        assert_eq!(right.get_pixel(29, 0), photo.get_pixel(0, 0));
        for (steps, reference) in [
            (r#"[{"op":"rotate","angle_degrees":-90}]"#, image::imageops::rotate270(&photo)),
            (r#"[{"op":"rotate","angle_degrees":180}]"#, image::imageops::rotate180(&photo)),
            (r#"[{"op":"rotate","angle_degrees":360}]"#, photo.clone()),
            (r#"[{"op":"rotate","angle_degrees":90},{"op":"rotate","angle_degrees":270}]"#, photo.clone()),
        ] {
            assert_eq!(fixtures::run(photo.clone(), steps).into_rgb8(), reference, "{steps}");
        }
    }

    #[test]
    fn other_angles_grow_the_canvas_and_fill_the_corners() {
        let flat = RgbImage::from_pixel(100, 60, Rgb([200, 100, 50]));
        let turned = r#"[{"op":"rotate","angle_degrees":45}]"#;
        // 100 cos 45° + 60 sin 45° = 113.1
        let result = fixtures::run(flat.clone(), turned).into_rgba8();
        assert_eq!(result.dimensions(), (114, 114));
        assert_eq!(result.get_pixel(0, 0).0[3], 0, "transparent where the output can hold it");
        assert_eq!(result.get_pixel(57, 57).0, [200, 100, 50, 255]);
        // Half-covered pixels at the edge have the colour of the picture, not a dark one.
        assert!(
            result.pixels().filter(|p| p.0[3] > 20).all(|p| p.0[0].abs_diff(200) <= 3 && p.0[1].abs_diff(100) <= 3)
        );

        let bytes = fixtures::transform(&fixtures::png(flat.clone()), turned, Some(Format::Bmp)).unwrap().bytes;
        assert_eq!(fixtures::decoded(&bytes).into_rgba8().get_pixel(0, 0).0[3], 0);
        let bytes = fixtures::transform(&fixtures::png(flat.clone()), turned, Some(Format::Jpeg)).unwrap().bytes;
        let white = fixtures::decoded(&bytes).into_rgb8();
        assert!(white.get_pixel(0, 0).0.iter().all(|value| *value > 250), "white where it cannot");

        let blue = r##"[{"op":"rotate","angle_degrees":45,"background":"#0000ff"}]"##;
        let result = fixtures::run(flat, blue);
        assert!(!result.color().has_alpha());
        assert_eq!(result.into_rgb8().get_pixel(113, 0).0, [0, 0, 255]);
    }

    #[test]
    fn there_and_back_again_is_nearly_the_same() {
        let photo = fixtures::photo(120, 90);
        let steps = r#"[{"op":"rotate","angle_degrees":20},{"op":"rotate","angle_degrees":-20},{"op":"crop","width":100,"height":70}]"#;
        let back = fixtures::run(photo.clone(), steps).into_rgb8().into();
        let middle = DynamicImage::from(photo).crop_imm(10, 10, 100, 70);
        // The canvas grows unevenly by a pixel, so the middle may be half a pixel off.
        assert!(fixtures::psnr(&back, &middle) > 30.0, "{}", fixtures::psnr(&back, &middle));
    }
}
