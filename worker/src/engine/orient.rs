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

/// The one orientation that turns as `first` and then `second`.
pub(crate) fn then(first: u8, second: u8) -> u8 {
    // Where the steps to the right and down in the result lead in the source.
    let axes = |orientation: u8| match orientation {
        2 => [(-1, 0), (0, 1)],
        3 => [(-1, 0), (0, -1)],
        4 => [(1, 0), (0, -1)],
        5 => [(0, 1), (1, 0)],
        6 => [(0, -1), (1, 0)],
        7 => [(0, -1), (-1, 0)],
        8 => [(0, 1), (-1, 0)],
        _ => [(1, 0), (0, 1)],
    };
    let [right, down] = axes(first);
    let both = axes(second).map(|(x, y)| (right.0 * x + down.0 * y, right.1 * x + down.1 * y));
    (1..=8).find(|orientation| axes(*orientation) == both).unwrap_or(1)
}

/// Moves the pixels so that a picture stored with EXIF `orientation` stands upright.
pub(crate) fn turned(image: DynamicImage, orientation: u8, stop: &Stop) -> Result<DynamicImage, Failure> {
    if !(2..=8).contains(&orientation) {
        return Ok(image);
    }
    each_buffer!(image, buffer => turn(&buffer, orientation, stop).map(DynamicImage::from))
}

/// The same for samples of one channel, `w` by `h`, whose rows are `stride` apart.
pub(crate) fn turned_samples(
    mut samples: Vec<u8>,
    (w, h, stride): (usize, usize, usize),
    orientation: u8,
    stop: &Stop,
) -> Result<Vec<u8>, Failure> {
    if swaps_sides(orientation) {
        return swap_sides(&samples, (w, h, stride), orientation, stop);
    }
    tighten(&mut samples, w, h, stride);
    match orientation {
        FLOP => samples.chunks_exact_mut(w.max(1)).for_each(<[u8]>::reverse),
        HALF => samples.reverse(),
        FLIP => {
            let (top, bottom) = samples.split_at_mut(h / 2 * w);
            let rows = top.chunks_exact_mut(w.max(1)).zip(bottom.chunks_exact_mut(w.max(1)).rev());
            rows.for_each(|(one, other)| one.swap_with_slice(other));
        }
        _ => {}
    }
    Ok(samples)
}

/// Closes the gaps between rows.
pub(crate) fn tighten(samples: &mut Vec<u8>, w: usize, h: usize, stride: usize) {
    for row in (1..h).filter(|_| stride > w) {
        samples.copy_within(row * stride..row * stride + w, row * w);
    }
    samples.truncate(w * h);
}

/// The orientations that swap sides, eight by eight samples at a time: a word is a row, and becomes a column.
fn swap_sides(
    from: &[u8],
    (w, h, stride): (usize, usize, usize),
    orientation: u8,
    stop: &Stop,
) -> Result<Vec<u8>, Failure> {
    // Rows of the source become columns of the result: whether the last comes first, and so for columns.
    let (rows_turned, columns_turned) = (matches!(orientation, 6 | 7), matches!(orientation, 7 | 8));
    let place = |turned: bool, at: usize, count: usize, length: usize| if turned { length - at - count } else { at };
    let mut to = vec![0; w * h];
    let mut block_at = |x: usize, y: usize| {
        let (columns, rows) = ((w - x).min(8), (h - y).min(8));
        let mut block = [0_u64; 8];
        for (row, word) in (y..).zip(&mut block).take(rows) {
            *word = word_of(from.get(row * stride + x..row * stride + x + columns).unwrap_or_default());
        }
        transpose(&mut block);
        let column = place(rows_turned, y, rows, h);
        for (at, word) in (x..).zip(block).take(columns) {
            // What is not there is at the end of a word.
            let word = if rows_turned { word.swap_bytes() >> (64 - 8 * rows) } else { word };
            let start = place(columns_turned, at, 1, w) * h + column;
            let Some(to) = to.get_mut(start..start + rows) else { continue };
            match to.first_chunk_mut() {
                Some(whole) => *whole = word.to_le_bytes(),
                None => to.iter_mut().zip(word.to_le_bytes()).for_each(|(to, from)| *to = from),
            }
        }
    };
    for top in (0..h).step_by(2 * TILE) {
        stop.check()?;
        for left in (0..w).step_by(2 * TILE) {
            for x in (left..w.min(left + 2 * TILE)).step_by(8) {
                (top..h.min(top + 2 * TILE)).step_by(8).for_each(|y| block_at(x, y));
            }
        }
    }
    Ok(to)
}

/// At most eight bytes, the first the lowest.
#[inline(always)]
fn word_of(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(whole) => u64::from_le_bytes(*whole),
        None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Exchanges rows and columns of eight by eight bytes (Hacker's Delight, §7-3).
#[inline(always)]
fn transpose(block: &mut [u64; 8]) {
    for (distance, mask) in [(4, 0x0000_0000_ffff_ffff), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff_u64)] {
        for row in (0..8_usize).filter(|row| row & distance == 0) {
            let (one, other) = (block[row], block[row + distance]);
            let shift = 8 * distance;
            let changed = (one >> shift ^ other) & mask;
            block[row] = one ^ changed << shift;
            block[row + distance] = other ^ changed;
        }
    }
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

    #[test]
    fn single_channels_are_turned_as_pixels_are() {
        let stop = Stop::new(Duration::from_secs(60));
        for (w, h) in [(1, 1), (8, 8), (7, 3), (16, 9), (45, 70), (64, 33)] {
            let gray = image::GrayImage::from_fn(w, h, |x, y| image::Luma([(x * 7 + y * 31) as u8]));
            for orientation in 1..=8 {
                // Rows with something behind them.
                let stride = w as usize + 3;
                let rows = gray.as_raw().chunks_exact(w as usize).flat_map(|row| row.iter().copied().chain([1, 2, 3]));
                let shape = (w as usize, h as usize, stride);
                let samples = turned_samples(rows.collect(), shape, orientation, &stop).unwrap();
                let pixels = turned(gray.clone().into(), orientation, &stop).unwrap().into_luma8().into_raw();
                assert_eq!(samples, pixels, "orientation {orientation} of {w} by {h}");
            }
        }
    }

    #[test]
    fn two_turns_are_one() {
        let stop = Stop::new(Duration::from_secs(60));
        let source = DynamicImage::from(RgbImage::from_fn(5, 7, |x, y| image::Rgb([x as u8, y as u8, 9])));
        for first in 1..=8 {
            for second in 1..=8 {
                let two = turned(turned(source.clone(), first, &stop).unwrap(), second, &stop).unwrap();
                let one = turned(source.clone(), then(first, second), &stop).unwrap();
                assert_eq!(one, two, "{first}, then {second}");
            }
        }
    }
}
