//! What `sepia`, `saturation`, `hue` and `tint` have in common: each colour is a sum of the three.

use common::{Failure, recipe::Color};
use image::{DynamicImage, Pixel};

use crate::engine::{
    Stop,
    pixels::{Buffer, Sample, able_to_take, each_buffer},
};

/// Rows: red, green and blue of the result; columns: those of the picture.
pub(super) type Matrix = [[f32; 3]; 3];

/// Any colour: what can take this can take all.
pub(super) const RED: Color = Color { rgba: [255, 0, 0, 255] };

/// Sends every colour through `matrix`; alpha stays. The picture gets colour if it has none.
pub(super) fn map(image: DynamicImage, matrix: &Matrix, stop: &Stop) -> Result<DynamicImage, Failure> {
    let mut image = able_to_take(image, RED);
    each_buffer!(&mut image, buffer => through(buffer, matrix, stop))?;
    Ok(image)
}

fn through<P: Pixel>(buffer: &mut Buffer<P>, matrix: &Matrix, stop: &Stop) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let stride = (buffer.width() as usize * channels).max(1);
    for row in buffer.chunks_exact_mut(stride) {
        stop.check()?;
        for pixel in row.chunks_exact_mut(channels) {
            let [r, g, b, ..] = pixel else { continue };
            let old = [r.float(), g.float(), b.float()];
            for (to, [x, y, z]) in [r, g, b].into_iter().zip(matrix) {
                *to = P::Subpixel::from_float(x * old[0] + y * old[1] + z * old[2]);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use crate::engine::fixtures;

    /// The matrices of W3C Filter Effects 1, §15, written out as there.
    fn by_the_book(op: &str, x: f64) -> [[f64; 3]; 3] {
        let (cos, sin) = (x.to_radians().cos(), x.to_radians().sin());
        match op {
            "sepia" => [
                [0.393 + 0.607 * (1.0 - x), 0.769 - 0.769 * (1.0 - x), 0.189 - 0.189 * (1.0 - x)],
                [0.349 - 0.349 * (1.0 - x), 0.686 + 0.314 * (1.0 - x), 0.168 - 0.168 * (1.0 - x)],
                [0.272 - 0.272 * (1.0 - x), 0.534 - 0.534 * (1.0 - x), 0.131 + 0.869 * (1.0 - x)],
            ],
            "saturation" => [
                [0.213 + 0.787 * x, 0.715 - 0.715 * x, 0.072 - 0.072 * x],
                [0.213 - 0.213 * x, 0.715 + 0.285 * x, 0.072 - 0.072 * x],
                [0.213 - 0.213 * x, 0.715 - 0.715 * x, 0.072 + 0.928 * x],
            ],
            _ => [
                [
                    0.213 + cos * 0.787 - sin * 0.213,
                    0.715 - cos * 0.715 - sin * 0.715,
                    0.072 - cos * 0.072 + sin * 0.928,
                ],
                [
                    0.213 - cos * 0.213 + sin * 0.143,
                    0.715 + cos * 0.285 + sin * 0.140,
                    0.072 - cos * 0.072 - sin * 0.283,
                ],
                [
                    0.213 - cos * 0.213 - sin * 0.787,
                    0.715 - cos * 0.715 + sin * 0.715,
                    0.072 + cos * 0.928 + sin * 0.072,
                ],
            ],
        }
    }

    #[test]
    fn agree_with_the_filters_of_css_within_one_level() {
        let colors = RgbaImage::from_fn(61, 23, |x, y| {
            Rgba([(x * 4) as u8, (y * 11) as u8, ((x * y) % 256) as u8, if y % 3 == 0 { 90 } else { 255 }])
        });
        for (op, name, values) in [
            ("sepia", "amount", [0.3, 0.5, 1.0]),
            ("saturation", "factor", [0.0, 0.4, 3.0]),
            ("hue", "angle_degrees", [-70.0, 120.0, 180.0]),
        ] {
            for value in values {
                let matrix = by_the_book(op, value);
                let step = format!(r#"[{{"op":"{op}","{name}":{value}}}]"#);
                let result = fixtures::run(colors.clone(), &step).into_rgba8();
                for (before, after) in colors.pixels().zip(result.pixels()) {
                    assert_eq!(before.0[3], after.0[3]);
                    for (channel, row) in matrix.iter().enumerate() {
                        let sum: f64 = row.iter().zip(before.0).map(|(weight, value)| weight * f64::from(value)).sum();
                        let exact = sum.clamp(0.0, 255.0);
                        assert!(
                            (f64::from(after.0[channel]) - exact).abs() <= 0.52,
                            "{op} {value} {before:?} {after:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn sixteen_bits_and_gray_go_through() {
        let deep = fixtures::deep(20, 9).into_rgb16();
        let result = fixtures::run(deep.clone(), r#"[{"op":"sepia"}]"#).into_rgb16();
        for (before, after) in deep.pixels().zip(result.pixels()) {
            let [r, g, b] = before.0.map(f64::from);
            let exact = (0.393 * r + 0.769 * g + 0.189 * b).min(65_535.0);
            assert!((f64::from(after.0[0]) - exact).abs() < 1.5);
        }
        let brown = fixtures::run(fixtures::gray(9, 5), r#"[{"op":"sepia"}]"#);
        assert!(brown.color().has_color());
        let same = fixtures::run(fixtures::gray(9, 5), r#"[{"op":"hue","angle_degrees":90}]"#);
        assert!(!same.color().has_color(), "what has no colour cannot be turned");
        assert_eq!(fixtures::run(fixtures::photo(1, 1), r#"[{"op":"hue","angle_degrees":90}]"#).width(), 1);
    }

    #[test]
    fn tint_is_its_formula() {
        let photo = fixtures::photo(31, 17);
        let result = fixtures::run(photo.clone(), r##"[{"op":"tint","color":"#3366cc","amount":0.6}]"##).into_rgb8();
        for (before, after) in photo.pixels().zip(result.pixels()) {
            let [r, g, b] = before.0.map(f64::from);
            let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
            for (channel, color) in [51.0, 102.0, 204.0].into_iter().enumerate() {
                let exact = 0.4 * f64::from(before.0[channel]) + 0.6 * luma * color / 255.0;
                assert!((f64::from(after.0[channel]) - exact).abs() <= 0.52, "{before:?} {after:?}");
            }
        }
    }
}
