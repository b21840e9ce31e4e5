//! From planes of luma and chroma to pixels.

use common::{Failure, Format};
use image::{DynamicImage, ImageBuffer, Luma, LumaA, Rgb, Rgba};

use super::planes::{Frame, Plane};
use crate::engine::codec::{unreadable, unsupported};

/// The pixels of the whole picture, into which frames are drawn; a grid has several.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    channels: usize,
    /// 8: samples are 0 to 255. Otherwise they fill 16 bits, whatever the frames have.
    wide: bool,
    samples: Vec<u16>,
}

/// How luma and chroma become red, green and blue.
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    /// Matrix coefficients (ISO/IEC 23091-2).
    pub(super) number: u32,
    pub(super) full_range: bool,
}

impl Matrix {
    /// The weights of red and blue in luma; `None` where the planes are green, blue and red themselves.
    fn weights(self) -> Result<Option<(f32, f32)>, Failure> {
        Ok(Some(match self.number {
            0 => return Ok(None),
            1 => (0.2126, 0.0722),
            // 2 says nothing, and then it is as for 5 and 6.
            2 | 5 | 6 => (0.299, 0.114),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 => (0.2627, 0.0593),
            number => return Err(unsupported(&format!("AVIF with matrix coefficients {number} cannot be read here."))),
        }))
    }
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32, channels: usize, wide: bool) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self { width, height, channels, wide, samples: vec![0; width * height * channels] }
    }

    /// Whether the last channel is alpha.
    fn has_alpha(&self) -> bool {
        self.channels.is_multiple_of(2)
    }

    /// Draws the colours of `frame` with its upper left corner at `x`, `y`; what lies outside is cut off.
    pub(super) fn draw(&mut self, frame: &Frame, matrix: Matrix, (x, y): (usize, usize)) -> Result<(), Failure> {
        let max = ((1_u32 << frame.bits) - 1) as f32;
        let scale = if self.wide { 65_535.0 } else { 255.0 };
        // The limited range leaves room below black and above white.
        let unit = (1_u32 << (frame.bits - 8)) as f32;
        let (black, luma_range, chroma_range) =
            if matrix.full_range { (0.0, max, max) } else { (16.0 * unit, 219.0 * unit, 224.0 * unit) };
        let middle = 128.0 * unit;
        let broken = || unreadable(Format::Avif);
        let (luma, chroma) = frame.planes.split_first().ok_or_else(broken)?;
        let weights = matrix.weights()?;
        let (channels, width) = (self.channels, self.width);
        let columns = frame.width.min(width.saturating_sub(x));
        for row in 0..frame.height.min(self.height.saturating_sub(y)) {
            let light = luma.row(row).ok_or_else(broken)?;
            let start = ((y + row) * width + x) * channels;
            let target = self.samples.get_mut(start..start + columns * channels).ok_or_else(broken)?;
            let to = |value: f32| (value.clamp(0.0, 1.0) * scale + 0.5) as u16;
            let luma = |sample: u16| (f32::from(sample) - black) / luma_range;
            let [u, v] = chroma else {
                // Monochrome: in every channel of colour the same.
                for (pixel, y) in target.chunks_exact_mut(channels).zip(light) {
                    let colors = if channels < 3 { 1 } else { 3 };
                    pixel.iter_mut().take(colors).for_each(|channel| *channel = to(luma(*y)));
                }
                continue;
            };
            let (u, v) = (u.stretched(frame, row).ok_or_else(broken)?, v.stretched(frame, row).ok_or_else(broken)?);
            for (((pixel, y), u), v) in target.chunks_exact_mut(channels).zip(light).zip(u).zip(v) {
                let y = luma(*y);
                let rgb = if let Some((red, blue)) = weights {
                    let (u, v) = ((u - middle) / chroma_range, (v - middle) / chroma_range);
                    let (r, b) = (y + 2.0 * (1.0 - red) * v, y + 2.0 * (1.0 - blue) * u);
                    [r, (y - red * r - blue * b) / (1.0 - red - blue), b]
                } else {
                    [(v - black) / luma_range, y, (u - black) / luma_range]
                };
                pixel.iter_mut().zip(rgb).for_each(|(channel, value)| *channel = to(value));
            }
        }
        Ok(())
    }

    /// Draws the luma of `frame` as alpha.
    pub(super) fn draw_alpha(&mut self, frame: &Frame, (x, y): (usize, usize)) -> Result<(), Failure> {
        let broken = || unreadable(Format::Avif);
        let luma = frame.planes.first().ok_or_else(broken)?;
        let (low, high) = if frame.full_range {
            (0.0, ((1_u32 << frame.bits) - 1) as f32)
        } else {
            let unit = (1_u32 << (frame.bits - 8)) as f32;
            (16.0 * unit, 219.0 * unit)
        };
        let scale = if self.wide { 65_535.0 } else { 255.0 };
        let columns = frame.width.min(self.width.saturating_sub(x));
        for row in 0..frame.height.min(self.height.saturating_sub(y)) {
            let start = ((y + row) * self.width + x) * self.channels;
            let target = self.samples.get_mut(start..start + columns * self.channels).ok_or_else(broken)?;
            for (pixel, alpha) in target.chunks_exact_mut(self.channels).zip(luma.row(row).ok_or_else(broken)?) {
                let alpha = ((f32::from(*alpha) - low) / high).clamp(0.0, 1.0);
                if let Some(last) = pixel.last_mut() {
                    *last = (alpha * scale + 0.5) as u16;
                }
            }
        }
        Ok(())
    }

    /// Takes the colours out of their weighting by alpha.
    pub(super) fn unweight(&mut self) {
        if !self.has_alpha() {
            return;
        }
        let most = if self.wide { 65_535 } else { 255 };
        for pixel in self.samples.chunks_exact_mut(self.channels) {
            if let Some((alpha, colors)) = pixel.split_last_mut()
                && *alpha > 0
            {
                for color in colors {
                    let whole = u32::from(*color) * most / u32::from(*alpha);
                    *color = whole.min(most) as u16;
                }
            }
        }
    }

    pub(super) fn image(self) -> Result<DynamicImage, Failure> {
        let (width, height) = (self.width as u32, self.height as u32);
        let image = if self.wide {
            let samples = self.samples;
            match self.channels {
                1 => ImageBuffer::<Luma<u16>, _>::from_raw(width, height, samples).map(DynamicImage::from),
                2 => ImageBuffer::<LumaA<u16>, _>::from_raw(width, height, samples).map(DynamicImage::from),
                3 => ImageBuffer::<Rgb<u16>, _>::from_raw(width, height, samples).map(DynamicImage::from),
                _ => ImageBuffer::<Rgba<u16>, _>::from_raw(width, height, samples).map(DynamicImage::from),
            }
        } else {
            let samples: Vec<u8> = self.samples.iter().map(|sample| *sample as u8).collect();
            match self.channels {
                1 => ImageBuffer::<Luma<u8>, _>::from_raw(width, height, samples).map(DynamicImage::from),
                2 => ImageBuffer::<LumaA<u8>, _>::from_raw(width, height, samples).map(DynamicImage::from),
                3 => ImageBuffer::<Rgb<u8>, _>::from_raw(width, height, samples).map(DynamicImage::from),
                _ => ImageBuffer::<Rgba<u8>, _>::from_raw(width, height, samples).map(DynamicImage::from),
            }
        };
        image.ok_or_else(|| unreadable(Format::Avif))
    }
}

impl Plane {
    fn row(&self, row: usize) -> Option<&[u16]> {
        let start = row.checked_mul(self.width)?;
        self.samples.get(start..start.checked_add(self.width)?)
    }

    /// Row `row` of the picture out of a plane that may be half as wide or high: each sample is mixed with its nearest
    /// neighbour, three to one.
    fn stretched(&self, frame: &Frame, row: usize) -> Option<Vec<f32>> {
        let rows = self.samples.len() / self.width.max(1);
        let mixed: Vec<f32> = if rows < frame.height {
            let near = row / 2;
            let far = if row.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(rows - 1) };
            let (near, far) = (self.row(near)?, self.row(far)?);
            near.iter().zip(far).map(|(near, far)| 0.75 * f32::from(*near) + 0.25 * f32::from(*far)).collect()
        } else {
            self.row(row)?.iter().map(|sample| f32::from(*sample)).collect()
        };
        if self.width >= frame.width {
            return Some(mixed);
        }
        let stretched = (0..frame.width).map(|column| {
            let near = column / 2;
            let far = if column.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(mixed.len() - 1) };
            0.75 * mixed[near] + 0.25 * mixed[far]
        });
        Some(stretched.collect())
    }
}
