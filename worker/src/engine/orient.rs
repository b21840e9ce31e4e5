//! Mirroring and quarter turns, exact: what EXIF orientation, `flip`, `flop` and `rotate` by 90° have in common.

use common::Failure;
use image::{DynamicImage, ImageBuffer, Pixel};

use super::{
    Stop,
    pixels::{Buffer, each_buffer, unexpected},
};

/// Pixels of a side of the tiles in which turned pictures are copied: reading down a column of a large picture would
/// miss the cache at every pixel.
const TILE: usize = 32;

/// Mirrored left to right, as an EXIF orientation.
pub(crate) const FLOP: u8 = 2;
/// Half a turn, as an EXIF orientation.
pub(crate) const HALF: u8 = 3;
/// Mirrored top to bottom, as an EXIF orientation.
pub(crate) const FLIP: u8 = 4;
/// A quarter turn clockwise, as an EXIF orientation.
pub(crate) const RIGHT: u8 = 6;
/// A quarter turn counter-clockwise, as an EXIF orientation.
pub(crate) const LEFT: u8 = 8;

/// Whether turning by `orientation` exchanges width and height.
pub(crate) fn swaps_sides(orientation: u8) -> bool {
    (5..=8).contains(&orientation)
}

/// Moves the pixels so that a picture stored with EXIF `orientation` stands upright.
pub(crate) fn turned(image: DynamicImage, orientation: u8, stop: &Stop) -> Result<DynamicImage, Failure> {
    if !(2..=8).contains(&orientation) {
        return Ok(image);
    }
    each_buffer!(image, buffer => turn(&buffer, orientation, stop).map(DynamicImage::from))
}

/// The same for samples of one channel, `w` by `h`.
pub(crate) fn turned_samples(
    from: &[u8],
    w: usize,
    h: usize,
    orientation: u8,
    stop: &Stop,
) -> Result<Vec<u8>, Failure> {
    copy::<_, 1>(from, w, h, orientation, stop)
}

/// Where a part (left, top, width, height) of a picture of `w` by `h` is after turning.
pub(crate) fn turned_part(part: (f64, f64, f64, f64), w: f64, h: f64, orientation: u8) -> (f64, f64, f64, f64) {
    let (left, top, width, height) = part;
    let (right, bottom) = (w - left - width, h - top - height);
    match orientation {
        2 => (right, top, width, height),
        3 => (right, bottom, width, height),
        4 => (left, bottom, width, height),
        5 => (top, left, height, width),
        6 => (bottom, left, height, width),
        7 => (bottom, right, height, width),
        8 => (top, right, height, width),
        _ => part,
    }
}

fn turn<P: Pixel>(source: &Buffer<P>, orientation: u8, stop: &Stop) -> Result<Buffer<P>, Failure> {
    let (w, h) = source.dimensions();
    let (width, height) = if swaps_sides(orientation) { (h, w) } else { (w, h) };
    let from = source.as_raw();
    let samples = match P::CHANNEL_COUNT {
        1 => copy::<_, 1>(from, w as usize, h as usize, orientation, stop),
        2 => copy::<_, 2>(from, w as usize, h as usize, orientation, stop),
        3 => copy::<_, 3>(from, w as usize, h as usize, orientation, stop),
        _ => copy::<_, 4>(from, w as usize, h as usize, orientation, stop),
    }?;
    ImageBuffer::from_raw(width, height, samples).ok_or_else(|| unexpected("a turned picture of another size"))
}

/// Copies pixels of `N` samples from a source of `w` by `h`.
fn copy<T: Copy, const N: usize>(
    from: &[T],
    w: usize,
    h: usize,
    orientation: u8,
    stop: &Stop,
) -> Result<Vec<T>, Failure> {
    let (from, _) = from.as_chunks::<N>();
    let Some(first) = from.first() else { return Ok(Vec::new()) };
    // Where the pixel (x, y) of the result comes from: start + x * right + y * down.
    let (wide, high) = (w as isize, h as isize);
    let (last_column, last_row) = (wide - 1, (high - 1) * wide);
    let (start, right, down) = match orientation {
        2 => (last_column, -1, wide),
        3 => (last_row + last_column, -1, -wide),
        4 => (last_row, 1, -wide),
        5 => (0, wide, 1),
        6 => (last_row, -wide, 1),
        7 => (last_row + last_column, -wide, -1),
        _ => (last_column, wide, -1),
    };
    let (out_w, out_h) = if swaps_sides(orientation) { (h, w) } else { (w, h) };
    let mut to = vec![*first; from.len()];
    for top in (0..out_h).step_by(TILE) {
        stop.check()?;
        for left in (0..out_w).step_by(TILE) {
            let columns = left..(left + TILE).min(out_w);
            for y in top..(top + TILE).min(out_h) {
                let Some(row) = to.get_mut(y * out_w + columns.start..y * out_w + columns.end) else { continue };
                let mut at = start + columns.start as isize * right + y as isize * down;
                for pixel in row {
                    if let Some(source) = from.get(at.unsigned_abs()) {
                        *pixel = *source;
                    }
                    at += right;
                }
            }
        }
    }
    Ok(to.into_flattened())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use image::{RgbImage, metadata::Orientation};

    use super::*;

    #[test]
    fn all_orientations_agree_with_the_standard() {
        let stop = Stop::new(Duration::from_secs(60));
        // Larger than a tile, and no multiple of one.
        let source = RgbImage::from_fn(45, 70, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
        for orientation in 1..=8 {
            let ours = turned(source.clone().into(), orientation, &stop).unwrap();
            let mut reference = DynamicImage::from(source.clone());
            reference.apply_orientation(Orientation::from_exif(orientation).unwrap());
            assert_eq!(ours, reference, "orientation {orientation}");
        }
    }
}
