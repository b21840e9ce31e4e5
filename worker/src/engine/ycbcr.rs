//! RGB to YCbCr of JFIF and back (ITU T.871 §7): full range, Rec. 601, in integers of 16 fractional bits.

/// Appends the RGB pixels of a row.
pub(crate) fn to_rgb(y: &[u8], cb: &[u8], cr: &[u8], pixels: &mut Vec<u8>) {
    let start = pixels.len();
    pixels.resize(start + y.len() * 3, 0);
    let Some(to) = pixels.get_mut(start..) else { return };
    for (((to, y), cb), cr) in to.as_chunks_mut::<3>().0.iter_mut().zip(y).zip(cb).zip(cr) {
        let (y, cb, cr) = ((i32::from(*y) << 16) + (1 << 15), i32::from(*cb) - 128, i32::from(*cr) - 128);
        let channel = |value: i32| (value >> 16).clamp(0, 255) as u8;
        *to = [channel(y + 91_881 * cr), channel(y - 22_554 * cb - 46_802 * cr), channel(y + 116_130 * cb)];
    }
}

/// The planes of RGB pixels. `halve`: each two by two samples of colour become one, their mean.
pub(crate) fn from_rgb(pixels: &[u8], width: usize, height: usize, halve: bool) -> [Vec<u8>; 3] {
    let (pixels, _) = pixels.as_chunks::<3>();
    let samples = if halve { width.div_ceil(2) * height.div_ceil(2) } else { pixels.len() };
    let (mut cb, mut cr) = (Vec::with_capacity(samples), Vec::with_capacity(samples));
    let luma = |[r, g, b]: &[u8; 3]| {
        ((19_595 * i32::from(*r) + 38_470 * i32::from(*g) + 7_471 * i32::from(*b) + (1 << 15)) >> 16) as u8
    };
    let y = pixels.iter().map(luma).collect();
    if halve {
        for rows in pixels.chunks(width.max(1) * 2) {
            let (upper, lower) = rows.split_at(width.min(rows.len()));
            let lower = if lower.is_empty() { upper } else { lower };
            for (upper, lower) in upper.chunks(2).zip(lower.chunks(2)) {
                // At the right edge a pixel stands for two.
                let four = [upper.first(), upper.last(), lower.first(), lower.last()];
                let sums = [0, 1, 2]
                    .map(|channel: usize| four.iter().flatten().map(|pixel| i32::from(pixel[channel])).sum::<i32>());
                push_colors(sums, 18, &mut cb, &mut cr);
            }
        }
    } else {
        for pixel in pixels {
            push_colors(pixel.map(i32::from), 16, &mut cb, &mut cr);
        }
    }
    [y, cb, cr]
}

/// Colour of sums of red, green and blue; `shift`: 16, and what divides the sums.
#[inline(always)]
fn push_colors([r, g, b]: [i32; 3], shift: u32, cb: &mut Vec<u8>, cr: &mut Vec<u8>) {
    let middle = (128 << shift) + (1 << (shift - 1));
    let channel = |value: i32| ((middle + value) >> shift).clamp(0, 255) as u8;
    cb.push(channel(-11_059 * r - 21_709 * g + 32_768 * b));
    cr.push(channel(32_768 * r - 27_439 * g - 5_329 * b));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same_color() {
        let pixels: Vec<u8> = (0..3000_u32).map(|i| (i * i * 7 % 256) as u8).collect();
        let [y, cb, cr] = from_rgb(&pixels, 100, 10, false);
        let mut back = Vec::new();
        to_rgb(&y, &cb, &cr, &mut back);
        assert!(pixels.iter().zip(&back).all(|(one, other)| one.abs_diff(*other) <= 2));
        // White, gray and black have no colour; odd sides are halved upwards.
        let [y, cb, cr] = from_rgb(&[[0; 3], [128; 3], [255; 3]].concat(), 3, 1, true);
        assert_eq!((y, cb, cr), (vec![0, 128, 255], vec![128, 128], vec![128, 128]));
    }
}
