//! `pixelate`: squares of their mean colour.

use common::{Failure, recipe::Pixelate};
use image::{DynamicImage, Pixel};

use super::{Context, Notes, area::Area};
use crate::engine::{
    Stop, blocks,
    limits::Size,
    pixels::{Buffer, Sample, each_buffer},
};

/// What is changed.
///
/// # Errors
/// `invalid_argument` for a region outside the picture.
pub(super) fn area(step: &Pixelate, size: Size, path: &str) -> Result<Area, Failure> {
    match &step.region {
        Some(region) => Area::of(region, size, &format!("{path}.region")),
        None => Ok(Area::whole(size)),
    }
}

pub(super) fn apply(
    step: &Pixelate,
    mut image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let area = area(step, Size::new(image.width(), image.height()), path)?;
    notes.applied(format!("pixelate size {}", step.size));
    each_buffer!(&mut image, buffer => squares(buffer, area, step.size, context.stop))?;
    Ok(image)
}

fn squares<P: Pixel>(buffer: &mut Buffer<P>, area: Area, side: u32, stop: &Stop) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    for top in (area.top..area.bottom).step_by(side.max(1) as usize) {
        stop.check()?;
        let bottom = top.saturating_add(side).min(area.bottom);
        let means = blocks::means(buffer, (area.left, area.right), (top, bottom), side);
        for y in top..bottom {
            for x in area.left..area.right {
                let Some(mean) = means.get(((x - area.left) / side) as usize) else { continue };
                let channels = buffer.get_pixel_mut(x, y).channels_mut();
                channels.iter_mut().zip(mean).for_each(|(to, from)| *to = P::Subpixel::from_float(*from));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::engine::fixtures;

    #[test]
    fn every_square_is_its_mean() {
        let photo = fixtures::photo(50, 33);
        let result = fixtures::run(photo.clone(), r#"[{"op":"pixelate","size":8}]"#).into_rgb8();
        for (x, y, pixel) in result.enumerate_pixels() {
            let (left, top) = (x / 8 * 8, y / 8 * 8);
            let places: Vec<(u32, u32)> =
                (top..33.min(top + 8)).flat_map(|y| (left..50.min(left + 8)).map(move |x| (x, y))).collect();
            for channel in 0..3 {
                let sum: f64 = places.iter().map(|(x, y)| f64::from(photo.get_pixel(*x, *y).0[channel])).sum();
                assert!((f64::from(pixel.0[channel]) - sum / places.len() as f64).abs() <= 0.51, "{x} {y}");
            }
        }
    }

    #[test]
    fn a_region_begins_its_own_squares_and_the_rest_stays() {
        let photo = fixtures::photo(50, 33);
        let step = r#"[{"op":"pixelate","size":6,"region":{"x":10,"y":7,"width":1000,"height":6}}]"#;
        let result = fixtures::run(photo.clone(), step).into_rgb8();
        for (x, y, pixel) in result.enumerate_pixels() {
            if x < 10 || !(7..13).contains(&y) {
                assert_eq!(pixel, photo.get_pixel(x, y));
            } else {
                assert_eq!(pixel, result.get_pixel(10 + (x - 10) / 6 * 6, 7));
            }
        }
        let outside = r#"[{"op":"pixelate","size":6,"region":{"x":50,"y":0,"width":5,"height":5}}]"#;
        let failure = fixtures::transform(&fixtures::png(photo), outside, None).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("steps[0].region"));
    }

    #[test]
    fn invisible_colours_have_no_say() {
        let result = fixtures::run(fixtures::disc(64), r#"[{"op":"pixelate","size":10}]"#).into_rgba8();
        assert!(result.pixels().filter(|pixel| pixel.0[3] > 0).all(|pixel| pixel.0[..3] == [255, 0, 0]));
        assert_eq!(fixtures::run(fixtures::deep(5, 3), r#"[{"op":"pixelate","size":1000}]"#).width(), 5);
    }
}
