//! `draw`: outlines of boxes, and arrows.

use common::{
    Failure,
    recipe::{Arrow, Color, Draw},
};
use image::{DynamicImage, Pixel};

use super::{Context, Notes, area::Area, matrix::RED};
use crate::engine::{
    Stop,
    limits::Size,
    pixels::{Buffer, Sample, able_to_take, each_buffer, over, pixel_of},
    polygon,
};

pub(super) fn apply(
    step: &Draw,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let size = Size::new(image.width(), image.height());
    let color = step.color.unwrap_or(RED);
    let thickness = step.thickness.unwrap_or_else(|| (size.width.max(size.height) / 200).max(2));
    let mut boxes = Vec::new();
    for (index, region) in step.boxes.iter().enumerate() {
        match Area::of(region, size, path) {
            Ok(area) => boxes.push(area),
            Err(_) => notes.ignored(format!("draw ({path}.boxes[{index}]): it lies outside the picture of {size}")),
        }
    }
    notes.applied(format!("draw {} box(es), {} arrow(s)", boxes.len(), step.arrows.len()));
    let mut image = able_to_take(image, color);
    each_buffer!(&mut image, buffer => {
        boxes.iter().try_for_each(|area| outline(buffer, *area, thickness, color, context.stop))?;
        step.arrows.iter().try_for_each(|arrow| fill(buffer, &shape(arrow, thickness as f32), color, context.stop))
    })?;
    Ok(image)
}

/// A frame inside the area. Its corners are painted once, which counts for colours that are not opaque.
fn outline<P: Pixel>(
    buffer: &mut Buffer<P>,
    area: Area,
    thickness: u32,
    color: Color,
    stop: &Stop,
) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let paint = paint::<P>(color);
    for y in area.top..area.bottom {
        stop.check()?;
        let whole = y - area.top < thickness || area.bottom - 1 - y < thickness;
        let inner = area.left.saturating_add(thickness).min(area.right);
        let outer = area.right.saturating_sub(thickness).max(inner);
        let (left, right) = if whole { (area.left..area.right, 0..0) } else { (area.left..inner, outer..area.right) };
        left.chain(right).for_each(|x| over(buffer.get_pixel_mut(x, y).channels_mut(), paint.0, paint.1));
    }
    Ok(())
}

/// The colour in the order of the channels, and its alpha from 0 to 1.
fn paint<P: Pixel>(color: Color) -> ([f32; 4], f32)
where
    P::Subpixel: Sample,
{
    let mut channels = [0.0; 4];
    channels.iter_mut().zip(pixel_of::<P>(color).channels()).for_each(|(to, from)| *to = from.float());
    (channels, f32::from(color.rgba[3]) / 255.0)
}

/// The outline of an arrow: a shaft, and a head of three times its width.
fn shape(arrow: &Arrow, thickness: f32) -> [(f32, f32); 7] {
    let middle = |at: u32| at as f32 + 0.5;
    let (x1, y1, x2, y2) = (middle(arrow.x1), middle(arrow.y1), middle(arrow.x2), middle(arrow.y2));
    let length = (x2 - x1).hypot(y2 - y1).max(1e-3);
    let (along_x, along_y) = ((x2 - x1) / length, (y2 - y1) / length);
    let head = (thickness * 4.0).max(10.0).min(length);
    let wide = head * 0.45;
    // A point so far along the arrow, and so far to its side.
    let at = |along: f32, side: f32| (x1 + along_x * along - along_y * side, y1 + along_y * along + along_x * side);
    let (neck, half) = (length - head, thickness / 2.0);
    [at(0.0, -half), at(neck, -half), at(neck, -wide), at(length, 0.0), at(neck, wide), at(neck, half), at(0.0, half)]
}

