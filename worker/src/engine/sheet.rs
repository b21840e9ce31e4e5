//! Several pictures on one, side by side: what a reply shows of them.

use common::Failure;
use image::{DynamicImage, RgbImage, imageops};

use super::{
    Engine, Preview, PreviewKind, Stop,
    limits::Size,
    pixels::{flatten, narrow},
    preview,
    step::resize,
};

/// The longest side of each, and what is between them.
const TILE: u32 = 480;
const GAP: u32 = 8;

impl Engine {
    /// The pictures in rows, as nearly a square as they come, in their order; one alone is its own preview.
    ///
    /// # Errors
    /// What is wrong with a file, or what `stop` says.
    pub fn sheet(&self, pictures: &[&[u8]], kind: PreviewKind, stop: &Stop) -> Result<Option<Preview>, Failure> {
        if let [only] = pictures {
            return self.look(
                &[("image", only)],
                |_| 0,
                stop,
                |seen| match seen.into_iter().next() {
                    Some(seen) => preview::make(&seen.image, None, kind, stop),
                    None => Ok(None),
                },
            );
        }
        let mut tiles = Vec::with_capacity(pictures.len());
        for picture in pictures {
            tiles.push(self.look(&[("image", picture)], |_| 0, stop, |seen| tile(seen, stop))?);
        }
        let Some(sheet) = laid_out(&tiles) else { return Ok(None) };
        preview::make(&sheet.into(), None, kind, stop)
    }
}

fn tile(seen: Vec<super::look::Seen>, stop: &Stop) -> Result<RgbImage, Failure> {
    let Some(seen) = seen.into_iter().next() else { return Err(Failure::internal(&"a picture got lost")) };
    let size = resize::inside(Size::new(seen.image.width(), seen.image.height()), TILE);
    let small: DynamicImage = narrow(resize::scaled(&seen.image, size, stop)?);
    Ok(flatten(small, common::recipe::Color::WHITE).into_rgb8())
}

/// Each in the middle of its place.
fn laid_out(tiles: &[RgbImage]) -> Option<RgbImage> {
    let width = tiles.iter().map(RgbImage::width).max()?;
    let height = tiles.iter().map(RgbImage::height).max()?;
    let columns = (1..).find(|columns| columns * columns >= tiles.len()).unwrap_or(1);
    let rows = tiles.len().div_ceil(columns);
    let whole = |count: usize, side: u32| count as u32 * (side + GAP) + GAP;
    let mut sheet = RgbImage::from_pixel(whole(columns, width), whole(rows, height), image::Rgb([255; 3]));
    for (index, tile) in tiles.iter().enumerate() {
        let left = whole(index % columns, width) + (width - tile.width()) / 2;
        let top = whole(index / columns, height) + (height - tile.height()) / 2;
        imageops::replace(&mut sheet, tile, i64::from(left), i64::from(top));
    }
    Some(sheet)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;
    use crate::engine::fixtures::{decoded, engine, png, stop};

    #[test]
    fn pictures_stand_in_rows_in_their_order() {
        let colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255]];
        let files: Vec<Vec<u8>> = colors.iter().map(|color| png(RgbImage::from_pixel(960, 480, Rgb(*color)))).collect();
        let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let sheet = engine().sheet(&files, PreviewKind::Preview, &stop()).unwrap().unwrap();
        let sheet = decoded(&sheet.bytes).to_rgb8();
        assert_eq!(sheet.dimensions(), (2 * 488 + 8, 2 * 248 + 8));
        for (color, (x, y)) in colors.iter().zip([(240, 120), (740, 120), (240, 370)]) {
            let seen = sheet.get_pixel(x, y).0;
            assert!(seen.iter().zip(color).all(|(seen, color)| seen.abs_diff(*color) < 12), "{seen:?} {color:?}");
        }
        assert!(sheet.get_pixel(740, 370).0.iter().all(|light| *light > 245));
    }

    #[test]
    fn one_is_its_own_preview() {
        let file = png(RgbImage::from_pixel(2000, 1000, Rgb([9, 9, 9])));
        let preview = engine().sheet(&[&file], PreviewKind::Preview, &stop()).unwrap().unwrap();
        assert_eq!((preview.width, preview.height), (1024, 512));
    }
}
