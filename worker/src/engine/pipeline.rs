//! The way of a picture through the engine: a list of named stages, decided before the first pixel.

use std::sync::Arc;

use common::{
    Facts, Failure, Format, Recipe, Step,
    recipe::{Fit, Output},
};

use super::{
    Before, Engine, Options, Stop, Transformed, animation,
    codec::{self, Encoding, density},
    goal::{self, Reached},
    limits::{Limits, Size},
    metadata::{self, Carried, icc::Profile},
    orient, others,
    picture::Picture,
    pixels, plan,
    preview::{self, PreviewKind},
    probe::{self, Header, Probe},
    shortcut::Shortcut,
    step::{self, Context, Held, Notes},
    upright,
};

/// One stage between decoding and encoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// Upright by the EXIF orientation.
    Orient,
    /// To sRGB.
    Colour,
    /// The step of the recipe with this number.
    Step(usize),
}

impl Engine {
    /// Does what `recipe` says to the picture in `input`.
    ///
    /// # Errors
    /// `unsupported_format` or `image_unreadable` for the input; `invalid_argument` for a step that this picture does
    /// not allow, with its path; `too_large` for what is over a limit; what `stop` says.
    pub fn transform(
        &self,
        input: &[u8],
        recipe: &Recipe,
        options: &Options,
        stop: &Stop,
    ) -> Result<Transformed, Failure> {
        self.transform_with(input, &[], recipe, options, stop)
    }

    /// As [`Self::transform`], with the files of the other pictures that the steps name, in their order.
    ///
    /// # Errors
    /// As [`Self::transform`]; what is wrong with another picture, with the path of the argument that named it.
    pub fn transform_with(
        &self,
        input: &[u8],
        others: &[Arc<[u8]>],
        recipe: &Recipe,
        options: &Options,
        stop: &Stop,
    ) -> Result<Transformed, Failure> {
        let header = probe::read(input, self.limits())?;
        stop.check()?;
        let probe = header.probe;
        let source = if recipe.auto_orients() { probe.upright_size() } else { probe.stored_size() };
        let sizes = plan::sizes(source, &recipe.steps, self.limits())?;
        let mut notes = Notes::default();
        let encoding = encoding(&recipe.output, probe.format)?;
        Limits::check_output(sizes.last().copied().unwrap_or(source), encoding.format)?;
        let profile = metadata::kept_profile(&header, recipe, encoding.format, &mut notes);
        let srgb = profile.is_none() && upright::foreign_profile(&header, &mut Notes::default()).is_none();
        let shortcut = Shortcut::plan(input, &header, recipe, source, &encoding, srgb)?;
        let need =
            plan::memory(input.len(), &probe, codec::scratch_bytes(input, &probe), recipe, &sizes, encoding.format);
        let others = others::of(&recipe.steps, others, self.limits())?;
        let need = shortcut.as_ref().map_or(need, |shortcut| {
            let rest = plan::memory_after(shortcut.steps(), recipe, &sizes, source, encoding.format);
            shortcut.bytes().max(rest).saturating_add(input.len() as u64)
        });
        let need = others.iter().flatten().fold(need, |need, other| need.saturating_add(other.memory()));
        let animated = animation::kept(&probe, &encoding);
        let need = if animated {
            animation::check(&probe, &sizes)?;
            need.saturating_add(animation::memory(&probe, sizes.last().copied().unwrap_or(source)))
        } else {
            need
        };
        let _share = self.budget().take(need, stop)?;

        let stages = stages(recipe, source, &sizes, shortcut.as_ref().map(Shortcut::steps));
        let (held, background) = (Held::default(), recipe.output.background);
        let context = Context { format: encoding.format, background, other: None, held: Some(&held), stop };
        let profile = profile.as_ref();
        let limits = self.limits();
        let header = &header;
        let way = Way { input, header, recipe, stages: &stages, others: &others, profile, context, limits, need };
        let moving = if animated { animation::make(&way, &encoding, options.strict, &mut notes)? } else { None };
        let (picture, reached) = match moving {
            Some(moving) => moving,
            None => way.still(shortcut, &encoding, options.strict, &mut notes)?,
        };
        note_encoding(recipe, &encoding, &reached, &mut notes);
        let mut bytes = reached.bytes;
        note_density(&mut bytes, encoding.format, recipe.output.dpi, &mut notes);
        let facts = facts(&picture, encoding.format, &bytes);
        let preview = match options.preview {
            PreviewKind::None => None,
            kind => preview::make(&*picture.pixels()?, profile, kind, stop)?,
        };
        let (width, height) = probe.upright();
        let before = Before { width, height, format: probe.format, bytes: input.len() as u64 };
        let Notes { applied, ignored, warnings } = notes;
        Ok(Transformed { bytes, facts, before, applied, ignored, warnings, preview })
    }
}

