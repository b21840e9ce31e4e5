//! Gaussian blur, row by row, as `blur` and `sharpen` need it.
//!
//! Separable: every row is blurred sideways once into a ring of rows, and the rows of the ring are added up downwards.
//! Colours are weighted by alpha throughout, so that invisible colours do not bleed into visible ones. Beyond the edge
//! the picture goes on with its outermost pixels.

mod fixed;
mod ring;

use common::Failure;
use image::{DynamicImage, Pixel};

use self::ring::{Ring, Term};
use super::{
    Stop,
    level::{Level, Work},
    limits::Size,
    pixels::{Buffer, Sample, each_buffer, has_alpha},
    step::resize::bilinear,
};

/// From this standard deviation on a smaller copy is blurred instead: it has nothing left that the full size would show.
const SMALLER_FROM: f32 = 20.0;

/// The standard deviation that is left for the smaller copy, in its pixels.
const SIGMA_LEFT: f32 = 8.0;

/// Blurs with standard deviation `sigma` pixels and gives every row, in order, to `sink`: its number, and its samples,
/// not premultiplied.
pub(crate) fn rows<P: Pixel>(
    source: &Buffer<P>,
    sigma: f32,
    stop: &Stop,
    mut sink: impl FnMut(usize, &[f32]),
) -> Result<(), Failure>
where
    P::Subpixel: Sample,
    DynamicImage: From<Buffer<P>>,
{
    if sigma < SMALLER_FROM {
        return direct(source, sigma, stop, sink);
    }
    let soft = by_smaller_copy(source.clone().into(), sigma, stop)?;
    let stride = source.width() as usize * usize::from(P::CHANNEL_COUNT);
    each_buffer!(&soft, buffer => {
        let mut row = vec![0.0; stride];
        for (y, samples) in buffer.as_raw().chunks_exact(stride.max(1)).enumerate() {
            row.iter_mut().zip(samples).for_each(|(to, from)| *to = from.float());
            sink(y, &row);
        }
        Ok(())
    })
}

/// Scales down, blurs the rest of the way, scales up. Both scalings blur, too; their share is taken off.
fn by_smaller_copy(source: DynamicImage, sigma: f32, stop: &Stop) -> Result<DynamicImage, Failure> {
    let factor = (sigma / SIGMA_LEFT).floor();
    let full = Size::new(source.width(), source.height());
    let side = |pixels: u32| ((pixels as f32 / factor).round() as u32).max(1);
    let small = bilinear(&source, Size::new(side(full.width), side(full.height)), stop)?;
    drop(source);
    // A triangle of half-width f has the variance f²/6; there are two, one down and one up.
    let left = ((sigma * sigma - factor * factor / 3.0) / (factor * factor)).sqrt();
    bilinear(&blurred(small, left, stop)?, full, stop)
}

/// The picture, blurred with standard deviation `sigma` pixels.
///
/// # Errors
/// What `stop` says.
pub(crate) fn blurred(mut image: DynamicImage, sigma: f32, stop: &Stop) -> Result<DynamicImage, Failure> {
    if sigma >= SMALLER_FROM {
        return by_smaller_copy(image, sigma, stop);
    }
    let width = image.width() as usize;
    let plain: Option<(&mut [u8], usize)> = match &mut image {
        DynamicImage::ImageLuma8(buffer) => Some((buffer, 1)),
        DynamicImage::ImageRgb8(buffer) => Some((buffer, 3)),
        _ => None,
    };
    if let Some((samples, channels)) = plain {
        fixed::blur(samples, width, channels, &half_kernel(sigma), stop)?;
        return Ok(image);
    }
    each_buffer!(&image, buffer => by_floats(buffer, sigma, stop).map(DynamicImage::from))
}

fn by_floats<P: Pixel>(source: &Buffer<P>, sigma: f32, stop: &Stop) -> Result<Buffer<P>, Failure>
where
    P::Subpixel: Sample,
{
    let mut result = Buffer::<P>::new(source.width(), source.height());
    let stride = source.width() as usize * usize::from(P::CHANNEL_COUNT);
    direct(source, sigma, stop, |y, row| {
        if let Some(to) = result.get_mut(y * stride..(y + 1) * stride) {
            to.iter_mut().zip(row).for_each(|(to, from)| *to = P::Subpixel::from_float(*from));
        }
    })?;
    Ok(result)
}

/// Half of the bell: the weight of the middle, then those outwards; all together 1.
fn half_kernel(sigma: f32) -> Vec<f32> {
    let radius = (3.2 * sigma).ceil().max(1.0) as usize;
    let bell = |distance: usize| (-0.5 * (distance as f64 / f64::from(sigma)).powi(2)).exp();
    let sum = 1.0 + 2.0 * (1..=radius).map(bell).sum::<f64>();
    (0..=radius).map(|distance| (bell(distance) / sum) as f32).collect()
}

fn direct<P: Pixel>(
    source: &Buffer<P>,
    sigma: f32,
    stop: &Stop,
    mut sink: impl FnMut(usize, &[f32]),
) -> Result<(), Failure>
where
    P::Subpixel: Sample,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let (stride, height) = (source.width() as usize * channels, source.height() as usize);
    if stride == 0 || height == 0 {
        return Ok(());
    }
    let level = Level::detect();
    let mut ring = Ring::new(half_kernel(sigma), 0.0, channels, stride, height);
    let mut input = source.as_raw().chunks_exact(stride);
    for y in 0..height {
        stop.check()?;
        while ring.next(y).is_some() {
            level.run(Load::<P>(&mut ring, input.next().unwrap_or_default()));
        }
        level.run(AddUp(&mut ring, y));
        if has_alpha::<P>() {
            unweight(&mut ring.row, channels, P::Subpixel::MAX);
        }
        sink(y, &ring.row);
    }
    Ok(())
}

impl Term for f32 {
    #[inline(always)]
    fn times(self, weight: Self) -> Self {
        self * weight
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

/// Loads a row, colours weighted by alpha.
struct Load<'a, P: Pixel>(&'a mut Ring<f32>, &'a [P::Subpixel]);

impl<P: Pixel> Work for Load<'_, P>
where
    P::Subpixel: Sample,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self(ring, samples) = self;
        ring.load(|row| {
            row.iter_mut().zip(samples).for_each(|(to, from)| *to = from.float());
            for pixel in row.chunks_exact_mut(usize::from(P::CHANNEL_COUNT)).filter(|_| has_alpha::<P>()) {
                if let Some((alpha, colors)) = pixel.split_last_mut() {
                    let weight = *alpha / P::Subpixel::MAX;
                    colors.iter_mut().for_each(|color| *color *= weight);
                }
            }
        });
    }
}

/// Adds up the rows around the one with this number.
struct AddUp<'a>(&'a mut Ring<f32>, usize);

impl Work for AddUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.0.add_up(self.1);
    }
}

/// Takes the weight of alpha off the colours again.
fn unweight(row: &mut [f32], channels: usize, max: f32) {
    for pixel in row.chunks_exact_mut(channels) {
        if let Some((alpha, colors)) = pixel.split_last_mut() {
            let weight = if *alpha > 0.0 { max / *alpha } else { 0.0 };
            colors.iter_mut().for_each(|color| *color *= weight);
        }
    }
}
