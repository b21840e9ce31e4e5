//! Reading text in pictures: PP-OCR on RTen, on this machine, with models that come with the program.
//!
//! [`detect`] finds lines, [`page`] turns the picture until they stand upright, [`crop`] cuts them out, [`recognise`]
//! reads them, [`order`] puts them in order, [`written`] makes the result.

pub(crate) mod changes;
mod crop;
mod detect;
pub(crate) mod languages;
pub(crate) mod markdown;
mod models;
mod order;
mod page;
mod parts;
mod recognise;
mod slanted;
#[cfg(test)]
mod tests;
mod written;

use std::{
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use common::{Failure, Warning, reading::Reading, recipe::Color};
use image::DynamicImage;

use self::{models::Models, page::Page};
use crate::engine::{Budget, Engine, Size, Stop, bilinear, fit_inside, flatten, visible_light};

/// What the networks need beside the picture, in bytes; measured at the largest size that they are given.
const MEMORY: u64 = 350 << 20;

/// No letter that the detector can see needs more pixels a side of the whole picture than this; a strip has as many pixels
/// in all.
const LONGEST_SIDE: u32 = 4096;

/// Below this mean the text is probably wrong.
pub(crate) const DOUBTFUL: f64 = 0.8;

/// Reads text. Clones share the models.
#[derive(Clone, Debug)]
pub struct Ocr {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: Option<PathBuf>,
    models: Mutex<Option<Arc<Models>>>,
    /// One picture at a time: the networks use all cores for it.
    turn: Budget,
}

/// What was read in one picture.
#[derive(Clone, Debug)]
pub struct Read {
    /// The text.
    pub reading: Reading,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

impl Ocr {
    /// With the models of `folder`, or those that come with the program, which are loaded when they are needed.
    ///
    /// # Errors
    /// Which file of `folder` cannot be used, and why.
    pub fn new(folder: Option<&Path>) -> Result<Self, String> {
        let models = folder.map(Models::of_folder).transpose()?.map(Arc::new);
        let inner = Inner { folder: folder.map(Path::to_path_buf), models: Mutex::new(models), turn: Budget::new(1) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Reads the text of the picture in `input`; words have places of their own if `words`.
    ///
    /// # Errors
    /// `unsupported_format`, `image_unreadable`, `too_large`, or what `stop` says.
    pub fn read(
        &self,
        engine: &Engine,
        input: &[u8],
        words: bool,
        stop: &Stop,
    ) -> Result<(common::Facts, Read), Failure> {
        // The turn first: who waits for it holds no memory.
        let _turn = self.inner.turn.take(1, stop)?;
        engine.look(
            &[("image", input)],
            |_| MEMORY,
            stop,
            |seen| {
                let Some(seen) = seen.into_iter().next() else { return Err(Failure::internal(&"a picture got lost")) };
                let mut read = self.read_pixels(seen.image, words, stop)?;
                read.warnings.splice(0..0, seen.warnings);
                Ok((seen.facts, read))
            },
        )
    }

    /// Waits until no other picture is read. To be asked for before memory.
    pub(crate) fn turn(&self, stop: &Stop) -> Result<impl Drop + '_, Failure> {
        self.inner.turn.take(1, stop)
    }

    /// What [`Self::read_pixels`] needs beside the pixels, in bytes.
    pub(crate) fn memory() -> u64 {
        MEMORY
    }

    /// Reads upright sRGB pixels. The caller has the turn and the memory.
    pub(crate) fn read_pixels(&self, image: DynamicImage, words: bool, stop: &Stop) -> Result<Read, Failure> {
        let models = self.models()?;
        let size = Size::new(image.width(), image.height());
        // White letters on nothing are to be seen, too.
        let light = image.color().has_alpha() && visible_light(&image) > 0.5;
        let ground = if light { Color { rgba: [0, 0, 0, 255] } } else { Color::WHITE };
        let longest = longest(size);
        let small = if size.width.max(size.height) > longest {
            bilinear(&image, fit_inside(size, longest), stop)?
        } else {
            image
        };
        let pixels = flatten(small, ground).into_rgb8();
        let factor = size.width as f32 / pixels.width() as f32;
        // On a thread of its own: a thread of the engine that waits for another pool takes up another job meanwhile.
        let work = || -> Result<Read, Failure> {
            let page = Page::upright(&models, pixels, stop)?;
            let said = page.read(&models, stop)?;
            Ok(written::written(&page, &said, words, size, factor))
        };
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("ocr".into()).spawn_scoped(scope, work);
            let thread = thread.map_err(|error| Failure::internal(&error))?;
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    fn models(&self) -> Result<Arc<Models>, Failure> {
        let mut models = self.inner.models.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(models) = &*models {
            return Ok(models.clone());
        }
        let loaded = match &self.inner.folder {
            Some(folder) => Models::of_folder(folder),
            None => Models::built_in(),
        };
        let loaded = Arc::new(loaded.map_err(|error| Failure::internal(&error))?);
        *models = Some(loaded.clone());
        Ok(loaded)
    }
}

/// The most pixels that the long side of a picture of this size needs.
fn longest(size: Size) -> u32 {
    if !detect::is_strip(size) {
        return LONGEST_SIDE;
    }
    let (short, long) = (size.width.min(size.height) as f32, size.width.max(size.height) as f32);
    (LONGEST_SIDE as f32 * (long / short).sqrt()) as u32
}
