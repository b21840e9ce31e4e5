//! How alike two pictures look: the mean structural similarity of their luma (Wang et al., 2004).
//!
//! Windows of 8 x 8 pixels, 4 apart, all of the same weight, as x264 and FFmpeg's `ssim` filter have them.

use common::Failure;
use image::DynamicImage;

use super::{
    Stop,
    pixels::{Buffer, Sample, each_buffer, luma_of},
};

/// Side of the blocks of which four make a window.
const BLOCK: usize = 4;

/// (0.01 * 255)² and (0.03 * 255)².
const C1: f64 = 6.5025;
const C2: f64 = 58.5225;

/// The luma of a picture, 0 to 255, row by row; what is transparent counts by its alpha, as on black.
pub(crate) struct Luma {
    width: usize,
    samples: Vec<u8>,
}

impl Luma {
    /// # Errors
    /// What `stop` says.
    pub(crate) fn of(image: &DynamicImage, stop: &Stop) -> Result<Self, Failure> {
        fn of<P: image::Pixel>(buffer: &Buffer<P>, stop: &Stop) -> Result<Vec<u8>, Failure>
        where
            P::Subpixel: Sample,
        {
            let channels = usize::from(P::CHANNEL_COUNT);
            let mut samples = Vec::with_capacity(buffer.width() as usize * buffer.height() as usize);
            for row in buffer.as_raw().chunks_exact((buffer.width() as usize * channels).max(1)) {
                stop.check()?;
                samples.extend(row.chunks_exact(channels).map(|pixel| {
                    let alpha =
                        if channels.is_multiple_of(2) { pixel[channels - 1].float() / P::Subpixel::MAX } else { 1.0 };
                    u8::from_float(luma_of(pixel) * alpha * 255.0 / P::Subpixel::MAX)
                }));
            }
            Ok(samples)
        }
        let samples = each_buffer!(image, buffer => of(buffer, stop))?;
        Ok(Self { width: (image.width() as usize).max(1), samples })
    }

    fn row(&self, y: usize) -> &[u8] {
        self.samples.get(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }

    fn height(&self) -> usize {
        self.samples.len() / self.width
    }
}

/// The sums over a block or a window: a, b, a² + b², a * b.
#[derive(Clone, Copy, Default)]
struct Sums([u32; 4]);

impl Sums {
    fn add(&mut self, a: &[u8], b: &[u8]) {
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (u32::from(*a), u32::from(*b));
            self.0[0] += a;
            self.0[1] += b;
            self.0[2] += a * a + b * b;
            self.0[3] += a * b;
        }
    }

    fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|part| self.0[part] + other.0[part]))
    }

    fn similarity(self, pixels: f64) -> f64 {
        let [a, b, squares, products] = self.0.map(f64::from);
        let variances = squares * pixels - a * a - b * b;
        let covariance = products * pixels - a * b;
        let (c1, c2) = (C1 * pixels * pixels, C2 * pixels * pixels);
        (2.0 * a * b + c1) * (2.0 * covariance + c2) / ((a * a + b * b + c1) * (variances + c2))
    }
}

/// From -1 to 1, where 1 is the same picture. Of pictures of different sizes, 0.
///
/// # Errors
/// What `stop` says.
pub(crate) fn between(one: &Luma, other: &Luma, stop: &Stop) -> Result<f64, Failure> {
    if (one.width, one.samples.len()) != (other.width, other.samples.len()) {
        return Ok(0.0);
    }
    let (columns, rows) = (one.width / BLOCK, one.height() / BLOCK);
    if columns < 2 || rows < 2 {
        // Too small for a window: one of all pixels.
        let mut all = Sums::default();
        let count = one.samples.len().min(64);
        all.add(one.samples.get(..count).unwrap_or_default(), other.samples.get(..count).unwrap_or_default());
        return Ok(all.similarity(count.max(1) as f64));
    }
    let mut above = blocks(one, other, 0, columns);
    let mut sum = 0.0;
    for row in 1..rows {
        stop.check()?;
        let here = blocks(one, other, row, columns);
        for (up, down) in above.windows(2).zip(here.windows(2)) {
            if let ([a, b], [c, d]) = (up, down) {
                sum += a.and(*b).and(c.and(*d)).similarity(64.0);
            }
        }
        above = here;
    }
    Ok(sum / ((columns - 1) * (rows - 1)) as f64)
}

