//! `redact`: what was there is gone.
//!
//! A blur can be undone, and squares can be guessed: whoever knows the letters tries them all. So nothing is kept but
//! at most 4 x 4 mean colours a region, each at least 32 pixels wide where the region is, and rounded to 8 values a
//! channel. That is what both modes show, with hard or with soft edges; `solid` keeps nothing at all.

use common::{
    Failure,
    recipe::{Color, Redact, Redaction},
};
use image::{DynamicImage, Pixel};

use super::{Context, Notes, area::Area};
use crate::engine::{
    Stop, blocks,
    limits::Size,
    pixels::{Buffer, Sample, able_to_show, each_buffer, pixel_of},
};

const BLACK: Color = Color { rgba: [0, 0, 0, 255] };

/// The most mean colours in a row or column.
const MOST_ACROSS: u32 = 4;

/// The least width of what one mean colour stands for, in pixels.
const LEAST_SIDE: u32 = 32;

/// The values that a channel of a mean colour may have.
const VALUES: f32 = 8.0;

/// What is hidden.
///
/// # Errors
/// `invalid_argument` for a region outside the picture: nothing would be hidden, and nobody would know.
pub(super) fn areas(step: &Redact, size: Size, path: &str) -> Result<Vec<Area>, Failure> {
    let area = |(index, region)| Area::of(region, size, &format!("{path}.regions[{index}]"));
    step.regions.iter().enumerate().map(area).collect()
}

pub(super) fn apply(
    step: &Redact,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let areas = areas(step, Size::new(image.width(), image.height()), path)?;
    let solid = (step.mode == Redaction::Solid).then(|| step.color.unwrap_or(BLACK));
    if solid.is_none() && step.color.is_some() {
        notes.ignored(format!("redact ({path}): only mode solid has a color"));
    }
    let name = match step.mode {
        Redaction::Solid => "solid",
        Redaction::Pixelate => "pixelate",
        Redaction::Blur => "blur",
    };
    notes.applied(format!("redact {} region(s), {name}", areas.len()));
    let mut image = match solid {
        Some(color) => able_to_show(image, color),
        None => image,
    };
    let smooth = step.mode == Redaction::Blur;
    each_buffer!(&mut image, buffer => {
        areas.iter().try_for_each(|area| match solid {
            Some(color) => fill(buffer, *area, color, context.stop),
            None => coarse(buffer, *area, smooth, context.stop),
        })
    })?;
    Ok(image)
}

fn fill<P: Pixel>(buffer: &mut Buffer<P>, area: Area, color: Color, stop: &Stop) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let pixel = pixel_of::<P>(color);
    for y in area.top..area.bottom {
        stop.check()?;
        (area.left..area.right).for_each(|x| buffer.put_pixel(x, y, pixel));
    }
    Ok(())
}

fn coarse<P: Pixel>(buffer: &mut Buffer<P>, area: Area, smooth: bool, stop: &Stop) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let longer = area.width().max(area.height());
    let side = longer.div_ceil(MOST_ACROSS).max(LEAST_SIDE);
    let mut grid = Vec::new();
    for top in (area.top..area.bottom).step_by(side as usize) {
        stop.check()?;
        let rows = (top, top.saturating_add(side).min(area.bottom));
        let means = blocks::means(buffer, (area.left, area.right), rows, side);
        grid.push(means.into_iter().map(|mean| mean.map(rounded::<P::Subpixel>)).collect::<Vec<_>>());
    }
    for y in area.top..area.bottom {
        stop.check()?;
        for x in area.left..area.right {
            let (u, v) = ((x - area.left) as f32 + 0.5, (y - area.top) as f32 + 0.5);
            let (u, v) = (u / side as f32, v / side as f32);
            let color = if smooth { between(&grid, u - 0.5, v - 0.5) } else { at(&grid, u as usize, v as usize) };
            let channels = buffer.get_pixel_mut(x, y).channels_mut();
            channels.iter_mut().zip(color).for_each(|(to, from)| *to = P::Subpixel::from_float(from));
        }
    }
    Ok(())
}

/// One of few values.
fn rounded<T: Sample>(value: f32) -> f32 {
    let steps = VALUES - 1.0;
    (value / T::MAX * steps).round() / steps * T::MAX
}

fn at(grid: &[Vec<[f32; 4]>], column: usize, row: usize) -> [f32; 4] {
    let row = grid.get(row).or(grid.last());
    row.and_then(|row| row.get(column).or(row.last())).copied().unwrap_or_default()
}

