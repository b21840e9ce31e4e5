//! One file a step, named as in the recipe. Every step says what size it makes, and makes it.

mod area;
pub(crate) mod blur;
mod brightness;
mod contrast;
pub(crate) mod crop;
mod draw;
mod edge;
mod emboss;
mod flatten;
mod flip;
mod flop;
mod gamma;
mod grayscale;
mod hue;
mod invert;
#[cfg(test)]
mod looks;
mod matrix;
mod neighbours;
mod normalize;
mod pad;
mod pixelate;
mod posterize;
mod redact;
pub(crate) mod resize;
pub(crate) mod rotate;
mod round_corners;
mod saturation;
mod sepia;
mod sharpen;
mod text;
mod threshold;
mod tint;
mod tone;
mod trim;
mod watermark;

use std::{cell::RefCell, collections::BTreeMap};

use common::{Failure, Format, Step, Warning, recipe::Color};
use image::DynamicImage;

use super::{Stop, limits::Size, others::Other, picture::Picture};

/// What a step may want to know beside its own parameters.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The format of the result.
    pub(crate) format: Format,
    /// What the caller wants behind the picture.
    pub(crate) background: Option<Color>,
    /// The other picture that this step names.
    pub(crate) other: Option<&'a Other<'a>>,
    /// What `smart` found in the first frame of an animation; in a single picture it is looked for once.
    pub(crate) held: Option<&'a Held>,
    pub(crate) stop: &'a Stop,
}

/// Where each step holds on to a picture, by its path: an animation must not jump about.
#[derive(Debug, Default)]
pub(crate) struct Held(RefCell<BTreeMap<String, (f64, f64)>>);

impl Context<'_> {
    /// What spare room is filled with where the step does not say.
    pub(crate) fn filling(&self, asked: Option<Color>) -> Color {
        let default = if self.format.holds_alpha() { Color::TRANSPARENT } else { Color::WHITE };
        asked.or(self.background).unwrap_or(default)
    }

    /// Where to hold on: what `find` says, and the same again for every further frame.
    pub(crate) fn hold(
        &self,
        path: &str,
        find: impl FnOnce() -> Result<(f64, f64), Failure>,
    ) -> Result<(f64, f64), Failure> {
        let Some(held) = self.held else { return find() };
        if let Some(known) = held.0.borrow().get(path) {
            return Ok(*known);
        }
        let found = find()?;
        held.0.borrow_mut().insert(path.to_owned(), found);
        Ok(found)
    }

    /// What transparency is laid on where the format has none.
    pub(crate) fn ground(&self) -> Color {
        self.background.unwrap_or(Color::WHITE)
    }
}

/// What a job has to tell beside its result.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) applied: Vec<String>,
    pub(crate) ignored: Vec<String>,
    pub(crate) warnings: Vec<Warning>,
}

impl Notes {
    /// Adds what `other` has to tell.
    pub(crate) fn append(&mut self, other: Self) {
        self.applied.extend(other.applied);
        self.ignored.extend(other.ignored);
        self.warnings.extend(other.warnings);
    }

    pub(crate) fn applied(&mut self, line: impl Into<String>) {
        self.applied.push(line.into());
    }

    pub(crate) fn ignored(&mut self, line: impl Into<String>) {
        self.ignored.push(line.into());
    }

    pub(crate) fn warn(&mut self, code: &str, message: impl Into<String>) {
        self.warnings.push(Warning::new(code, message));
    }
}

