//! `trim`: a border of one colour is cut off.

use common::{Failure, recipe::Trim};
use image::{DynamicImage, Pixel};

use super::{Context, Notes, area::Area};
use crate::engine::{
    Stop,
    pixels::{Buffer, Sample, each_buffer, weighted},
};

pub(super) fn apply(
    step: &Trim,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let inside = each_buffer!(&image, buffer => inside(buffer, step.threshold, context.stop))?;
    let (width, height) = (image.width(), image.height());
    let Some(Area { left, top, right, bottom }) = inside else {
        notes.ignored(format!("trim ({path}): the whole picture has one colour"));
        return Ok(image);
    };
    let (w, h) = (right - left, bottom - top);
    if (w, h) == (width, height) {
        notes.ignored(format!("trim ({path}): there is no border of one colour"));
        return Ok(image);
    }
    notes.applied(format!("trim {width}x{height} -> {w}x{h} at {left},{top}"));
    Ok(image.crop_imm(left, top, w, h))
}

/// The smallest rectangle that holds everything that differs from the top left pixel.
fn inside<P: Pixel>(buffer: &Buffer<P>, threshold: u8, stop: &Stop) -> Result<Option<Area>, Failure>
where
    P::Subpixel: Sample,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let most = P::Subpixel::from_u8(threshold).float();
    let stride = (buffer.width() as usize * channels).max(1);
    let ground = buffer.get_pixel_checked(0, 0).map(|pixel| weighted(pixel.channels())).unwrap_or_default();
    // Weighted by alpha: what nobody sees has no colour.
    let differs =
        |pixel: &[P::Subpixel]| weighted(pixel).iter().zip(ground).any(|(value, ground)| (value - ground).abs() > most);
    let mut found: Option<Area> = None;
    for (y, row) in (0_u32..).zip(buffer.as_raw().chunks_exact(stride)) {
        stop.check()?;
        let Some(first) = row.chunks_exact(channels).position(differs) else { continue };
        let last = row.chunks_exact(channels).rposition(differs).unwrap_or(first);
        let (left, right) = (first as u32, last as u32 + 1);
        found = Some(match found {
            None => Area { left, top: y, right, bottom: y + 1 },
            Some(area) => {
                Area { left: area.left.min(left), top: area.top, right: area.right.max(right), bottom: y + 1 }
            }
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage, imageops};

    use crate::engine::fixtures;

    #[test]
    fn what_differs_stays_and_nothing_else() {
        let mut image = RgbImage::from_pixel(70, 51, Rgb([250, 250, 250]));
        imageops::replace(&mut image, &RgbImage::from_pixel(20, 10, Rgb([200, 10, 10])), 13, 29);
        let result = fixtures::run(image.clone(), r#"[{"op":"trim"}]"#).into_rgb8();
        assert_eq!(result, imageops::crop_imm(&image, 13, 29, 20, 10).to_image());
        // Noise within the threshold is border; beyond it, it is not.
        image.put_pixel(3, 3, Rgb([240, 250, 250]));
        assert_eq!(fixtures::run(image.clone(), r#"[{"op":"trim"}]"#).width(), 20);
        assert_eq!(fixtures::run(image, r#"[{"op":"trim","threshold":9}]"#).width(), 30);
    }

    #[test]
    fn invisible_colours_are_border() {
        let mut image = RgbaImage::from_fn(40, 40, |x, y| Rgba([x as u8, y as u8, 77, 0]));
        image.put_pixel(5, 6, Rgba([0, 0, 0, 255]));
        image.put_pixel(15, 26, Rgba([0, 0, 0, 255]));
        let result = fixtures::run(image, r#"[{"op":"trim"}]"#);
        assert_eq!((result.width(), result.height()), (11, 21));
    }

    #[test]
    fn one_colour_one_pixel_and_sixteen_bits() {
        for image in [fixtures::photo(1, 1), RgbImage::from_pixel(9, 5, Rgb([1, 2, 3]))] {
            assert_eq!(fixtures::run(image.clone(), r#"[{"op":"trim"}]"#).into_rgb8(), image);
        }
        let steps = r##"[{"op":"pad","size":7,"background":"#ffffff"},{"op":"trim"}]"##;
        assert_eq!(fixtures::run(fixtures::deep(30, 20), steps), fixtures::deep(30, 20));
    }

    #[test]
    fn what_comes_after_it_is_checked_again() {
        let mut line = RgbImage::from_pixel(300, 300, Rgb([255; 3]));
        (0..300).for_each(|y| line.put_pixel(150, y, Rgb([0; 3])));
        let tall = r#"[{"op":"trim"},{"op":"resize","width":16000,"upscale":true}]"#;
        let failure = fixtures::transform(&fixtures::png(line.clone()), tall, None).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("steps[1]"), "{failure}");
        let crop = r#"[{"op":"trim"},{"op":"crop","width":20,"height":20}]"#;
        let failure = fixtures::transform(&fixtures::png(line.clone()), crop, None).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("steps[1]"), "{failure}");
        let fine = r#"[{"op":"trim"},{"op":"resize","height":100}]"#;
        assert_eq!(fixtures::run(line, fine).height(), 100);
    }
}
