//! `edge`: outlines, as Sobel finds them.

use common::Failure;
use image::DynamicImage;

use super::{
    Context, Notes,
    neighbours::{self, Kernel},
};
use crate::engine::pixels::{self, each_buffer};

const ACROSS: Kernel = [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0];
const DOWN: Kernel = [-1.0, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0];

pub(super) fn apply(image: DynamicImage, context: &Context<'_>, notes: &mut Notes) -> Result<DynamicImage, Failure> {
    notes.applied("edge (Sobel)");
    let gray = pixels::gray(&image).unwrap_or(image);
    // A quarter: the step from black to white becomes white.
    let strength = |around: &Kernel, _| neighbours::sum(around, &ACROSS).hypot(neighbours::sum(around, &DOWN)) / 4.0;
    each_buffer!(&gray, buffer => neighbours::map(buffer, context.stop, strength).map(DynamicImage::from))
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use crate::engine::fixtures;

    #[test]
    fn a_step_is_as_bright_as_it_is_high() {
        let step = GrayImage::from_fn(21, 9, |x, _| Luma([if x < 10 { 40 } else { 140 }]));
        let result = fixtures::run(step, r#"[{"op":"edge"}]"#).into_luma8();
        for (x, _, pixel) in result.enumerate_pixels() {
            assert_eq!(pixel.0[0], if x == 9 || x == 10 { 100 } else { 0 }, "{x}");
        }
    }

    #[test]
    fn agrees_with_the_definition() {
        let photo = fixtures::photo(37, 25);
        let gray = fixtures::run(photo.clone(), r#"[{"op":"grayscale"}]"#).into_luma8();
        let result = fixtures::run(photo, r#"[{"op":"edge"}]"#).into_luma8();
        let at = |x: i64, y: i64| f64::from(gray.get_pixel(x.clamp(0, 36) as u32, y.clamp(0, 24) as u32).0[0]);
        for (x, y, pixel) in result.enumerate_pixels() {
            let (x, y) = (i64::from(x), i64::from(y));
            let line = |a: [f64; 3], b: [f64; 3]| (b[0] - a[0]) + 2.0 * (b[1] - a[1]) + (b[2] - a[2]);
            let column = |x: i64| [at(x, y - 1), at(x, y), at(x, y + 1)];
            let row = |y: i64| [at(x - 1, y), at(x, y), at(x + 1, y)];
            let exact = line(column(x - 1), column(x + 1)).hypot(line(row(y - 1), row(y + 1))) / 4.0;
            assert!((f64::from(pixel.0[0]) - exact.min(255.0)).abs() <= 0.51, "{x} {y}");
        }
    }

    #[test]
    fn alpha_is_kept_and_nothing_invisible_is_outlined() {
        let result = fixtures::run(fixtures::disc(40), r#"[{"op":"edge"}]"#).into_luma_alpha8();
        assert!(result.pixels().filter(|pixel| pixel.0[1] > 0).all(|pixel| pixel.0[0] == 0));
        assert_eq!(fixtures::run(fixtures::gray(1, 1), r#"[{"op":"edge"}]"#).into_luma8().get_pixel(0, 0).0, [0]);
    }
}
