//! An animation through a recipe: each frame goes the way of a single picture.

use common::{Failure, FailureKind};
use image::DynamicImage;

use super::{
    codec::{
        Encoding,
        animation::{MAX_BYTES, MAX_PIXELS, Reader, Shown, Writer, plays},
    },
    goal::Reached,
    limits::Size,
    metadata,
    picture::Picture,
    pipeline::Way,
    pixels,
    probe::Probe,
    step::Notes,
};

/// Whether all frames of such a file can be kept in the result.
pub(crate) fn kept(probe: &Probe, encoding: &Encoding) -> bool {
    probe.frames > 1 && probe.format.holds_animation() && encoding.format.holds_animation()
}

/// Checks what all frames together have, in pixels: before, and after every step.
pub(crate) fn check(probe: &Probe, sizes: &[Size]) -> Result<(), Failure> {
    let most = sizes.iter().copied().chain([probe.stored_size()]).max_by_key(|size| size.pixels());
    let most = most.unwrap_or(probe.stored_size());
    if u64::from(probe.frames).saturating_mul(most.pixels()) <= MAX_PIXELS {
        return Ok(());
    }
    let message = format!("The animation has {} frames, which would be of {most} pixels each.", probe.frames);
    Err(Failure::new(FailureKind::TooLarge, message)
        .allowed(format!("{} megapixels in all frames together", MAX_PIXELS / 1_000_000))
        .next("Make it smaller or shorter first, or ask for a format without animation, such as jpeg, for the first frame."))
}

/// What reading and writing frames takes in memory beside the way of one.
pub(crate) fn memory(probe: &Probe, last: Size) -> u64 {
    // Reading: the canvas, the one before it, the frame and a copy. Writing: the frame, the next, what is seen, a part.
    let (read, written) = (probe.stored_size().pixels().saturating_mul(16), last.pixels().saturating_mul(20));
    let file = last.pixels().saturating_mul(4 * u64::from(probe.frames)).min(MAX_BYTES as u64);
    read.saturating_add(written).saturating_add(file)
}

/// Takes every frame through the recipe; gives the first as it was encoded, and the file of all. `None` where not even
/// the first can be read as one.
pub(crate) fn make(
    way: &Way<'_>,
    encoding: &Encoding,
    strict: bool,
    notes: &mut Notes,
) -> Result<Option<(Picture, Reached)>, Failure> {
    let (input, probe, stop) = (way.input, way.probe(), way.context.stop);
    let Some(mut reader) = Reader::open(input, probe) else { return Ok(None) };
    let mut writer = Writer::new(*encoding, plays(input, probe.format), stop);
    let mut first: Option<DynamicImage> = None;
    let (mut lasts, mut damaged) = (0_u64, false);
    while writer.frames < probe.frames {
        stop.check()?;
        let Some(Ok(frame)) = reader.next() else {
            damaged = true;
            break;
        };
        if (frame.image.width(), frame.image.height()) != (probe.width, probe.height) {
            return Ok(None);
        }
        // What is said of the first frame holds for all.
        let mut own = Notes::default();
        let image = Picture::Pixels(frame.image.into());
        let image = way.through(image, if first.is_none() { notes } else { &mut own })?;
        let image = pixels::narrow(image.into_pixels()?);
        match &first {
            None => first = Some(image.clone()),
            Some(first) if (first.width(), first.height()) != (image.width(), image.height()) => {
                return Err(Failure::invalid("steps", "A trim would make another size of each frame.")
                    .next("Use a crop in place of the trim."));
            }
            Some(_) => {}
        }
        lasts += u64::from(frame.delay);
        writer.add(Shown { image: image.into_rgba8(), delay: frame.delay })?;
        if writer.bytes() > MAX_BYTES {
            return Err(Failure::new(
                FailureKind::TooLarge,
                "The animation becomes larger than any that is written here.",
            )
            .allowed(format!("{} MB", MAX_BYTES >> 20))
            .next(r#"Make it smaller with a resize, or ask for webp with a lower quality."#));
        }
    }
    let Some(first) = first else { return Ok(None) };
    if damaged {
        let message =
            format!("The animation is damaged: only {} of {} frames can be read.", writer.frames, probe.frames);
        if strict {
            return Err(Failure::new(FailureKind::ImageUnreadable, message)
                .next("Send the whole file, or leave out strict to use what can be decoded."));
        }
        notes.warn("truncated", message);
    }
    notes.applied(format!("{} frames, {:.1} seconds", writer.frames, lasts as f64 / 1000.0));
    let first = Picture::Pixels(if writer.alpha { first } else { opaque(first) });
    let carried = way.carried(first.size(), encoding, notes);
    let bytes = metadata::embed(writer.finish()?, encoding.format, &carried)?;
    Ok(Some((first, Reached::once(bytes, encoding, &way.recipe.output))))
}

/// Without an alpha channel that says nothing in any frame.
fn opaque(image: DynamicImage) -> DynamicImage {
    if image.color().has_color() { image.into_rgb8().into() } else { image.into_luma8().into() }
}
