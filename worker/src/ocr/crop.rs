//! One line of a picture by itself, made straight.

use image::{Rgb, RgbImage, imageops};

use super::slanted::Slanted;

/// The part of `image` within `place`, turned so that its text runs from left to right.
pub(super) fn of(image: &RgbImage, place: &Slanted) -> RgbImage {
    let side = |length: f32| length.round().clamp(2.0, 8192.0) as u32;
    let (width, height) = (side(place.width), side(place.height));
    let straight = RgbImage::from_fn(width, height, |x, y| {
        let [x, y] = place.at((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32);
        between(image, x - 0.5, y - 0.5)
    });
    if height as f32 >= 1.5 * width as f32 { imageops::rotate270(&straight) } else { straight }
}

/// The colour between four pixels; outside, that of the nearest pixel.
fn between(image: &RgbImage, x: f32, y: f32) -> Rgb<u8> {
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    let (x, y) = (x.clamp(0.0, right as f32), y.clamp(0.0, bottom as f32));
    let (left, top) = (x as u32, y as u32);
    let (tx, ty) = (x - left as f32, y - top as f32);
    let pixel = |x: u32, y: u32| image.get_pixel(x.min(right), y.min(bottom)).0;
    let corners = [pixel(left, top), pixel(left + 1, top), pixel(left, top + 1), pixel(left + 1, top + 1)];
    Rgb(std::array::from_fn(|channel| {
        let [a, b, c, d] = corners.map(|corner| f32::from(corner[channel]));
        let (upper, lower) = (a + (b - a) * tx, c + (d - c) * tx);
        (upper + (lower - upper) * ty + 0.5) as u8
    }))
}
