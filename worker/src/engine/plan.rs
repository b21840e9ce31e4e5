//! What a recipe will make and need, known from the header alone: sizes, mistakes, memory.

use common::{Failure, FailureKind, Format, Recipe, Step, recipe::Fit};
use image::DynamicImage;

use super::{
    codec::AVIF_SCRATCH,
    limits::{Limits, Size},
    pixels::is_wide,
    probe::Probe,
    step,
};

/// The output that libwebp, the GIF quantiser and their like need beside the pixels, in bytes a pixel.
const ENCODER_BYTES: u64 = 12;

/// The luma of two pictures.
const LUMA_BYTES: u64 = 2;

/// The same for rav1e: planes of 16 bits, what it makes of them, and what it knows of every block.
const AVIF_BYTES: u64 = 60;

/// What drawing the largest glyph needs.
const GLYPH_BYTES: u64 = 32 * 1024 * 1024;

/// The size after every step.
///
/// # Errors
/// `invalid_argument` for a crop that lies outside, `too_large` for a result over the limits; both with the path of
/// the step.
pub(crate) fn sizes(source: Size, steps: &[Step], limits: &Limits) -> Result<Vec<Size>, Failure> {
    sizes_from(0, source, steps, limits)
}

/// As [`sizes`], where the first of `steps` has the number `first`.
fn sizes_from(first: usize, source: Size, steps: &[Step], limits: &Limits) -> Result<Vec<Size>, Failure> {
    let mut size = source;
    let mut sizes = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let path = path_of(first + index);
        size = step::size_after(step, size, &path)?;
        limits.check_result(size, &path)?;
        sizes.push(size);
    }
    Ok(sizes)
}

/// The path of a step in the caller's arguments.
pub(crate) fn path_of(index: usize) -> String {
    format!("steps[{index}]")
}

/// The most bytes that the job will hold at any moment, estimated from above.
pub(crate) fn memory(
    input: usize,
    probe: &Probe,
    extra_a_pixel: u64,
    recipe: &Recipe,
    sizes: &[Size],
    format: Format,
) -> u64 {
    let stored = probe.pixel_bytes();
    let source = probe.stored_size().pixels();
    let decoding = source.saturating_mul(stored + extra_a_pixel);
    let turning = if probe.orientation > 1 { source.saturating_mul(2 * stored) } else { 0 };
    let working = working_bytes(probe.bit_depth);
    let start = Held { size: probe.upright_size(), bytes: stored, alpha: probe.alpha };
    let last = sizes.last().copied().unwrap_or_else(|| probe.upright_size());
    let rest =
        rest(start, working, &recipe.steps, sizes, format).saturating_add(measuring(recipe, last, working, format));
    decoding.max(turning).max(rest).saturating_add(input as u64)
}

/// The same for what follows the first `done` steps, which made a picture of 8 bits without alpha.
pub(crate) fn memory_after(done: usize, recipe: &Recipe, sizes: &[Size], source: Size, format: Format) -> u64 {
    let made = done.checked_sub(1).and_then(|last| sizes.get(last)).copied().unwrap_or(source);
    let (steps, after) = (recipe.steps.get(done..).unwrap_or_default(), sizes.get(done..).unwrap_or_default());
    let working = working_bytes(8);
    let rest = rest(Held { size: made, bytes: 3, alpha: false }, working, steps, after, format);
    rest.saturating_add(measuring(recipe, sizes.last().copied().unwrap_or(source), working, format))
}

/// To measure a likeness, the result is read again.
fn measuring(recipe: &Recipe, result: Size, working: u64, format: Format) -> u64 {
    let decoder = if format == Format::Avif { AVIF_SCRATCH } else { 0 };
    let bytes = if recipe.output.min_ssim.is_some() { 2 * working + LUMA_BYTES + decoder } else { 0 };
    result.pixels().saturating_mul(bytes)
}