fn fill<P: Pixel>(buffer: &mut Buffer<P>, points: &[(f32, f32)], color: Color, stop: &Stop) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let (paint, alpha) = paint::<P>(color);
    let top = points.iter().map(|(_, y)| *y).fold(f32::INFINITY, f32::min).max(0.0) as u32;
    let bottom = points.iter().map(|(_, y)| *y).fold(0.0, f32::max).ceil() as u32;
    for y in top..bottom.min(buffer.height()) {
        stop.check()?;
        let (first, shares) = polygon::row(points, y, buffer.width());
        for (x, share) in (first..buffer.width()).zip(shares) {
            over(buffer.get_pixel_mut(x, y).channels_mut(), paint, share * alpha);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use image::{ColorType, Rgb, RgbImage};

    use crate::engine::fixtures;

    #[test]
    fn a_box_is_a_frame_inside_its_region() {
        let photo = fixtures::photo(60, 50);
        let step =
            r##"[{"op":"draw","boxes":[{"x":10,"y":8,"width":30,"height":20}],"color":"#00ff00","thickness":3}]"##;
        let result = fixtures::run(photo.clone(), step).into_rgb8();
        for (x, y, pixel) in result.enumerate_pixels() {
            let inside = |edge: u32| (10 + edge..40 - edge).contains(&x) && (8 + edge..28 - edge).contains(&y);
            let expected = if inside(0) && !inside(3) { Rgb([0, 255, 0]) } else { *photo.get_pixel(x, y) };
            assert_eq!(*pixel, expected, "{x} {y}");
        }
    }

    #[test]
    fn a_thin_colour_is_laid_on_once() {
        let white = RgbImage::from_pixel(30, 30, Rgb([255; 3]));
        let step =
            r##"[{"op":"draw","boxes":[{"x":0,"y":0,"width":30,"height":30}],"color":"#00000080","thickness":5}]"##;
        let result = fixtures::run(white, step);
        assert_eq!(result.color(), ColorType::Rgb8);
        let result = result.into_rgb8();
        assert_eq!(result.get_pixel(2, 2), result.get_pixel(2, 15));
        assert!((126..=128).contains(&result.get_pixel(2, 2).0[0]));
    }

    #[test]
    fn an_arrow_has_its_tip_where_it_points() {
        let white = RgbImage::from_pixel(120, 90, Rgb([255; 3]));
        let step = r#"[{"op":"draw","arrows":[{"x1":10,"y1":45,"x2":100,"y2":45}],"thickness":5}]"#;
        let result = fixtures::run(white, step).into_rgb8();
        let red = |x: u32| (0..90).filter(|y| result.get_pixel(x, *y).0[1] < 128).count();
        assert_eq!((red(5), red(50)), (0, 5));
        assert_eq!(red(103), 0);
        assert!((1..=2).contains(&red(98)) && red(83) > 12, "{} {}", red(98), red(83));
        // The area of shaft and head: 70 * 5 + 20 * 18 / 2.
        let ink: f64 = result.pixels().map(|pixel| 1.0 - f64::from(pixel.0[1]) / 255.0).sum();
        assert!((ink - 530.0).abs() < 6.0, "{ink}");
    }

    #[test]
    fn what_sticks_out_is_cut_off_and_nothing_panics() {
        let step = r#"[{"op":"draw","boxes":[{"x":0,"y":0,"width":65535,"height":65535},{"x":9,"y":9,"width":1,"height":1}],
            "arrows":[{"x1":0,"y1":0,"x2":65535,"y2":65535},{"x1":65535,"y1":3,"x2":0,"y2":0}],"thickness":500}]"#;
        for image in [fixtures::photo(1, 1).into(), fixtures::gray(5, 3), fixtures::deep(9, 9)] {
            let result = fixtures::run(image.clone(), step);
            assert!(result.color().has_color());
            assert_eq!((result.width(), result.height()), (image.width(), image.height()));
        }
        assert_eq!(fixtures::steps(r#"[{"op":"draw"}]"#).unwrap_err().argument.as_deref(), Some("steps[0]"));
        let nowhere = r#"[{"op":"draw","arrows":[{"x1":5,"y1":5,"x2":5,"y2":5}]}]"#;
        assert_eq!(fixtures::steps(nowhere).unwrap_err().argument.as_deref(), Some("steps[0].arrows[0]"));
        let thick = r#"[{"op":"draw","boxes":[{"x":0,"y":0,"width":1,"height":1}],"thickness":501}]"#;
        assert_eq!(fixtures::steps(thick).unwrap_err().argument.as_deref(), Some("steps[0].thickness"));
    }
}
