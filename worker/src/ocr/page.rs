//! A picture turned until its text stands upright, and the way back to the picture as it was.

use common::Failure;
use image::{DynamicImage, RgbImage};

use super::{
    crop, detect,
    detect::Found,
    models::Models,
    recognise::{self, Said},
    slanted::{Point, Slanted},
};
use crate::engine::Stop;

/// Lines that are read to tell which way is up.
const PROBES: usize = 3;
/// Text that is read so well stands upright.
const SURE: f32 = 0.85;

/// A picture that was turned.
pub(super) struct Page {
    image: DynamicImage,
    /// Degrees clockwise.
    pub(super) rotation: u16,
    pub(super) found: Found,
}

impl Page {
    /// Turns `image` until most of its text stands upright.
    pub(super) fn upright(models: &Models, image: RgbImage, stop: &Stop) -> Result<Self, Failure> {
        let image = DynamicImage::from(image);
        let found = detect::lines(models, &image, stop)?;
        let mut page = Self { image, rotation: 0, found };
        let length = |tall: bool| -> f32 {
            let places = page.found.places.iter().filter(|place| place.is_tall() == tall);
            places.map(|place| place.width.max(place.height)).sum()
        };
        if length(true) > 2.0 * length(false) {
            page.turn(90, models, stop)?;
        }
        if page.is_upside_down(models, stop)? {
            page.turn(180, models, stop)?;
        }
        Ok(page)
    }

    fn turn(&mut self, degrees: u16, models: &Models, stop: &Stop) -> Result<(), Failure> {
        self.image = if degrees == 90 { self.image.rotate90() } else { self.image.rotate180() };
        self.rotation = (self.rotation + degrees) % 360;
        self.found = detect::lines(models, &self.image, stop)?;
        Ok(())
    }

    /// Whether the longest lines read better from the other side.
    fn is_upside_down(&self, models: &Models, stop: &Stop) -> Result<bool, Failure> {
        let mut longest: Vec<&Slanted> = self.found.places.iter().filter(|place| !place.is_tall()).collect();
        longest.sort_by(|a, b| b.width.total_cmp(&a.width));
        longest.truncate(PROBES);
        let score = |crops: &[RgbImage]| -> Result<f32, Failure> {
            Ok(recognise::read(models, crops, stop)?.iter().map(|said| said.score).sum())
        };
        let pixels = self.pixels()?;
        let mut crops: Vec<RgbImage> = longest.iter().map(|place| crop::of(pixels, place)).collect();
        let count = crops.len() as f32;
        let up = score(&crops)?;
        if crops.is_empty() || up >= SURE * count {
            return Ok(false);
        }
        crops.iter_mut().for_each(image::imageops::rotate180_in_place);
        Ok(score(&crops)? > up + 0.1 * count)
    }

    /// What all its lines say.
    pub(super) fn read(&self, models: &Models, stop: &Stop) -> Result<Vec<Said>, Failure> {
        let (pixels, mut said) = (self.pixels()?, Vec::with_capacity(self.found.places.len()));
        // Not all crops at once: they may be larger than the picture together.
        for places in self.found.places.chunks(64) {
            let crops: Vec<RgbImage> = places.iter().map(|place| crop::of(pixels, place)).collect();
            said.extend(recognise::read(models, &crops, stop)?);
        }
        Ok(said)
    }

    fn pixels(&self) -> Result<&RgbImage, Failure> {
        self.image.as_rgb8().ok_or_else(|| Failure::internal(&"text is read in other pixels than RGB"))
    }

    /// Where a point of the turned picture is in the picture as it was.
    pub(super) fn before(&self, [x, y]: Point) -> Point {
        let (width, height) = (self.image.width() as f32, self.image.height() as f32);
        match self.rotation {
            90 => [y, width - x],
            180 => [width - x, height - y],
            270 => [height - y, x],
            _ => [x, y],
        }
    }
}
