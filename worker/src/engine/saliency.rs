//! Which part of a picture catches the eye: detail, skin and strong colours, as smartcrop scores them.
//!
//! Looked for on a small copy, so that a large picture costs no more than a small one; no chance is involved.

use common::Failure;
use image::{DynamicImage, RgbImage};

use super::{
    Stop,
    limits::Size,
    pixels::narrow,
    step::resize::{bilinear, inside},
};

/// The longer side of the copy that is looked at.
const LOOKED_AT: u32 = 192;

/// What counts how much.
const DETAIL: f32 = 0.6;
const SKIN: f32 = 1.2;
const COLOUR: f32 = 0.4;

/// Windows as good as this share of the best are as good as the best; of them, the one that holds its contents most
/// in the middle is taken.
const AS_GOOD: f64 = 0.98;

/// Where in the spare room a window of `window` pixels holds the most: fractions of (x, y), as gravity gives them.
///
/// # Errors
/// What `stop` says.
pub(crate) fn hold(image: &DynamicImage, window: (f64, f64), stop: &Stop) -> Result<(f64, f64), Failure> {
    let full = Size::new(image.width(), image.height());
    let size = inside(full, LOOKED_AT);
    let small = if size == full { image.clone() } else { bilinear(image, size, stop)? };
    let scores = Scores::of(&on_gray(&narrow(small)), stop)?;
    let side = |window: f64, full: u32, small: u32| {
        let side = (window * f64::from(small) / f64::from(full)).round() as usize;
        side.clamp(1, small as usize)
    };
    let wide = side(window.0, full.width, size.width);
    let high = side(window.1, full.height, size.height);
    let (x, y) = scores.best(wide, high, stop)?;
    let fraction = |at: usize, spare: usize| if spare == 0 { 0.5 } else { at as f64 / spare as f64 };
    Ok((fraction(x, scores.width - wide), fraction(y, scores.height - high)))
}

/// What is invisible catches nobody's eye.
fn on_gray(image: &DynamicImage) -> RgbImage {
    let mut buffer = image.to_rgba8();
    for pixel in buffer.pixels_mut() {
        let [r, g, b, a] = pixel.0.map(u32::from);
        let over = |value: u32| u8::try_from((value * a + 128 * (255 - a)) / 255).unwrap_or(u8::MAX);
        pixel.0 = [over(r), over(g), over(b), 255];
    }
    DynamicImage::from(buffer).into_rgb8()
}

/// Sums over the score of each pixel, and over the score times x and y: what a window holds is four look-ups.
struct Scores {
    width: usize,
    height: usize,
    /// (width + 1) * (height + 1) sums of score, score * x, score * y over all that is above and to the left.
    sums: Vec<[f64; 3]>,
}

impl Scores {
    fn of(image: &RgbImage, stop: &Stop) -> Result<Self, Failure> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let mut sums = vec![[0.0; 3]; (width + 1) * (height + 1)];
        let stride = width + 1;
        for y in 0..height {
            stop.check()?;
            let mut row = [0.0; 3];
            for x in 0..width {
                let score = f64::from(score(image, x as u32, y as u32));
                let parts = [score, score * (x as f64 + 0.5), score * (y as f64 + 0.5)];
                row.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
                let above = sums.get(y * stride + x + 1).copied().unwrap_or_default();
                if let Some(to) = sums.get_mut((y + 1) * stride + x + 1) {
                    *to = std::array::from_fn(|part| row[part] + above[part]);
                }
            }
        }
        Ok(Self { width, height, sums })
    }

    /// Score, score * x and score * y within a window.
    fn within(&self, x: usize, y: usize, wide: usize, high: usize) -> [f64; 3] {
        let at = |x: usize, y: usize| self.sums.get(y * (self.width + 1) + x).copied().unwrap_or_default();
        let (a, b, c, d) = (at(x, y), at(x + wide, y), at(x, y + high), at(x + wide, y + high));
        std::array::from_fn(|part| d[part] - b[part] - c[part] + a[part])
    }

    /// The left and top of the best window.
    fn best(&self, wide: usize, high: usize, stop: &Stop) -> Result<(usize, usize), Failure> {
        let (spare_x, spare_y) = (self.width - wide, self.height - high);
        let mut most: f64 = 0.0;
        for y in 0..=spare_y {
            stop.check()?;
            most = (0..=spare_x).map(|x| self.within(x, y, wide, high)[0]).fold(most, f64::max);
        }
        let mut best = (spare_x / 2, spare_y / 2);
        if most < 1e-6 {
            return Ok(best);
        }
        let mut least = f64::INFINITY;
        for y in 0..=spare_y {
            stop.check()?;
            for x in 0..=spare_x {
                let [score, weighted_x, weighted_y] = self.within(x, y, wide, high);
                if score < most * AS_GOOD {
                    continue;
                }
                let off_x = weighted_x / score - (x as f64 + wide as f64 / 2.0);
                let off_y = weighted_y / score - (y as f64 + high as f64 / 2.0);
                let off = off_x.hypot(off_y);
                if off < least - 1e-9 {
                    (least, best) = (off, (x, y));
                }
            }
        }
        Ok(best)
    }
}