/// The sums of one row of blocks.
fn blocks(one: &Luma, other: &Luma, row: usize, columns: usize) -> Vec<Sums> {
    let mut sums = vec![Sums::default(); columns];
    for y in row * BLOCK..(row + 1) * BLOCK {
        let (one, other) = (one.row(y).chunks_exact(BLOCK), other.row(y).chunks_exact(BLOCK));
        for (sum, (a, b)) in sums.iter_mut().zip(one.zip(other)) {
            sum.add(a, b);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma as Gray, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;
    use crate::engine::fixtures;

    fn ssim(one: impl Into<DynamicImage>, other: impl Into<DynamicImage>) -> f64 {
        let stop = fixtures::stop();
        let luma = |image: DynamicImage| Luma::of(&image, &stop).unwrap();
        between(&luma(one.into()), &luma(other.into()), &stop).unwrap()
    }

    /// The formula as it stands in the paper, window by window.
    fn by_the_paper(one: &GrayImage, other: &GrayImage) -> f64 {
        let (mut sum, mut windows) = (0.0, 0.0);
        for top in (0..=one.height() / 4 * 4 - 8).step_by(4) {
            for left in (0..=one.width() / 4 * 4 - 8).step_by(4) {
                let values = |image: &GrayImage| -> Vec<f64> {
                    (0..64).map(|at| f64::from(image.get_pixel(left + at % 8, top + at / 8).0[0])).collect()
                };
                let (a, b) = (values(one), values(other));
                let mean = |values: &[f64]| values.iter().sum::<f64>() / 64.0;
                let (ma, mb) = (mean(&a), mean(&b));
                let mean_of =
                    |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(&b).map(|(a, b)| f(*a, *b)).sum::<f64>() / 64.0;
                let (va, vb) = (mean_of(&|a, _| (a - ma).powi(2)), mean_of(&|_, b| (b - mb).powi(2)));
                let covariance = mean_of(&|a, b| (a - ma) * (b - mb));
                sum += (2.0 * ma * mb + C1) * (2.0 * covariance + C2) / ((ma * ma + mb * mb + C1) * (va + vb + C2));
                windows += 1.0;
            }
        }
        sum / windows
    }

    #[test]
    fn agrees_with_the_paper() {
        for (width, height) in [(8, 8), (63, 41), (200, 120)] {
            let one = DynamicImage::from(fixtures::photo(width, height)).into_luma8();
            let noisy = GrayImage::from_fn(width, height, |x, y| {
                Gray([one.get_pixel(x, y).0[0].saturating_add(((x * 31 + y * 17) % 29) as u8)])
            });
            let (ours, paper) = (ssim(one.clone(), noisy.clone()), by_the_paper(&one, &noisy));
            assert!((ours - paper).abs() < 1e-9, "{width}x{height}: {ours} {paper}");
            assert!(ours < 0.999);
        }
    }

    #[test]
    fn the_same_is_one_whatever_its_kind() {
        for image in
            [fixtures::photo(70, 50).into(), fixtures::gray(9, 3), fixtures::deep(40, 40), fixtures::disc(33).into()]
        {
            assert!((ssim(image.clone(), image) - 1.0).abs() < 1e-12);
        }
        let clear = RgbaImage::from_pixel(16, 16, Rgba([255, 255, 255, 0]));
        assert!((ssim(clear, RgbImage::from_pixel(16, 16, Rgb([0; 3]))) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn other_sizes_and_other_pictures_are_not_alike() {
        assert_eq!(ssim(fixtures::photo(40, 40), fixtures::photo(41, 40)), 0.0);
        let photo = fixtures::photo(160, 160);
        assert!(ssim(photo.clone(), image::imageops::rotate90(&photo)) < 0.8);
        assert!(ssim(RgbImage::from_pixel(3, 2, Rgb([250; 3])), RgbImage::new(3, 2)) < 0.1);
    }
}
