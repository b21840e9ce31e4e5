//! The way of a picture through the engine: a list of named stages, decided before the first pixel.

use std::sync::Arc;

use common::{
    Facts, Failure, FailureKind, Format, Recipe, Step,
    recipe::{Fit, Output},
};
use image::DynamicImage;

use super::{
    Before, Engine, Options, Stop, Transformed,
    codec::{self, Encoding, density},
    goal::{self, Reached},
    limits::{Limits, MAX_ICC_BYTES, Size},
    metadata::{
        self,
        icc::{Conversion, Profile},
    },
    orient, others,
    picture::Picture,
    pixels, plan,
    preview::{self, PreviewKind},
    probe::{self, ColorKind, Header, Probe},
    shortcut::Shortcut,
    step::{self, Context, Notes},
};

/// One stage between decoding and encoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
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
        let srgb = profile.is_none() && foreign_profile(&header, &mut Notes::default()).is_none();
        let shortcut = Shortcut::plan(input, &header, recipe, source, &encoding, srgb)?;
        let need = plan::memory(input.len(), &probe, decoder_bytes(input, &probe), recipe, &sizes, encoding.format);
        let others = others::of(&recipe.steps, others, self.limits())?;
        let need = shortcut.as_ref().map_or(need, |shortcut| {
            let rest = plan::memory_after(shortcut.steps(), recipe, &sizes, source, encoding.format);
            shortcut.bytes().max(rest).saturating_add(input.len() as u64)
        });
        let need = others.iter().flatten().fold(need, |need, other| need.saturating_add(other.memory()));
        let _share = self.budget().take(need, stop)?;

        let stages = stages(recipe, source, &sizes, shortcut.as_ref().map(Shortcut::steps));
        let context = Context { format: encoding.format, background: recipe.output.background, other: None, stop };
        let profile = profile.as_ref();
        let limits = self.limits();
        let way = Way { header: &header, recipe, stages: &stages, others: &others, profile, context, limits, need };
        let picture = match shortcut {
            Some(shortcut) => {
                let orientation = orientation_to_undo(&probe, recipe.auto_orients(), &mut notes);
                let (picture, damage) = shortcut.go(orientation, stop, &mut notes)?;
                note_damage(damage, options.strict, &mut notes)?;
                picture
            }
            None => Picture::Pixels(decode(input, &header, options.strict, stop, &mut notes)?),
        };
        let picture = fitted(way.through(picture, &mut notes)?, &encoding, &context, &mut notes);
        stop.check()?;
        let icc = header.icc.as_deref().filter(|_| profile.is_some());
        let target = metadata::Target { format: encoding.format, size: picture.size(), icc };
        let carried = metadata::carry(input, &header, recipe, &target, &mut notes);
        let reached = goal::encode(&picture, &encoding, &recipe.output, &carried, limits, stop)?;
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

/// What is done to a picture between decoding and encoding.
struct Way<'a> {
    header: &'a Header<'a>,
    recipe: &'a Recipe,
    stages: &'a [Stage],
    others: &'a [Option<others::Other<'a>>],
    /// The colour profile in which the pixels stay.
    profile: Option<&'a Profile>,
    context: Context<'a>,
    limits: &'a Limits,
    /// The memory that was taken for the job.
    need: u64,
}