fn score(image: &RgbImage, x: u32, y: u32) -> f32 {
    let luma = |x: u32, y: u32| {
        let [r, g, b] = image.get_pixel(x.min(image.width() - 1), y.min(image.height() - 1)).0.map(f32::from);
        (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255.0
    };
    let around = luma(x.saturating_sub(1), y) + luma(x + 1, y) + luma(x, y.saturating_sub(1)) + luma(x, y + 1);
    let own = luma(x, y);
    let detail = (4.0 * own - around).abs().min(1.0);
    let [r, g, b] = image.get_pixel(x, y).0.map(|value| f32::from(value) / 255.0);
    let (high, low) = (r.max(g).max(b), r.min(g).min(b));
    let saturation = if high > 0.0 { (high - low) / high } else { 0.0 };
    let colour = if (0.05..=0.9).contains(&own) && saturation > 0.4 { (saturation - 0.4) / 0.6 } else { 0.0 };
    DETAIL * detail + SKIN * skin([r, g, b], own) * (detail + 0.1) + COLOUR * colour * colour
}

/// How near the colour is to that of skin, from 0 to 1 (smartcrop's measure).
fn skin([r, g, b]: [f32; 3], luma: f32) -> f32 {
    const SKIN_COLOUR: [f32; 3] = [0.78, 0.57, 0.44];
    let length = (r * r + g * g + b * b).sqrt();
    if length < 1e-3 || !(0.2..=1.0).contains(&luma) {
        return 0.0;
    }
    let off: f32 = [r, g, b].iter().zip(SKIN_COLOUR).map(|(value, skin)| (value / length - skin).powi(2)).sum();
    ((1.0 - off.sqrt() - 0.8) / 0.2).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, imageops};

    use super::*;
    use crate::engine::fixtures;

    /// A calm sky with one thing in it.
    fn scene(width: u32, height: u32, thing: &RgbImage, left: u32, top: u32) -> RgbImage {
        let mut image = RgbImage::from_fn(width, height, |_, y| Rgb([120, 140, 150 + (y * 40 / height) as u8]));
        imageops::replace(&mut image, thing, left.into(), top.into());
        image
    }

    fn texture(side: u32) -> RgbImage {
        RgbImage::from_fn(side, side, |x, y| Rgb([if (x / 5 + y / 7) % 2 == 0 { 220 } else { 30 }, 90, 60]))
    }

    #[test]
    fn the_thing_is_kept_wherever_it_is() {
        for (width, height, left, top) in
            [(600, 200, 20, 50), (600, 200, 480, 60), (600, 200, 250, 90), (201, 700, 50, 30), (201, 700, 90, 590)]
        {
            let image = scene(width, height, &texture(100), left, top);
            let side = f64::from(width.min(height));
            let (x, y) = hold(&image.clone().into(), (side, side), &fixtures::stop()).unwrap();
            let (at_x, at_y) = ((f64::from(width) - side) * x, (f64::from(height) - side) * y);
            let inside = |at: f64, thing: u32| at <= f64::from(thing) + 3.0 && at + side >= f64::from(thing) + 97.0;
            assert!(inside(at_x, left) && inside(at_y, top), "{width}x{height} {left},{top}: {at_x} {at_y}");
            // The crop and the resize find the same.
            let cropped = fixtures::run(image.clone(), r#"[{"op":"crop","aspect":"1:1","gravity":"smart"}]"#);
            let covered =
                fixtures::run(image, r#"[{"op":"resize","width":100,"height":100,"fit":"cover","gravity":"smart"}]"#);
            let small = fixtures::run(cropped, r#"[{"op":"resize","width":100,"height":100,"fit":"fill"}]"#);
            assert!(fixtures::psnr(&small, &covered) > 28.0, "{}", fixtures::psnr(&small, &covered));
        }
    }

    #[test]
    fn a_face_counts_more_than_grass() {
        let mut image = RgbImage::from_fn(500, 200, |x, y| Rgb([70, 110 + ((x * 7 + y * 13) % 23) as u8, 60]));
        for y in 60..140 {
            for x in 380..450 {
                let eye = (x / 12 + y / 12) % 3 == 0;
                image.put_pixel(x, y, if eye { Rgb([150, 100, 80]) } else { Rgb([224, 172, 140]) });
            }
        }
        let (x, _) = hold(&image.into(), (200.0, 200.0), &fixtures::stop()).unwrap();
        assert!(300.0 * x <= 385.0 && 300.0 * x + 200.0 >= 445.0, "{x}");
    }

    #[test]
    fn nothing_special_is_the_middle_and_every_time_the_same() {
        let flat = DynamicImage::new_rgb8(90, 30);
        assert_eq!(hold(&flat, (30.0, 30.0), &fixtures::stop()).unwrap(), (0.5, 0.5));
        assert_eq!(hold(&DynamicImage::new_luma8(1, 1), (1.0, 1.0), &fixtures::stop()).unwrap(), (0.5, 0.5));
        let photo = DynamicImage::from(fixtures::photo(333, 71));
        let first = hold(&photo, (71.0, 71.0), &fixtures::stop()).unwrap();
        assert_eq!(first, hold(&photo, (71.0, 71.0), &fixtures::stop()).unwrap());
        for image in [fixtures::deep(90, 40), fixtures::disc(80).into(), fixtures::gray(70, 90)] {
            assert!(hold(&image, (20.0, 20.0), &fixtures::stop()).is_ok());
        }
    }
}
