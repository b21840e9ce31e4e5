//! `watermark`: another picture on top.

use common::{Failure, recipe::Watermark};
use image::{DynamicImage, Pixel, Rgba, RgbaImage};

use super::{Context, Notes, resize};
use crate::engine::{
    Stop,
    limits::Size,
    pixels::{Buffer, Sample, able_to_take, each_buffer, narrow, over, pixel_of, unexpected},
};

pub(super) fn apply(
    step: &Watermark,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if step.opacity == 0.0 {
        notes.ignored(format!("watermark ({path}): an opacity of 0 shows nothing"));
        return Ok(image);
    }
    let other = context.other.ok_or_else(|| unexpected("a watermark without a picture"))?;
    let mark = other.decode(context.stop, notes)?;
    let size = Size::new(image.width(), image.height());
    let mark_size = scaled(Size::new(mark.width(), mark.height()), size, step);
    let colored = mark.color().has_color();
    let mark = resize::scaled(&mark, mark_size, context.stop)?;
    let mark = narrow(mark).into_rgba8();
    let mut image = if colored { able_to_take(image, super::matrix::RED) } else { image };
    let places = places(size, mark_size, step);
    notes.applied(format!("watermark {mark_size}, {} time(s)", places.len()));
    each_buffer!(&mut image, buffer => {
        places.iter().try_for_each(|at| lay(buffer, &mark, *at, step.opacity, context.stop))
    })?;
    Ok(image)
}

/// The size of the mark: a share of the picture's width, its aspect kept, never beyond the margins where they leave room.
fn scaled(mark: Size, picture: Size, step: &Watermark) -> Size {
    let room = |side: u32| {
        let left = side.saturating_sub(step.margin.saturating_mul(2));
        f64::from(if left > 0 { left } else { side })
    };
    let wanted = f64::from(picture.width) * step.scale;
    let scale = (wanted / f64::from(mark.width))
        .min(room(picture.width) / f64::from(mark.width))
        .min(room(picture.height) / f64::from(mark.height));
    let side = |length: u32, most: u32| ((f64::from(length) * scale).round() as u32).clamp(1, most.max(1));
    Size::new(side(mark.width, picture.width), side(mark.height, picture.height))
}

/// Where the mark goes: left and top.
fn places(picture: Size, mark: Size, step: &Watermark) -> Vec<(u32, u32)> {
    let (across, down) = (picture.width - mark.width, picture.height - mark.height);
    if step.tile {
        let each = |side: u32| side.saturating_add(step.margin).max(1) as usize;
        let column = || (0..picture.width).step_by(each(mark.width));
        return (0..picture.height).step_by(each(mark.height)).flat_map(|y| column().map(move |x| (x, y))).collect();
    }
    let (gx, gy) = step.gravity.fractions();
    let at = |spare: u32, gravity: f64| {
        // Where the margins do not fit, the mark is in the middle of what there is.
        let margin = step.margin.min(spare / 2);
        margin + (f64::from(spare - 2 * margin) * gravity).round() as u32
    };
    vec![(at(across, gx), at(down, gy))]
}

