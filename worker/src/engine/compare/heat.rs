//! A drawing of what differs: the picture pale and gray, differences in yellow to red, frames around the parts.

use common::{Failure, comparison::Change};
use image::{Rgb, RgbImage};

use super::perceive::Map;
use crate::engine::Stop;

/// The frame around a part.
const FRAME: Rgb<u8> = Rgb([0, 90, 255]);

pub(super) fn draw(a: &RgbImage, map: &Map, changes: &[Change], stop: &Stop) -> Result<RgbImage, Failure> {
    let mut drawing = RgbImage::new(map.width, map.height);
    for (y, row) in drawing.enumerate_rows_mut() {
        stop.check()?;
        for (x, _, pixel) in row {
            let difference = map.at(x, y);
            *pixel = if difference > 0.0 { warm(difference) } else { pale(*a.get_pixel(x, y)) };
        }
    }
    let thick = (map.width.max(map.height) / 800).max(1);
    for change in changes {
        frame(&mut drawing, change, thick);
    }
    Ok(drawing)
}

/// A quarter of its contrast, near white.
fn pale(Rgb([r, g, b]): Rgb<u8>) -> Rgb<u8> {
    let light = (u32::from(r) * 54 + u32::from(g) * 183 + u32::from(b) * 19) / 256;
    Rgb([(190 + light / 4).min(255) as u8; 3])
}

/// From yellow to dark red.
fn warm(difference: f32) -> Rgb<u8> {
    let heat = difference.clamp(0.0, 1.0).sqrt();
    Rgb([(255.0 - 75.0 * heat) as u8, (200.0 * (1.0 - heat)) as u8, 0])
}

/// Outside the part, so that it hides nothing of it.
fn frame(drawing: &mut RgbImage, change: &Change, thick: u32) {
    let part = change.frame;
    let (left, top) = (part.x.saturating_sub(2 * thick), part.y.saturating_sub(2 * thick));
    let right = (part.x + part.width + 2 * thick).min(drawing.width());
    let bottom = (part.y + part.height + 2 * thick).min(drawing.height());
    for y in top..bottom {
        let in_edge = y < top + thick || y + thick >= bottom;
        for x in left..right {
            if in_edge || x < left + thick || x + thick >= right {
                drawing.put_pixel(x, y, FRAME);
            }
        }
    }
}
