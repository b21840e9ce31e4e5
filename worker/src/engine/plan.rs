//! What a recipe will make and need, known from the header alone: sizes, mistakes, memory.

use common::{Failure, Format, Recipe, Step};

use super::{
    limits::{Limits, Size},
    probe::Probe,
    step,
};

/// The output that libwebp, the GIF quantiser and their like need beside the pixels, in bytes a pixel.
const ENCODER_BYTES: u64 = 12;

/// The size after every step.
///
/// # Errors
/// `invalid_argument` for a crop that lies outside, `too_large` for a result over the limits; both with the path of
/// the step.
pub(crate) fn sizes(source: Size, steps: &[Step], limits: &Limits) -> Result<Vec<Size>, Failure> {
    let mut size = source;
    let mut sizes = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let path = path_of(index);
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
    // Rotating and padding may add alpha to what had none; floating point becomes 16 bits.
    let working = 4 * u64::from(probe.bit_depth.div_ceil(8).clamp(1, 2));
    let mut peak = decoding.max(turning);
    let mut before = probe.upright_size();
    let mut bytes = stored;
    for (step, after) in recipe.steps.iter().zip(sizes) {
        let (old, new) = (before.pixels().saturating_mul(bytes), after.pixels());
        let need = match step {
            Step::Resize(_) => {
                let between = u64::from(after.width).saturating_mul(u64::from(before.height));
                let weighted = if probe.alpha { old } else { 0 };
                old.saturating_add(weighted).saturating_add((new.saturating_add(between)).saturating_mul(bytes))
            }
            Step::Rotate(_) => {
                bytes = working;
                old.saturating_add(new.saturating_mul(working))
            }
            Step::Blur(_) | Step::Sharpen(_) => old.saturating_mul(3),
            _ => old.saturating_add(new.saturating_mul(bytes)),
        };
        peak = peak.max(need);
        before = *after;
    }
    let encoder = if matches!(format, Format::Webp | Format::Gif) { ENCODER_BYTES } else { working };
    let encoding = before.pixels().saturating_mul(2 * working + encoder);
    peak.max(encoding).saturating_add(input as u64)
}