fn lay<P: Pixel>(
    buffer: &mut Buffer<P>,
    mark: &RgbaImage,
    (left, top): (u32, u32),
    opacity: f32,
    stop: &Stop,
) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let (width, height) = buffer.dimensions();
    for (y, row) in (top..height).zip(mark.rows()) {
        stop.check()?;
        for (x, Rgba(rgba)) in (left..width).zip(row) {
            let mut paint = [0.0; 4];
            let color = pixel_of::<P>(common::recipe::Color { rgba: *rgba });
            paint.iter_mut().zip(color.channels()).for_each(|(to, from)| *to = from.float());
            over(buffer.get_pixel_mut(x, y).channels_mut(), paint, f32::from(rgba[3]) / 255.0 * opacity);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use common::FailureKind;
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::engine::{Options, fixtures};

    fn marked(image: impl Into<DynamicImage>, mark: Vec<u8>, step: &str) -> Result<DynamicImage, Failure> {
        let recipe = fixtures::recipe(&format!(r#"[{{"op":"watermark","image":"mark",{step}}}]"#), None);
        let others = [Arc::from(mark)];
        let input = fixtures::png(image);
        let made =
            fixtures::engine().transform_with(&input, &others, &recipe, &Options::default(), &fixtures::stop())?;
        Ok(fixtures::decoded(&made.bytes))
    }

    #[test]
    fn sits_where_gravity_says_and_is_as_large_as_scale_says() {
        let white = RgbImage::from_pixel(200, 100, Rgb([255; 3]));
        let mark = fixtures::png(RgbImage::from_pixel(20, 10, Rgb([0, 0, 255])));
        for (gravity, left, top) in
            [("south_east", 155, 75), ("north_west", 5, 5), ("center", 80, 40), ("east", 155, 40)]
        {
            let step = format!(r#""gravity":"{gravity}","scale":0.2,"margin":5"#);
            let result = marked(white.clone(), mark.clone(), &step).unwrap().into_rgb8();
            for (x, y, pixel) in result.enumerate_pixels() {
                let inside = (left..left + 40).contains(&x) && (top..top + 20).contains(&y);
                assert_eq!(pixel.0, if inside { [0, 0, 255] } else { [255; 3] }, "{gravity} {x} {y}");
            }
        }
    }

    #[test]
    fn alpha_and_opacity_are_the_weights() {
        let photo = fixtures::photo(100, 80);
        let mark = RgbaImage::from_fn(100, 80, |x, y| Rgba([200, 30, 60, ((x + y) % 256) as u8]));
        let step = r#""scale":1,"opacity":0.5,"margin":0"#;
        let result = marked(photo.clone(), fixtures::png(mark.clone()), step).unwrap().into_rgb8();
        for (x, y, pixel) in result.enumerate_pixels() {
            let weight = f64::from(mark.get_pixel(x, y).0[3]) / 255.0 * 0.5;
            for channel in 0..3 {
                let (over, under) = (mark.get_pixel(x, y).0[channel], photo.get_pixel(x, y).0[channel]);
                let exact = f64::from(over) * weight + f64::from(under) * (1.0 - weight);
                assert!((f64::from(pixel.0[channel]) - exact).abs() <= 0.51, "{x} {y}");
            }
        }
    }

    #[test]
    fn tiles_cover_the_picture() {
        let white = RgbImage::from_pixel(90, 50, Rgb([255; 3]));
        let mark = fixtures::png(RgbImage::from_pixel(9, 9, Rgb([0; 3])));
        let result = marked(white, mark, r#""scale":0.1,"margin":11,"tile":true"#).unwrap().into_rgb8();
        for (x, y, pixel) in result.enumerate_pixels() {
            assert_eq!(pixel.0[0], if x % 20 < 9 && y % 20 < 9 { 0 } else { 255 }, "{x} {y}");
        }
    }

    #[test]
    fn all_kinds_of_pictures_and_sizes_go_together() {
        let coloured = fixtures::png(fixtures::photo(7, 300));
        for image in [fixtures::gray(1, 1), fixtures::deep(33, 9), fixtures::disc(20).into()] {
            let result = marked(image.clone(), coloured.clone(), r#""margin":16384"#).unwrap();
            assert_eq!((result.width(), result.height()), (image.width(), image.height()));
            assert!(result.color().has_color());
        }
        let gray = marked(fixtures::gray(30, 30), fixtures::png(fixtures::gray(9, 9)), r#""scale":1"#).unwrap();
        assert!(!gray.color().has_color());
    }

    #[test]
    fn a_mark_that_is_no_picture_names_its_argument() {
        let failure = marked(fixtures::photo(9, 9), b"no picture".to_vec(), r#""scale":1"#).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("steps[0].image"));
        assert_eq!(failure.kind, FailureKind::UnsupportedFormat);
        let mut png = fixtures::png(fixtures::photo(50, 50));
        png.truncate(60);
        let failure = marked(fixtures::photo(9, 9), png, r#""scale":1"#).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("steps[0].image"));
        let alone =
            fixtures::transform(&fixtures::png(fixtures::photo(9, 9)), r#"[{"op":"watermark","image":"x"}]"#, None);
        assert_eq!(alone.unwrap_err().argument.as_deref(), Some("steps[0].image"));
        let smart = fixtures::steps(r#"[{"op":"watermark","image":"x","gravity":"smart"}]"#).unwrap_err();
        assert_eq!(smart.argument.as_deref(), Some("steps[0].gravity"));
    }
}
