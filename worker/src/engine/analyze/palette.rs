//! The main colours: k-means in Oklab, where distances are those the eye sees.

use common::{Failure, analysis::Swatch};
use csscolorparser::NAMED_COLORS;
use image::RgbaImage;

use crate::engine::Stop;

/// The most colours.
const MOST: usize = 8;
/// Pixels along a side that are looked at.
const SAMPLES: u32 = 128;
const ROUNDS: usize = 16;
/// Colours nearer than this are one.
const NEAR: f32 = 0.06;
/// A colour that is rarer than this is not told.
const RARE: f64 = 0.005;

type Lab = [f32; 3];

/// The colours of what can be seen of `image`, the most frequent first.
pub(super) fn of(image: &RgbaImage, stop: &Stop) -> Result<Vec<Swatch>, Failure> {
    let (columns, rows) = (image.width().min(SAMPLES), image.height().min(SAMPLES));
    let mut colors: Vec<(Lab, f32)> = Vec::with_capacity((columns * rows) as usize);
    for y in 0..rows {
        for x in 0..columns {
            // One pixel of each tile, not its mean: a mean is a colour that nobody sees.
            let place = (middle(x, columns, image.width()), middle(y, rows, image.height()));
            let [r, g, b, alpha] = image.get_pixel(place.0, place.1).0;
            if alpha >= 16 {
                colors.push((lab([r, g, b]), f32::from(alpha) / 255.0));
            }
        }
    }
    let mut groups = Vec::new();
    let mut centers = far_apart(&colors);
    for _ in 0..ROUNDS {
        stop.check()?;
        groups = grouped(&colors, &centers);
        let moved = groups.iter().map(|(center, _)| *center).collect();
        if std::mem::replace(&mut centers, moved) == centers {
            break;
        }
    }
    Ok(swatches(joined(groups)))
}

fn middle(at: u32, of: u32, side: u32) -> u32 {
    ((u64::from(at) * 2 + 1) * u64::from(side) / (u64::from(of) * 2)) as u32
}

fn distance(a: Lab, b: Lab) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
}

/// The mean colour, then again and again the one that is farthest from all so far.
fn far_apart(colors: &[(Lab, f32)]) -> Vec<Lab> {
    let Some((first, _)) = colors.first() else { return Vec::new() };
    let mut centers = vec![*first];
    let mut nearest: Vec<f32> = colors.iter().map(|(color, _)| distance(*color, *first)).collect();
    while centers.len() < MOST {
        let farthest = nearest.iter().zip(colors).max_by(|a, b| a.0.total_cmp(b.0));
        let Some((far, (color, _))) = farthest.filter(|(far, _)| **far > NEAR) else { break };
        let (_, color) = (far, *color);
        for (near, (other, _)) in nearest.iter_mut().zip(colors) {
            *near = near.min(distance(*other, color));
        }
        centers.push(color);
    }
    centers
}

/// The mean and the weight of the colours that are nearest to each center.
fn grouped(colors: &[(Lab, f32)], centers: &[Lab]) -> Vec<(Lab, f64)> {
    let mut sums = vec![([0f64; 3], 0f64); centers.len()];
    for (color, weight) in colors {
        let nearest =
            (0..centers.len()).min_by(|a, b| distance(*color, centers[*a]).total_cmp(&distance(*color, centers[*b])));
        let Some(sum) = nearest.and_then(|nearest| sums.get_mut(nearest)) else { continue };
        sum.1 += f64::from(*weight);
        sum.0.iter_mut().zip(color).for_each(|(sum, value)| *sum += f64::from(*value) * f64::from(*weight));
    }
    let mean = |(sum, weight): ([f64; 3], f64)| (sum.map(|value| (value / weight) as f32), weight);
    sums.into_iter().filter(|(_, weight)| *weight > 0.0).map(mean).collect()
}

/// Groups that look the same, together.
fn joined(mut groups: Vec<(Lab, f64)>) -> Vec<(Lab, f64)> {
    groups.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut kept: Vec<(Lab, f64)> = Vec::new();
    for (color, weight) in groups {
        match kept.iter_mut().find(|(other, _)| distance(*other, color) < NEAR) {
            Some(same) => same.1 += weight,
            None => kept.push((color, weight)),
        }
    }
    kept.sort_by(|a, b| b.1.total_cmp(&a.1));
    kept
}

fn swatches(groups: Vec<(Lab, f64)>) -> Vec<Swatch> {
    let all: f64 = groups.iter().map(|(_, weight)| weight).sum();
    let shares = groups.into_iter().map(|(color, weight)| (color, weight / all.max(1e-9)));
    let told = shares.filter(|(_, share)| *share >= RARE).map(|(color, share)| {
        let [r, g, b] = rgb(color);
        Swatch { hex: format!("#{r:02x}{g:02x}{b:02x}"), name: name(color), share: super::rounded(share) }
    });
    told.collect()
}

/// The CSS colour that is nearest.
fn name(color: Lab) -> String {
    let far = |rgb: &[u8; 3]| distance(lab(*rgb), color);
    let nearest = NAMED_COLORS.entries().min_by(|a, b| far(a.1).total_cmp(&far(b.1)));
    nearest.map_or_else(String::new, |(name, _)| name.as_str().to_owned())
}

/// sRGB to Oklab (Ottosson, 2020).
fn lab(rgb: [u8; 3]) -> Lab {
    let [r, g, b] = rgb.map(|value| {
        let value = f32::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

fn rgb([light, a, b]: Lab) -> [u8; 3] {
    let l = (light + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (light - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (light - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    let linear = [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ];
    linear.map(|value| {
        let value = value.clamp(0.0, 1.0);
        let value = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round() as u8
    })
}
