//! Gaussian blur, row by row, as `blur` and `sharpen` need it.
//!
//! Separable: every row is blurred sideways once into a ring of rows, and the rows of the ring are added up downwards.
//! Colours are weighted by alpha throughout, so that invisible colours do not bleed into visible ones. Beyond the edge
//! the picture goes on with its outermost pixels.

use common::Failure;
use image::{DynamicImage, Pixel};

use super::{
    Stop,
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
    let soft = each_buffer!(&small, buffer => blurred(buffer, left, stop).map(DynamicImage::from))?;
    bilinear(&soft, full, stop)
}

/// The blurred picture.
pub(crate) fn blurred<P: Pixel>(source: &Buffer<P>, sigma: f32, stop: &Stop) -> Result<Buffer<P>, Failure>
where
    P::Subpixel: Sample,
    DynamicImage: From<Buffer<P>>,
{
    let mut result = Buffer::<P>::new(source.width(), source.height());
    let stride = source.width() as usize * usize::from(P::CHANNEL_COUNT);
    let sink = |y: usize, row: &[f32]| {
        if let Some(to) = result.get_mut(y * stride..(y + 1) * stride) {
            to.iter_mut().zip(row).for_each(|(to, from)| *to = P::Subpixel::from_float(*from));
        }
    };
    if sigma < SMALLER_FROM {
        direct(source, sigma, stop, sink)?;
        return Ok(result);
    }
    rows(source, sigma, stop, sink)?;
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
    let kernel = half_kernel(sigma);
    let radius = kernel.len() - 1;
    let channels = usize::from(P::CHANNEL_COUNT);
    let (width, height) = (source.width() as usize, source.height() as usize);
    let stride = width * channels;
    if stride == 0 || height == 0 {
        return Ok(());
    }
    let lines = 2 * radius + 1;
    let mut ring = vec![0.0_f32; lines * stride];
    let mut padded = vec![0.0_f32; stride + 2 * radius * channels];
    let mut row = vec![0.0_f32; stride];
    let mut loaded = 0;
    let mut input = source.as_raw().chunks_exact(stride);
    for y in 0..height {
        stop.check()?;
        while loaded <= (y + radius).min(height - 1) {
            let Some(samples) = input.next() else { break };
            pad::<P>(samples, radius, &mut padded);
            let slot = loaded % lines * stride;
            if let Some(line) = ring.get_mut(slot..slot + stride) {
                sideways(&padded, &kernel, channels, line);
            }
            loaded += 1;
        }
        let line = |y: usize| {
            let slot = y % lines * stride;
            ring.get(slot..slot + stride).unwrap_or_default()
        };
        scale(&mut row, line(y), kernel.first().copied().unwrap_or(1.0));
        for (distance, weight) in kernel.iter().enumerate().skip(1) {
            add(&mut row, line(y.saturating_sub(distance)), line((y + distance).min(height - 1)), *weight);
        }
        if has_alpha::<P>() {
            unweight(&mut row, channels, P::Subpixel::MAX);
        }
        sink(y, &row);
    }
    Ok(())
}

/// Brings a row into `padded`, colours weighted by alpha, the outermost pixels repeated `radius` times.
fn pad<P: Pixel>(samples: &[P::Subpixel], radius: usize, padded: &mut [f32])
where
    P::Subpixel: Sample,
{
    let channels = usize::from(P::CHANNEL_COUNT);
    let margin = radius * channels;
    let Some(middle) = padded.get_mut(margin..margin + samples.len()) else { return };
    middle.iter_mut().zip(samples).for_each(|(to, from)| *to = from.float());
    if has_alpha::<P>() {
        for pixel in middle.chunks_exact_mut(channels) {
            if let Some((alpha, colors)) = pixel.split_last_mut() {
                let weight = *alpha / P::Subpixel::MAX;
                colors.iter_mut().for_each(|color| *color *= weight);
            }
        }
    }
    let end = margin + samples.len();
    for step in 0..radius {
        padded.copy_within(margin..margin + channels, step * channels);
        padded.copy_within(end - channels..end, end + step * channels);
    }
}

fn sideways(padded: &[f32], kernel: &[f32], channels: usize, line: &mut [f32]) {
    let margin = (kernel.len() - 1) * channels;
    let from = |start: usize| padded.get(start..).unwrap_or_default();
    scale(line, from(margin), kernel.first().copied().unwrap_or(1.0));
    for (distance, weight) in kernel.iter().enumerate().skip(1) {
        add(line, from(margin - distance * channels), from(margin + distance * channels), *weight);
    }
}

fn scale(to: &mut [f32], from: &[f32], weight: f32) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from * weight);
}

fn add(to: &mut [f32], one: &[f32], other: &[f32], weight: f32) {
    to.iter_mut().zip(one.iter().zip(other)).for_each(|(to, (one, other))| *to += (one + other) * weight);
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