/// The size that `step` makes of a picture of `size`.
///
/// # Errors
/// `invalid_argument` where the step cannot be done on such a picture.
pub(crate) fn size_after(step: &Step, size: Size, path: &str) -> Result<Size, Failure> {
    Ok(match step {
        Step::Resize(step) => resize::place(step, size, step.gravity.fractions()).canvas,
        Step::Crop(step) => crop::rectangle(step, size, step.gravity.fractions(), path)?.size,
        Step::Rotate(step) => rotate::size_after(step, size),
        Step::Pad(step) => pad::size_after(step, size),
        Step::Pixelate(step) => {
            pixelate::area(step, size, path)?;
            size
        }
        Step::Redact(step) => {
            redact::areas(step, size, path)?;
            size
        }
        // A trim makes this at most; see plan::after_trim.
        Step::Trim(_)
        | Step::AutoOrient(_)
        | Step::Flip(_)
        | Step::Flop(_)
        | Step::RoundCorners(_)
        | Step::Blur(_)
        | Step::Sharpen(_)
        | Step::Grayscale(_)
        | Step::Sepia(_)
        | Step::Invert(_)
        | Step::Brightness(_)
        | Step::Contrast(_)
        | Step::Saturation(_)
        | Step::Hue(_)
        | Step::Gamma(_)
        | Step::Normalize(_)
        | Step::Tint(_)
        | Step::Threshold(_)
        | Step::Posterize(_)
        | Step::Emboss(_)
        | Step::Edge(_)
        | Step::Watermark(_)
        | Step::Text(_)
        | Step::Draw(_)
        | Step::Flatten(_) => size,
    })
}

/// Whether `step` can be done to planes as well as to pixels.
pub(crate) fn takes_planes(step: &Step) -> bool {
    matches!(step, Step::Blur(_))
}

/// Does `step`; `auto_orient` was done before all steps.
///
/// # Errors
/// What [`size_after`] and the stop say.
pub(crate) fn apply(
    step: &Step,
    picture: Picture,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<Picture, Failure> {
    match (step, picture) {
        (Step::Blur(step), Picture::Planes(planes)) => {
            blur::apply_to_planes(step, planes, context, notes).map(Picture::Planes)
        }
        (step, picture) => apply_to_pixels(step, picture.into_pixels()?, path, context, notes).map(Picture::Pixels),
    }
}

fn apply_to_pixels(
    step: &Step,
    image: DynamicImage,
    path: &str,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    match step {
        Step::AutoOrient(_) => Ok(image),
        Step::Resize(step) => resize::apply(step, image, path, context, notes),
        Step::Crop(step) => crop::apply(step, image, path, context, notes),
        Step::Rotate(step) => rotate::apply(step, image, path, context, notes),
        Step::Flip(_) => flip::apply(image, context, notes),
        Step::Flop(_) => flop::apply(image, context, notes),
        Step::Blur(step) => blur::apply(step, image, context, notes),
        Step::Sharpen(step) => sharpen::apply(step, image, path, context, notes),
        Step::Grayscale(_) => Ok(grayscale::apply(image, path, notes)),
        Step::Brightness(step) => brightness::apply(step, image, path, notes),
        Step::Contrast(step) => contrast::apply(step, image, path, notes),
        Step::Trim(step) => trim::apply(step, image, path, context, notes),
        Step::Pad(step) => pad::apply(step, image, context, notes),
        Step::RoundCorners(step) => round_corners::apply(step, image, context, notes),
        Step::Pixelate(step) => pixelate::apply(step, image, path, context, notes),
        Step::Sepia(step) => sepia::apply(step, image, path, context, notes),
        Step::Invert(_) => invert::apply(image, notes),
        Step::Saturation(step) => saturation::apply(step, image, path, context, notes),
        Step::Hue(step) => hue::apply(step, image, path, context, notes),
        Step::Gamma(step) => gamma::apply(step, image, path, notes),
        Step::Normalize(step) => normalize::apply(step, image, path, context, notes),
        Step::Tint(step) => tint::apply(step, image, path, context, notes),
        Step::Threshold(step) => threshold::apply(step, image, notes),
        Step::Posterize(step) => posterize::apply(step, image, notes),
        Step::Emboss(_) => emboss::apply(&image, context, notes),
        Step::Edge(_) => edge::apply(image, context, notes),
        Step::Watermark(step) => watermark::apply(step, image, path, context, notes),
        Step::Text(step) => text::apply(step, image, path, context, notes),
        Step::Draw(step) => draw::apply(step, image, path, context, notes),
        Step::Redact(step) => redact::apply(step, image, path, context, notes),
        Step::Flatten(step) => flatten::apply(step, image, path, context, notes),
    }
}