/// Bytes a pixel once colour and alpha were added to what had none; floating point becomes 16 bits.
fn working_bytes(bit_depth: u8) -> u64 {
    4 * u64::from(bit_depth.div_ceil(8).clamp(1, 2))
}

/// The picture between two steps.
#[derive(Clone, Copy)]
struct Held {
    size: Size,
    /// Bytes a pixel.
    bytes: u64,
    alpha: bool,
}

/// The most bytes that steps and encoder hold.
fn rest(mut held: Held, working: u64, steps: &[Step], sizes: &[Size], format: Format) -> u64 {
    let mut peak = 0;
    for (step, after) in steps.iter().zip(sizes) {
        let old = held.size.pixels().saturating_mul(held.bytes);
        if may_add_channels(step) {
            held = Held { bytes: working, alpha: true, ..held };
        }
        let new = after.pixels();
        let need = match step {
            Step::Resize(_) => {
                let between = u64::from(after.width).saturating_mul(u64::from(held.size.height));
                let weighted = if held.alpha { old } else { 0 };
                old.saturating_add(weighted).saturating_add((new.saturating_add(between)).saturating_mul(held.bytes))
            }
            Step::Blur(_) | Step::Sharpen(_) => old.saturating_mul(3),
            // Gray first, then a copy.
            Step::Edge(_) => old.saturating_add(new.saturating_mul(2 * held.bytes)),
            // To another kind of pixels, then to a larger canvas.
            Step::Pad(_) => {
                let shown = held.size.pixels().saturating_mul(working);
                shown.saturating_add(old.max(new.saturating_mul(working)))
            }
            Step::Text(_) => old.saturating_add(new.saturating_mul(working)).saturating_add(GLYPH_BYTES),
            _ => old.saturating_add(new.saturating_mul(held.bytes)),
        };
        peak = peak.max(need);
        held.size = *after;
    }
    let encoder = match format {
        Format::Webp | Format::Gif => ENCODER_BYTES,
        Format::Avif => AVIF_BYTES,
        _ => working,
    };
    peak.max(held.size.pixels().saturating_mul(2 * working + encoder))
}

/// Whether a step may give colour or alpha to what has none.
fn may_add_channels(step: &Step) -> bool {
    matches!(
        step,
        Step::Rotate(_)
            | Step::Pad(_)
            | Step::RoundCorners(_)
            | Step::Sepia(_)
            | Step::Tint(_)
            | Step::Watermark(_)
            | Step::Text(_)
            | Step::Draw(_)
            | Step::Redact(_)
            | Step::Flatten(_)
    ) || matches!(step, Step::Resize(step) if matches!(step.fit, Fit::Contain | Fit::Pad))
}

/// Looks again at what comes after a trim, whose size only the pixels tell: the steps after it were planned for a
/// picture that was not trimmed, and a resize may now make a larger one.
///
/// # Errors
/// As [`sizes`]; `too_large` where the job would need more than the `taken` bytes.
pub(crate) fn after_trim(
    trimmed: &DynamicImage,
    index: usize,
    recipe: &Recipe,
    format: Format,
    limits: &Limits,
    taken: u64,
) -> Result<(), Failure> {
    let size = Size::new(trimmed.width(), trimmed.height());
    let (_, steps) = recipe.steps.split_at((index + 1).min(recipe.steps.len()));
    let sizes = sizes_from(index + 1, size, steps, limits)?;
    Limits::check_output(sizes.last().copied().unwrap_or(size), format)?;
    let color = trimmed.color();
    let held = Held { size, bytes: color.bytes_per_pixel().into(), alpha: color.has_alpha() };
    let depth = if is_wide(trimmed) { 16 } else { 8 };
    if rest(held, working_bytes(depth), steps, &sizes, format) > taken {
        return Err(Failure::new(
            FailureKind::TooLarge,
            format!("After this trim the picture has {size} pixels, and the steps after it make more of it than was planned for."),
        )
        .argument(path_of(index))
        .next("Do the trim in a call of its own, and the other steps on its result."));
    }
    Ok(())
}
