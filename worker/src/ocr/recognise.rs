//! What lines say: pictures of lines in, letters with their places out.

use common::Failure;
use image::{DynamicImage, RgbImage};
use rten_tensor::{NdTensor, prelude::*};

use super::models::Models;
use crate::engine::{Size, Stop, bilinear};

/// The height that the network takes.
const HEIGHT: u32 = 48;
/// Shorter ones are filled up to this width, longer ones than the other are squeezed.
const WIDTHS: [u32; 2] = [160, 3200];
/// Lines that are read at once.
const AT_ONCE: usize = 6;

/// A line that was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) text: String,
    /// For each letter of `text`, where it stands in the width of the line, 0 to 1.
    pub(super) places: Vec<f32>,
    /// Mean of the letters, 0 to 1.
    pub(super) score: f32,
}

/// Reads `crops`, several of like width at once.
pub(super) fn read(models: &Models, crops: &[RgbImage], stop: &Stop) -> Result<Vec<Said>, Failure> {
    let mut said = vec![Said::default(); crops.len()];
    let mut order: Vec<(u32, usize)> = crops.iter().map(width_for).zip(0..).collect();
    order.sort_unstable();
    let mut rest = &order[..];
    while let Some((narrowest, _)) = rest.first() {
        stop.check()?;
        // Of like width, so that little is filled up.
        let most = narrowest + narrowest / 4 + 16;
        let count = rest.iter().take(AT_ONCE).take_while(|(width, _)| *width <= most).count().max(1);
        let (batch, later) = rest.split_at(count.min(rest.len()));
        let pictures = batch.iter().filter_map(|(width, index)| Some((*width, crops.get(*index)?)));
        let texts = together(models, &pictures.collect::<Vec<_>>(), stop)?;
        for ((_, index), text) in batch.iter().zip(texts) {
            said[*index] = text;
        }
        rest = later;
    }
    Ok(said)
}

fn width_for(crop: &RgbImage) -> u32 {
    (crop.width() * HEIGHT).div_ceil(crop.height().max(1)).clamp(16, WIDTHS[1])
}

fn together(models: &Models, lines: &[(u32, &RgbImage)], stop: &Stop) -> Result<Vec<Said>, Failure> {
    let widest = lines.iter().map(|(width, _)| *width).max().unwrap_or_default().max(WIDTHS[0]);
    let (width, height) = (widest.next_multiple_of(8) as usize, HEIGHT as usize);
    let mut data = vec![0f32; lines.len() * 3 * width * height];
    for ((own, crop), planes) in lines.iter().zip(data.chunks_exact_mut(3 * width * height)) {
        let small = bilinear(&DynamicImage::from((*crop).clone()), Size::new(*own, HEIGHT), stop)?.into_rgb8();
        for (x, y, pixel) in small.enumerate_pixels() {
            for (plane, channel) in [2, 1, 0].into_iter().enumerate() {
                let at = (plane * height + y as usize) * width + x as usize;
                planes[at] = f32::from(pixel.0[channel]) / 127.5 - 1.0;
            }
        }
    }
    let output = models.recognise(NdTensor::from_data([lines.len(), 3, height, width], data))?;
    let [_, places, classes] = output.shape()[..] else {
        return Err(Failure::internal(&"the network for letters answers in another shape"));
    };
    let likely = output.to_vec();
    let said = likely.chunks_exact((places * classes).max(1)).zip(lines);
    Ok(said.map(|(likely, (own, _))| decode(models, likely, classes, width as f32 / *own as f32)).collect())
}

/// The likeliest class at each place; repeated ones count once, and the first class stands for nothing (CTC).
fn decode(models: &Models, likely: &[f32], classes: usize, stretch: f32) -> Said {
    let mut said = Said::default();
    let places = (likely.len() / classes.max(1)).max(1) as f32;
    let (mut last, mut sum, mut count) = (0, 0.0, 0u16);
    for (place, row) in likely.chunks_exact(classes.max(1)).enumerate() {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let Some((class, score)) = best else { continue };
        if class != 0
            && class != last
            && let Some(letter) = models.letter(class)
        {
            let at = ((place as f32 + 0.5) / places * stretch).min(1.0);
            said.text.push_str(letter);
            said.places.extend(letter.chars().map(|_| at));
            sum += score;
            count += 1;
        }
        last = class;
    }
    said.score = if count == 0 { 0.0 } else { sum / f32::from(count) };
    said
}
