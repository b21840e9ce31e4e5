//! The way of a picture through the engine: a list of named stages, decided before the first pixel.

use std::sync::Arc;

use common::{
    Facts, Failure, Format, Recipe, Step,
    recipe::{Fit, Output},
};
use image::DynamicImage;

use super::{
    Before, Engine, Options, Stop, Transformed,
    codec::{self, Encoding, density},
    goal::{self, Reached},
    limits::{Limits, MAX_ICC_BYTES, Size},
    metadata::{self, icc::Conversion},
    orient, others, pixels, plan, preview,
    probe::{self, ColorKind, Header, Probe},
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
        let need = plan::memory(input.len(), &probe, decoder_bytes(input, &probe), recipe, &sizes, encoding.format);
        let others = others::of(&recipe.steps, others, self.limits())?;
        let need = others.iter().flatten().fold(need, |need, other| need.saturating_add(other.memory()));
        let _share = self.budget().take(need, stop)?;

        let context = Context { format: encoding.format, background: recipe.output.background, other: None, stop };
        let profile = metadata::kept_profile(&header, recipe, encoding.format, &mut notes);
        let mut image = decode(input, &header, options.strict, stop, &mut notes)?;
        for stage in stages(recipe, source, &sizes) {
            stop.check()?;
            image = match stage {
                Stage::Orient => upright(image, &probe, recipe.auto_orients(), stop, &mut notes)?,
                Stage::Colour if profile.is_some() => image,
                Stage::Colour => to_srgb(image, &header, stop, &mut notes)?,
                Stage::Step(index) => match recipe.steps.get(index) {
                    Some(step) => {
                        let context = Context { other: others.get(index).and_then(Option::as_ref), ..context };
                        let made = step::apply(step, image, &plan::path_of(index), &context, &mut notes)?;
                        if matches!(step, Step::Trim(_)) {
                            plan::after_trim(&made, index, recipe, encoding.format, self.limits(), need)?;
                        }
                        made
                    }
                    None => image,
                },
            };
        }
        let image = if profile.is_some() { pixels::with_colour(image) } else { image };
        let image = fitted(image, &encoding, &context, &mut notes);
        stop.check()?;
        let size = Size::new(image.width(), image.height());
        let icc = header.icc.as_deref().filter(|_| profile.is_some());
        let target = metadata::Target { format: encoding.format, size, icc };
        let carried = metadata::carry(input, &header, recipe, &target, &mut notes);
        let reached = goal::encode(&image, &encoding, &recipe.output, &carried, self.limits(), stop)?;
        note_encoding(recipe, &encoding, &reached, &mut notes);
        let mut bytes = reached.bytes;
        note_density(&mut bytes, encoding.format, recipe.output.dpi, &mut notes);
        let facts = Facts {
            width: image.width(),
            height: image.height(),
            format: encoding.format,
            bytes: bytes.len() as u64,
            sha256: metadata::hashes::sha256(&bytes),
            alpha: image.color().has_alpha(),
            bit_depth: if pixels::is_wide(&image) { 16 } else { 8 },
        };
        let preview = preview::make(&image, profile.as_ref(), options.preview, stop)?;
        let (width, height) = probe.upright();
        let before = Before { width, height, format: probe.format, bytes: input.len() as u64 };
        let Notes { applied, ignored, warnings } = notes;
        Ok(Transformed { bytes, facts, before, applied, ignored, warnings, preview })
    }
}

/// The stages in order. The result of a shrinking resize has fewer pixels to convert, so colour comes after it.
fn stages(recipe: &Recipe, source: Size, sizes: &[Size]) -> Vec<Stage> {
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
    let image = upright(image, &header.probe, true, stop, notes)?;
    to_srgb(image, header, stop, notes)
}

fn decode(
    input: &[u8],
    header: &Header<'_>,
    strict: bool,
    stop: &Stop,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let decoded = codec::decode(input, header, strict, stop)?;
    if let Some(damage) = decoded.damage {
        notes.warn("truncated", damage);
    }
    let frames = header.probe.frames;
    if frames > 1 {
        notes.warn("animation_first_frame", format!("Only the first of {frames} frames (or pages) is used."));
    }
    Ok(decoded.image)
}

fn upright(
    image: DynamicImage,
    probe: &Probe,
    wanted: bool,
    stop: &Stop,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    let orientation = probe.orientation;
    if orientation <= 1 {
        return Ok(image);
    }
    if !wanted {
        notes.warn(
            "orientation_kept",
            format!(
                "The pixels are as stored, though EXIF says orientation {orientation}. Only metadata keep and strip_gps \
                 hand that on."
            ),
        );
        return Ok(image);
    }
    notes.applied(format!("auto_orient (EXIF {orientation})"));
    orient::turned(image, orientation, stop)
}

fn to_srgb(image: DynamicImage, header: &Header<'_>, stop: &Stop, notes: &mut Notes) -> Result<DynamicImage, Failure> {
    if matches!(image, DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_)) {
        notes.applied("linear light -> srgb");
        return Ok(pixels::encode_linear(image));
    }
    let Some(icc) = header.icc.as_deref() else { return Ok(image) };
    if header.probe.color == ColorKind::Cmyk {
        notes.warn("icc_unreadable", "The CMYK colour profile is not used; colours are approximate.");
        return Ok(image);
    }
    if icc.len() > MAX_ICC_BYTES {
        notes.warn("icc_unreadable", "The colour profile is larger than 4 MB and is not used.");
        return Ok(image);
    }
    let Some(profile) = metadata::icc::read(icc) else {
        notes.warn("icc_unreadable", "The colour profile cannot be read; colours are kept as they are.");
        return Ok(image);
    };
    if profile.srgb {
        return Ok(image);
    }
    match metadata::icc::to_srgb(image, &profile, stop)? {
        Conversion::Done(image) => {
            // The name comes from the file, and this line is read as ours: letters and digits only.
            let plain = |c: &char| c.is_ascii_alphanumeric() || " .-".contains(*c);
            let name: String = profile.name.chars().filter(plain).take(40).collect();
            let name = if name.is_empty() { "profile" } else { &name };
            notes.applied(format!("icc {name} -> srgb"));
            Ok(image)
        }
        Conversion::Refused(image) => {
            notes.warn("icc_unreadable", "The colour profile does not fit the pixels; colours are kept as they are.");
            Ok(image)
        }
    }
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

fn fitted(image: DynamicImage, encoding: &Encoding, context: &Context<'_>, notes: &mut Notes) -> DynamicImage {
    let (alpha, wide) = (image.color().has_alpha(), pixels::is_wide(&image));
    let (format, name) = (encoding.format, encoding.format.name());
    if alpha && !format.holds_alpha() {
        let [r, g, b, _] = context.ground().rgba;
        notes.applied(format!("flatten on #{r:02x}{g:02x}{b:02x}"));
    }
    if wide && !format.holds_16_bit() {
        notes.applied(format!("16 bit -> 8 bit, which is what {name} holds"));
    }
    pixels::fit_to(format, image, context.ground())
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