/// The colour between the middles of the four squares around (u, v).
fn between(grid: &[Vec<[f32; 4]>], u: f32, v: f32) -> [f32; 4] {
    let (u, v) = (u.max(0.0), v.max(0.0));
    let (column, row) = (u as usize, v as usize);
    let (right, down) = (u.fract(), v.fract());
    let mix = |a: [f32; 4], b: [f32; 4], t: f32| std::array::from_fn(|index| a[index] + (b[index] - a[index]) * t);
    let line = |row: usize| mix(at(grid, column, row), at(grid, column + 1, row), right);
    mix(line(row), line(row + 1), down)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use crate::engine::fixtures;

    /// Noise that looks like a page of fine print.
    fn print(seed: u32) -> RgbImage {
        RgbImage::from_fn(200, 120, |x, y| {
            let hash = (x / 2 + 1).wrapping_mul(73_856_093) ^ (y / 2 + 1).wrapping_mul(19_349_663) ^ seed;
            Rgb([if hash.wrapping_mul(2_654_435_761) >> 31 == 1 { 10 } else { 210 }; 3])
        })
    }

    fn correlation(one: &RgbImage, other: &RgbImage) -> f64 {
        let values = |image: &RgbImage| -> Vec<f64> {
            (20..100)
                .flat_map(|y| (30..170).map(move |x| (x, y)))
                .map(|(x, y)| f64::from(image.get_pixel(x, y).0[0]))
                .collect()
        };
        let (a, b) = (values(one), values(other));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (ma, mb) = (mean(&a), mean(&b));
        let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(&b).map(|(a, b)| f(a - ma, b - mb)).sum::<f64>();
        sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt().max(1e-9)
    }

    #[test]
    fn nothing_of_the_pixels_is_left() {
        for mode in ["solid", "pixelate", "blur"] {
            let step =
                format!(r#"[{{"op":"redact","mode":"{mode}","regions":[{{"x":30,"y":20,"width":140,"height":80}}]}}]"#);
            let (one, other) = (print(7), print(1_234_567));
            let (hidden, hidden_other) =
                (fixtures::run(one.clone(), &step).into_rgb8(), fixtures::run(other.clone(), &step).into_rgb8());
            let left = correlation(&one, &hidden).abs();
            assert!(left < 0.05, "{mode}: {left}");
            for (x, y, pixel) in hidden.enumerate_pixels() {
                if (30..170).contains(&x) && (20..100).contains(&y) {
                    // Two texts of the same tone are the same once they are hidden.
                    assert_eq!(pixel, hidden_other.get_pixel(x, y), "{mode} {x} {y}");
                } else {
                    assert_eq!(pixel, one.get_pixel(x, y), "{mode} {x} {y}");
                }
            }
        }
    }

    #[test]
    fn few_colours_are_left_and_they_are_coarse() {
        let step = r#"[{"op":"redact","mode":"pixelate","regions":[{"x":3,"y":5,"width":400,"height":390}]}]"#;
        let result = fixtures::run(fixtures::photo(410, 400), step).into_rgb8();
        let mut colors: Vec<[u8; 3]> =
            (5..395).flat_map(|y| (3..403).map(move |x| (x, y))).map(|(x, y)| result.get_pixel(x, y).0).collect();
        colors.sort_unstable();
        colors.dedup();
        assert!((2..=16).contains(&colors.len()), "{}", colors.len());
        for value in colors.iter().flatten() {
            let nearest = (f64::from(*value) / 255.0 * 7.0).round() / 7.0 * 255.0;
            assert!((f64::from(*value) - nearest).abs() <= 0.51, "{value}");
        }
        // The larger part of a line of text fits into one square.
        let line = r#"[{"op":"redact","mode":"blur","regions":[{"x":3,"y":5,"width":32,"height":14}]}]"#;
        let result = fixtures::run(print(9), line).into_rgb8();
        assert!((5..19).all(|y| (3..35).all(|x| result.get_pixel(x, y) == result.get_pixel(3, 5))));
    }

    #[test]
    fn what_is_written_in_alpha_is_gone_too() {
        let secret = RgbaImage::from_fn(64, 64, |x, y| Rgba([9, 9, 9, if (x / 3 + y / 5) % 2 == 0 { 255 } else { 0 }]));
        let region = r#""regions":[{"x":0,"y":0,"width":64,"height":64}]"#;
        let solid = fixtures::run(secret.clone(), &format!(r#"[{{"op":"redact",{region}}}]"#)).into_rgba8();
        assert!(solid.pixels().all(|pixel| pixel.0 == [0, 0, 0, 255]));
        let clear = format!(r#"[{{"op":"redact","color":"transparent",{region}}}]"#);
        assert!(fixtures::run(secret.clone(), &clear).into_rgba8().pixels().all(|pixel| pixel.0 == [0; 4]));
        let coarse = fixtures::run(secret, &format!(r#"[{{"op":"redact","mode":"pixelate",{region}}}]"#)).into_rgba8();
        let mut alphas: Vec<u8> = coarse.pixels().map(|pixel| pixel.0[3]).collect();
        alphas.sort_unstable();
        alphas.dedup();
        assert!(alphas.len() <= 4, "{alphas:?}");
    }

    #[test]
    fn a_region_that_is_not_there_is_a_mistake() {
        let regions =
            r#"[{"op":"redact","regions":[{"x":0,"y":0,"width":5,"height":5},{"x":20,"y":0,"width":5,"height":5}]}]"#;
        let failure = fixtures::transform(&fixtures::png(fixtures::photo(20, 20)), regions, None).unwrap_err();
        assert_eq!(failure.argument.as_deref(), Some("steps[0].regions[1]"));
        assert_eq!(
            fixtures::steps(r#"[{"op":"redact","regions":[]}]"#).unwrap_err().argument.as_deref(),
            Some("steps[0].regions")
        );
        for image in [fixtures::gray(1, 1), fixtures::deep(33, 1)] {
            let step = r#"[{"op":"redact","mode":"blur","regions":[{"x":0,"y":0,"width":999,"height":999}]}]"#;
            assert_eq!(fixtures::run(image.clone(), step).color(), image.color());
        }
    }
}
