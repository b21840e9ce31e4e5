//! `emboss`: light from the top left on every edge.

use common::Failure;
use image::DynamicImage;

use super::{
    Context, Notes,
    neighbours::{self, Kernel},
};
use crate::engine::pixels::each_buffer;

const WEIGHTS: Kernel = [-2.0, -1.0, 0.0, -1.0, 1.0, 1.0, 0.0, 1.0, 2.0];

pub(super) fn apply(image: &DynamicImage, context: &Context<'_>, notes: &mut Notes) -> Result<DynamicImage, Failure> {
    notes.applied("emboss");
    each_buffer!(image, buffer => {
        neighbours::map(buffer, context.stop, |around, _| neighbours::sum(around, &WEIGHTS)).map(DynamicImage::from)
    })
}

#[cfg(test)]
mod tests {
    use crate::engine::fixtures;

    #[test]
    fn is_the_sum_of_the_neighbours() {
        let photo = fixtures::photo(33, 21);
        let result = fixtures::run(photo.clone(), r#"[{"op":"emboss"}]"#).into_rgb8();
        let at = |x: i64, y: i64| photo.get_pixel(x.clamp(0, 32) as u32, y.clamp(0, 20) as u32).0.map(f64::from);
        for (x, y, pixel) in result.enumerate_pixels() {
            let (x, y) = (i64::from(x), i64::from(y));
            for channel in 0..3 {
                let exact = at(x, y)[channel]
                    + 2.0 * (at(x + 1, y + 1)[channel] - at(x - 1, y - 1)[channel])
                    + at(x + 1, y)[channel]
                    - at(x - 1, y)[channel]
                    + at(x, y + 1)[channel]
                    - at(x, y - 1)[channel];
                assert!((f64::from(pixel.0[channel]) - exact.clamp(0.0, 255.0)).abs() <= 0.51, "{x} {y}");
            }
        }
    }

    #[test]
    fn invisible_colours_make_no_lines() {
        let disc = fixtures::disc(40);
        let result = fixtures::run(disc.clone(), r#"[{"op":"emboss"}]"#).into_rgba8();
        for (before, after) in disc.pixels().zip(result.pixels()) {
            assert_eq!(before.0[3], after.0[3]);
            assert!(before.0[3] == 0 || before == after, "{after:?}");
        }
        for side in [1, 2] {
            assert_eq!(fixtures::run(fixtures::photo(side, 1), r#"[{"op":"emboss"}]"#).width(), side);
        }
        assert_eq!(fixtures::run(fixtures::deep(5, 5), r#"[{"op":"emboss"}]"#).color(), image::ColorType::Rgb16);
    }
}
