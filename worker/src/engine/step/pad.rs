//! `pad`: room around the picture.

use common::{
    Failure,
    recipe::{Color, Pad},
};
use image::{DynamicImage, ImageBuffer, Pixel, imageops};

use super::{Context, Notes};
use crate::engine::{
    limits::Size,
    pixels::{Buffer, Sample, able_to_show, each_buffer, pixel_of},
};

pub(super) fn size_after(step: &Pad, from: Size) -> Size {
    let [top, right, bottom, left] = step.sides();
    // What is too large is refused by the limits.
    Size::new(
        from.width.saturating_add(left).saturating_add(right),
        from.height.saturating_add(top).saturating_add(bottom),
    )
}

pub(super) fn apply(
    step: &Pad,
    image: DynamicImage,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let from = Size::new(image.width(), image.height());
    let to = size_after(step, from);
    let [top, _, _, left] = step.sides();
    let filling = context.filling(step.background);
    context.stop.check()?;
    notes.applied(format!("pad {from} -> {to}"));
    each_buffer!(able_to_show(image, filling), buffer => Ok(on_canvas(&buffer, to, (left, top), filling).into()))
}

fn on_canvas<P: Pixel>(picture: &Buffer<P>, size: Size, (left, top): (u32, u32), filling: Color) -> Buffer<P>
where
    P::Subpixel: Sample,
{
    let mut canvas = ImageBuffer::from_pixel(size.width, size.height, pixel_of::<P>(filling));
    imageops::replace(&mut canvas, picture, i64::from(left), i64::from(top));
    canvas
}

#[cfg(test)]
mod tests {
    use common::Format;

    use crate::engine::fixtures;

    #[test]
    fn the_picture_is_inside_and_the_colour_around_it() {
        let photo = fixtures::photo(31, 17);
        let step = r##"[{"op":"pad","size":3,"left":11,"bottom":0,"background":"#0a141e"}]"##;
        let result = fixtures::run(photo.clone(), step).into_rgb8();
        assert_eq!(result.dimensions(), (31 + 11 + 3, 17 + 3));
        for (x, y, pixel) in result.enumerate_pixels() {
            let inside = (11..42).contains(&x) && y >= 3;
            let expected = if inside { photo.get_pixel(x - 11, y - 3).0 } else { [10, 20, 30] };
            assert_eq!(pixel.0, expected, "{x} {y}");
        }
    }

    #[test]
    fn is_transparent_where_that_can_be_and_white_where_not() {
        let step = r#"[{"op":"pad","size":5}]"#;
        assert_eq!(fixtures::run(fixtures::gray(1, 1), step).into_luma_alpha8().get_pixel(0, 0).0[1], 0);
        let deep = fixtures::run(fixtures::deep(4, 4), step);
        assert_eq!(deep.color(), image::ColorType::Rgba16);
        let jpeg = fixtures::transform(&fixtures::png(fixtures::photo(20, 20)), step, Some(Format::Jpeg)).unwrap();
        assert!(fixtures::decoded(&jpeg.bytes).into_rgb8().get_pixel(0, 0).0.iter().all(|value| *value > 250));
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        let failure = fixtures::steps(r#"[{"op":"pad"}]"#).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("steps[0]"));
        let failure = fixtures::steps(r#"[{"op":"pad","left":20000}]"#).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("steps[0].left"));
        let huge = r#"[{"op":"flip"},{"op":"pad","size":16384}]"#;
        let failure = fixtures::transform(&fixtures::png(fixtures::photo(9, 9)), huge, None).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("steps[1]"));
    }
}