/// What is done to a picture, or to each frame of an animation, between decoding and encoding.
pub(super) struct Way<'a> {
    pub(super) input: &'a [u8],
    header: &'a Header<'a>,
    pub(super) recipe: &'a Recipe,
    stages: &'a [Stage],
    others: &'a [Option<others::Other<'a>>],
    /// The colour profile in which the pixels stay.
    profile: Option<&'a Profile>,
    pub(super) context: Context<'a>,
    limits: &'a Limits,
    /// The memory that was taken for the job.
    need: u64,
}

impl Way<'_> {
    pub(super) fn probe(&self) -> &Probe {
        &self.header.probe
    }

    /// The (first) picture through all stages, and its file.
    fn still(
        &self,
        shortcut: Option<Shortcut<'_>>,
        encoding: &Encoding,
        strict: bool,
        notes: &mut Notes,
    ) -> Result<(Picture, Reached), Failure> {
        let stop = self.context.stop;
        let picture = match shortcut {
            Some(shortcut) => {
                let orientation = upright::orientation_to_undo(self.probe(), self.recipe.auto_orients(), notes);
                let (picture, damage) = shortcut.go(orientation, stop, notes)?;
                upright::note_damage(damage, strict, notes)?;
                picture
            }
            None => Picture::Pixels(upright::decode(self.input, self.header, strict, stop, notes)?),
        };
        let picture = fitted(self.through(picture, notes)?, encoding, &self.context, notes);
        stop.check()?;
        let carried = self.carried(picture.size(), encoding, notes);
        let reached = goal::encode(&picture, encoding, &self.recipe.output, &carried, self.limits, stop)?;
        Ok((picture, reached))
    }

    /// What goes along of the metadata into a result of `size`.
    pub(super) fn carried(&self, size: Size, encoding: &Encoding, notes: &mut Notes) -> Carried {
        let icc = self.header.icc.as_deref().filter(|_| self.profile.is_some());
        let target = metadata::Target { format: encoding.format, size, icc };
        metadata::carry(self.input, self.header, self.recipe, &target, notes)
    }

    /// Does every stage.
    pub(super) fn through(&self, mut picture: Picture, notes: &mut Notes) -> Result<Picture, Failure> {
        let stop = self.context.stop;
        for stage in self.stages {
            stop.check()?;
            picture = match *stage {
                Stage::Orient => {
                    let orientation =
                        upright::orientation_to_undo(&self.header.probe, self.recipe.auto_orients(), notes);
                    Picture::Pixels(orient::turned(picture.into_pixels()?, orientation, stop)?)
                }
                Stage::Colour if self.profile.is_some() => picture,
                Stage::Colour => upright::to_srgb(picture, self.header, stop, notes)?,
                Stage::Step(index) => self.step(index, picture, notes)?,
            };
        }
        Ok(match picture {
            Picture::Pixels(image) if self.profile.is_some() => Picture::Pixels(pixels::with_colour(image)),
            picture => picture,
        })
    }

    fn step(&self, index: usize, picture: Picture, notes: &mut Notes) -> Result<Picture, Failure> {
        let Some(step) = self.recipe.steps.get(index) else { return Ok(picture) };
        let context = Context { other: self.others.get(index).and_then(Option::as_ref), ..self.context };
        let made = step::apply(step, picture, &plan::path_of(index), &context, notes)?;
        if let (Step::Trim(_), Picture::Pixels(image)) = (step, &made) {
            plan::after_trim(image, index, self.recipe, context.format, self.limits, self.need)?;
        }
        Ok(made)
    }
}

/// The stages in order. The result of a shrinking resize has fewer pixels to convert, so colour comes after it.
/// Where the shortcut has done the first steps, it has turned the picture upright, too.
fn stages(recipe: &Recipe, source: Size, sizes: &[Size], done: Option<usize>) -> Vec<Stage> {
    if let Some(done) = done {
        return [Stage::Colour].into_iter().chain((done..recipe.steps.len()).map(Stage::Step)).collect();
    }
    let mut stages = vec![Stage::Orient, Stage::Colour];
    stages.extend((0..recipe.steps.len()).map(Stage::Step));
    let first = recipe.steps.iter().position(|step| !matches!(step, Step::AutoOrient(_)));
    if let Some(first) = first
        && let Some(Step::Resize(resize)) = recipe.steps.get(first)
        // Padding is filled with a colour that is sRGB already.
        && !matches!(resize.fit, Fit::Contain | Fit::Pad)
        && sizes.get(first).is_some_and(|size| size.pixels() < source.pixels())
    {
        // Orient, Colour, (auto_orient,) resize: colour moves behind the resize.
        stages.remove(1);
        stages.insert(2 + first, Stage::Colour);
    }
    stages
}