impl Way<'_> {
    /// Does every stage.
    fn through(&self, mut picture: Picture, notes: &mut Notes) -> Result<Picture, Failure> {
        let stop = self.context.stop;
        for stage in self.stages {
            stop.check()?;
            picture = match *stage {
                Stage::Orient => {
                    let orientation = orientation_to_undo(&self.header.probe, self.recipe.auto_orients(), notes);
                    Picture::Pixels(orient::turned(picture.into_pixels()?, orientation, stop)?)
                }
                Stage::Colour if self.profile.is_some() => picture,
                Stage::Colour => to_srgb(picture, self.header, stop, notes)?,
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
        let made = step::apply(step, picture.into_pixels()?, &plan::path_of(index), &context, notes)?;
        if matches!(step, Step::Trim(_)) {
            plan::after_trim(&made, index, self.recipe, context.format, self.limits, self.need)?;
        }
        Ok(Picture::Pixels(made))
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

/// Bytes a stored pixel that the decoder needs beside its output.
pub(super) fn decoder_bytes(input: &[u8], probe: &Probe) -> u64 {
    codec::scratch_bytes(input, probe)
}

/// The picture as it looks: decoded, upright, in sRGB.
pub(super) fn upright_srgb(
    input: &[u8],
    header: &Header<'_>,
    stop: &Stop,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let image = decode(input, header, false, stop, notes)?;
    let orientation = orientation_to_undo(&header.probe, true, notes);
    let image = orient::turned(image, orientation, stop)?;
    to_srgb(Picture::Pixels(image), header, stop, notes)?.into_pixels()
}

fn decode(
    input: &[u8],
    header: &Header<'_>,
    strict: bool,
    stop: &Stop,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let decoded = codec::decode(input, header, stop)?;
    note_damage(decoded.damage, strict, notes)?;
    let frames = header.probe.frames;
    if frames > 1 {
        notes.warn("animation_first_frame", format!("Only the first of {frames} frames (or pages) is used."));
    }
    Ok(decoded.image)
}

/// A file that is not whole is a warning, or an error where that is wished.
fn note_damage(damage: Option<&'static str>, strict: bool, notes: &mut Notes) -> Result<(), Failure> {
    match damage {
        Some(damage) if strict => Err(Failure::new(FailureKind::ImageUnreadable, damage)
            .next("Send the whole file, or leave out strict to use what can be decoded.")),
        Some(damage) => {
            notes.warn("truncated", damage);
            Ok(())
        }
        None => Ok(()),
    }
}

/// The EXIF orientation from which the pixels are to be turned upright; 1 where that is not needed or not wanted.
fn orientation_to_undo(probe: &Probe, wanted: bool, notes: &mut Notes) -> u8 {
    let orientation = probe.orientation;
    if orientation <= 1 {
        return 1;
    }
    if !wanted {
        notes.warn(
            "orientation_kept",
            format!(
                "The pixels are as stored, though EXIF says orientation {orientation}. Only metadata keep and strip_gps \
                 hand that on."
            ),
        );
        return 1;
    }
    notes.applied(format!("auto_orient (EXIF {orientation})"));
    orientation
}

fn to_srgb(picture: Picture, header: &Header<'_>, stop: &Stop, notes: &mut Notes) -> Result<Picture, Failure> {
    let is_linear =
        |image: &DynamicImage| matches!(image, DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_));
    let picture = match picture {
        Picture::Pixels(image) if is_linear(&image) => {
            notes.applied("linear light -> srgb");
            return Ok(Picture::Pixels(pixels::encode_linear(image)));
        }
        picture => picture,
    };
    let Some(profile) = foreign_profile(header, notes) else { return Ok(picture) };
    let image = picture.into_pixels()?;
    match metadata::icc::to_srgb(image, &profile, stop)? {
        Conversion::Done(image) => {
            // The name comes from the file, and this line is read as ours: letters and digits only.
            let plain = |c: &char| c.is_ascii_alphanumeric() || " .-".contains(*c);
            let name: String = profile.name.chars().filter(plain).take(40).collect();
            let name = if name.is_empty() { "profile" } else { &name };
            notes.applied(format!("icc {name} -> srgb"));
            Ok(Picture::Pixels(image))
        }
        Conversion::Refused(image) => {
            notes.warn("icc_unreadable", "The colour profile does not fit the pixels; colours are kept as they are.");
            Ok(Picture::Pixels(image))
        }
    }
}

/// The embedded colour profile, if it can be used and is not sRGB anyway.
fn foreign_profile(header: &Header<'_>, notes: &mut Notes) -> Option<Profile> {
    let icc = header.icc.as_deref()?;
    if header.probe.color == ColorKind::Cmyk {
        notes.warn("icc_unreadable", "The CMYK colour profile is not used; colours are approximate.");
        return None;
    }
    if icc.len() > MAX_ICC_BYTES {
        notes.warn("icc_unreadable", "The colour profile is larger than 4 MB and is not used.");
        return None;
    }
    let profile = metadata::icc::read(icc);
    if profile.is_none() {
        notes.warn("icc_unreadable", "The colour profile cannot be read; colours are kept as they are.");
    }
    profile.filter(|profile| !profile.srgb)
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
        let reason = if format == Format::Jpeg { "JPEG always loses a little" } else { "only WebP has the choice" };
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