/// How the result is written: as asked, or as the input where that can be written, else as PNG.
fn encoding(output: &Output, input: Format) -> Result<Encoding, Failure> {
    let format = output.format.unwrap_or(if input.writable() { input } else { Format::Png });
    if !format.writable() {
        let names: Vec<&str> = Format::WRITABLE.iter().map(|format| format.name()).collect();
        return Err(Failure::invalid("output_format", format!("The format {} cannot be written.", format.name()))
            .allowed(names.join(", ")));
    }
    Ok(Encoding {
        format,
        quality: output.quality.unwrap_or(Output::DEFAULT_QUALITY).clamp(1, 100),
        lossless: output.lossless && format == Format::Webp,
        progressive: output.progressive && format == Format::Jpeg,
    })
}

fn fitted(picture: Picture, encoding: &Encoding, context: &Context<'_>, notes: &mut Notes) -> Picture {
    let Picture::Pixels(image) = picture else { return picture };
    let (alpha, wide) = (image.color().has_alpha(), pixels::is_wide(&image));
    let (format, name) = (encoding.format, encoding.format.name());
    if alpha && !format.holds_alpha() {
        let [r, g, b, _] = context.ground().rgba;
        notes.applied(format!("flatten on #{r:02x}{g:02x}{b:02x}"));
    }
    if wide && !format.holds_16_bit() {
        notes.applied(format!("16 bit -> 8 bit, which is what {name} holds"));
    }
    Picture::Pixels(pixels::fit_to(format, image, context.ground()))
}

fn facts(picture: &Picture, format: Format, bytes: &[u8]) -> Facts {
    let (alpha, wide) = match picture {
        Picture::Pixels(image) => (image.color().has_alpha(), pixels::is_wide(image)),
        Picture::Planes(_) => (false, false),
    };
    let Size { width, height } = picture.size();
    Facts {
        width,
        height,
        format,
        bytes: bytes.len() as u64,
        sha256: metadata::hashes::sha256(bytes),
        alpha,
        bit_depth: if wide { 16 } else { 8 },
    }
}

fn note_density(bytes: &mut Vec<u8>, format: Format, dpi: Option<u16>, notes: &mut Notes) {
    let Some(dpi) = dpi else { return };
    if density::note(bytes, format, dpi) {
        notes.applied(format!("{dpi} dpi noted"));
    } else {
        notes.ignored("dpi: only jpeg and png hold it");
    }
}

/// Says how it was written, and which settings had no effect on it.
fn note_encoding(recipe: &Recipe, encoding: &Encoding, reached: &Reached, notes: &mut Notes) {
    let output = &recipe.output;
    let Encoding { format, lossless, progressive, .. } = *encoding;
    let (name, lossy, quality) = (format.name(), encoding.is_lossy(), reached.quality);
    notes.applied(match (lossy, lossless, progressive) {
        (true, _, true) => format!("{name} quality {quality}, progressive"),
        (true, ..) => format!("{name} quality {quality}"),
        (_, true, _) => format!("{name} lossless"),
        _ => name.to_owned(),
    });
    goal::note(output, encoding, reached, notes);
    if output.quality.is_some() && !lossy {
        notes.ignored(format!("quality: {}", if lossless { "lossless WebP has none" } else { "this format has none" }));
    }
    if output.lossless && !lossless {
        let reason = match format {
            Format::Jpeg => "JPEG always loses a little",
            Format::Avif => "AVIF is written with a little loss",
            _ => "only WebP has the choice",
        };
        notes.ignored(format!("lossless: {reason}"));
    }
    if output.progressive && !progressive {
        notes.ignored("progressive: only JPEG has it");
    }
    let fills = |step: &Step| match step {
        Step::Rotate(_) | Step::Pad(_) => true,
        Step::Flatten(step) => step.background.is_none(),
        Step::Resize(step) => matches!(step.fit, Fit::Contain | Fit::Pad),
        _ => false,
    };
    if output.background.is_some() && format.holds_alpha() && !recipe.steps.iter().any(fills) {
        notes.ignored(format!("background: {name} keeps transparency"));
    }
}
