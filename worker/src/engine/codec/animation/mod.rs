//! Animations: GIF, animated WebP and animated PNG, frame by frame.
//!
//! A frame is always the whole picture as it is shown: what the file says of parts, blending and disposal is worked out
//! in reading. In writing only the part is stored that differs from what is shown already.

mod gif;
mod png;
mod webp;

use std::io::Cursor;

use common::{Failure, Format};
use image::{AnimationDecoder, Frames, ImageDecoder, Rgba, RgbaImage, codecs, imageops};

use super::Encoding;
use crate::engine::{Stop, foreign, pixels, probe::Probe};

/// What an animation may have in all its frames together, in pixels.
pub(crate) const MAX_PIXELS: u64 = 500_000_000;

/// The largest animation that is written, in bytes: it is held in memory until its last frame.
pub(crate) const MAX_BYTES: usize = 100 * 1024 * 1024;

/// One picture of an animation.
pub(crate) struct Shown {
    pub(crate) image: RgbaImage,
    /// How long it is shown, in milliseconds.
    pub(crate) delay: u32,
}

/// The frames of a file, one after the other.
pub(crate) struct Reader<'a> {
    frames: Frames<'a>,
}

impl<'a> Reader<'a> {
    /// `None` where the file cannot be read as an animation.
    pub(crate) fn open(input: &'a [u8], probe: &Probe) -> Option<Self> {
        let cursor = Cursor::new(input);
        let mut limits = image::Limits::default();
        // The canvas, the one before, and two copies of a frame; see `memory`.
        limits.max_alloc = Some(probe.stored_size().pixels().saturating_mul(20).saturating_add(1 << 24));
        let open = || {
            Some(match probe.format {
                Format::Gif => {
                    let mut decoder = codecs::gif::GifDecoder::new(cursor).ok()?;
                    decoder.set_limits(limits).ok()?;
                    decoder.into_frames()
                }
                Format::Webp => {
                    let mut decoder = codecs::webp::WebPDecoder::new(cursor).ok()?;
                    decoder.set_limits(limits).ok()?;
                    // What the file suggests as background is for viewers that know no transparency.
                    decoder.set_background_color(Rgba([0; 4])).ok()?;
                    decoder.into_frames()
                }
                Format::Png => {
                    let decoder = codecs::png::PngDecoder::with_limits(cursor, limits).ok()?;
                    decoder.apng().ok()?.into_frames()
                }
                _ => return None,
            })
        };
        let frames = foreign::guarded(open).flatten()?;
        Some(Self { frames })
    }

    /// The next frame: none at the end, an error where the file is damaged. A decoder that panics has met damage.
    pub(crate) fn next(&mut self) -> Option<Result<Shown, ()>> {
        let next = foreign::guarded(|| self.frames.next()).flatten()?;
        Some(match next {
            Ok(frame) => {
                let (numerator, denominator) = frame.delay().numer_denom_ms();
                let delay = (numerator + denominator / 2).checked_div(denominator).unwrap_or(0);
                Ok(Shown { image: frame.into_buffer(), delay })
            }
            Err(error) => {
                tracing::debug!(?error, "frame");
                Err(())
            }
        })
    }
}

/// How often the animation is shown; 0 is for ever.
pub(crate) fn plays(input: &[u8], format: Format) -> u32 {
    match format {
        Format::Gif => gif::plays(input),
        Format::Webp => webp::plays(input),
        _ => png::plays(input),
    }
}

/// A rectangle of the picture that a frame replaces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Part {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// Writes frames, each one late: how one ends depends on the next.
pub(crate) struct Writer<'a> {
    encoding: Encoding,
    stop: &'a Stop,
    plays: u32,
    waiting: Option<Shown>,
    /// What is seen when the waiting frame begins; nothing before the first.
    seen: Option<RgbaImage>,
    file: File,
    pub(crate) frames: u32,
    /// Whether any pixel of any frame is less than opaque.
    pub(crate) alpha: bool,
}

enum File {
    /// Boxed, because it is much larger than the others.
    Gif(Option<Box<gif::File>>),
    Png(png::File),
    Webp(webp::File),
}

impl<'a> Writer<'a> {
    pub(crate) fn new(encoding: Encoding, plays: u32, stop: &'a Stop) -> Self {
        let file = match encoding.format {
            Format::Gif => File::Gif(None),
            Format::Webp => File::Webp(webp::File::default()),
            _ => File::Png(png::File::default()),
        };
        Self { encoding, stop, plays, waiting: None, seen: None, file, frames: 0, alpha: false }
    }

    /// Adds the next frame, which must be as large as the others.
    pub(crate) fn add(&mut self, mut frame: Shown) -> Result<(), Failure> {
        self.stop.check()?;
        if matches!(self.file, File::Gif(_)) {
            gif::all_or_nothing(&mut frame.image);
        }
        self.alpha |= frame.image.pixels().any(|pixel| pixel.0[3] < 255);
        self.frames += 1;
        if let Some(waiting) = self.waiting.take() {
            self.write(waiting, Some(&frame.image))?;
        }
        self.waiting = Some(frame);
        Ok(())
    }

    /// The whole file.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Failure> {
        if let Some(waiting) = self.waiting.take() {
            self.write(waiting, None)?;
        }
        match self.file {
            File::Gif(Some(file)) => file.finish(),
            File::Gif(None) => Err(pixels::unexpected("an animation without frames")),
            File::Png(file) => file.finish(self.plays),
            File::Webp(file) => file.finish(self.plays, self.alpha),
        }
    }

    /// Bytes that were written so far.
    pub(crate) fn bytes(&self) -> usize {
        match &self.file {
            File::Gif(file) => file.as_ref().map_or(0, |file| file.bytes()),
            File::Png(file) => file.bytes(),
            File::Webp(file) => file.bytes(),
        }
    }

    fn write(&mut self, frame: Shown, next: Option<&RgbaImage>) -> Result<(), Failure> {
        let (width, height) = frame.image.dimensions();
        let whole = Part { x: 0, y: 0, width, height };
        let part = match &self.seen {
            Some(seen) => differing(seen, &frame.image),
            None => whole,
        };
        let Shown { image, delay } = frame;
        match &mut self.file {
            File::Gif(file) => {
                // In GIF a pixel once drawn becomes transparent only when the frame is cleared away.
                let clear = next.is_some_and(|next| vanishes(&image, next));
                let file = match file {
                    Some(file) => file,
                    None => file.insert(Box::new(gif::File::new(width, height, self.plays)?)),
                };
                let part = if clear { whole } else { part };
                let mut patch = cut(&image, part);
                if let Some(seen) = self.seen.as_ref().filter(|_| !clear) {
                    gif::leave_out_what_is_seen(&mut patch, seen, part);
                }
                file.add(patch, part, delay, clear)?;
                self.seen = (!clear).then_some(image);
            }
            File::Png(file) => {
                file.add(cut(&image, part), part, delay)?;
                self.seen = Some(image);
            }
            File::Webp(file) => {
                let part = webp::even(part);
                file.add(cut(&image, part), part, delay, &self.encoding, self.stop)?;
                self.seen = Some(image);
            }
        }
        Ok(())
    }
}

fn cut(image: &RgbaImage, part: Part) -> RgbaImage {
    imageops::crop_imm(image, part.x, part.y, part.width, part.height).to_image()
}

/// The smallest rectangle outside of which both are the same; one pixel where all is.
fn differing(one: &RgbaImage, other: &RgbaImage) -> Part {
    let (width, height) = other.dimensions();
    let (mut left, mut top, mut right, mut bottom) = (width, height, 0, 0);
    for (y, (one, other)) in one.rows().zip(other.rows()).enumerate() {
        let differs = |(one, other): (&Rgba<u8>, &Rgba<u8>)| one != other;
        let Some(first) = one.clone().zip(other.clone()).position(differs) else { continue };
        let last = one.zip(other).rposition(differs).unwrap_or(first);
        let y = y as u32;
        (left, right) = (left.min(first as u32), right.max(last as u32));
        (top, bottom) = (top.min(y), y);
    }
    if left > right {
        return Part { x: 0, y: 0, width: 1, height: 1 };
    }
    Part { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }
}

/// Whether a pixel that is seen in `image` is not there any more in `next`.
fn vanishes(image: &RgbaImage, next: &RgbaImage) -> bool {
    image.pixels().zip(next.pixels()).any(|(now, then)| now.0[3] != 0 && then.0[3] == 0)
}

#[cfg(test)]
mod tests {
    use image::DynamicImage;

    use super::*;
    use crate::engine::{Options, fixtures, probe};

    fn frames(file: &[u8]) -> Vec<Shown> {
        let header = probe::read(file, fixtures::engine().limits()).unwrap();
        let mut reader = Reader::open(file, &header.probe).unwrap();
        std::iter::from_fn(|| reader.next()).map(Result::unwrap).collect()
    }

    const ANIMATED: [Format; 3] = [Format::Gif, Format::Webp, Format::Png];

    #[test]
    fn what_is_written_is_what_is_shown() {
        for format in ANIMATED {
            let file = fixtures::moving(format, 4);
            assert_eq!(plays(&file, format), 3, "{format:?}");
            let frames = frames(&file);
            assert_eq!(frames.iter().map(|frame| frame.delay).collect::<Vec<_>>(), [100, 150, 200, 250], "{format:?}");
            for (number, frame) in frames.iter().enumerate() {
                for (x, y, pixel) in frame.image.enumerate_pixels() {
                    let inside = (number as u32 * 8..number as u32 * 8 + 8).contains(&x) && (4..12).contains(&y);
                    let expected = if inside { [255, 0, 0, 255] } else { [0; 4] };
                    assert_eq!(pixel.0, expected, "{format:?} frame {number} at {x},{y}");
                }
            }
        }
    }

    #[test]
    fn every_frame_goes_through_the_steps_from_each_format_to_each() {
        for from in ANIMATED {
            for to in ANIMATED {
                let file = fixtures::moving(from, 4);
                let steps = r#"[{"op":"resize","width":20},{"op":"flop"}]"#;
                let made = fixtures::transform(&file, steps, Some(to)).unwrap();
                assert!(made.warnings.is_empty(), "{from:?} to {to:?}: {:?}", made.warnings);
                assert!(made.applied.contains(&"4 frames, 0.7 seconds".to_owned()), "{:?}", made.applied);
                assert_eq!((made.facts.width, made.facts.height, made.facts.alpha), (20, 10, true));
                assert_eq!(plays(&made.bytes, to), 3, "{from:?} to {to:?}");
                let frames = frames(&made.bytes);
                assert_eq!(frames.len(), 4);
                // The square of the last frame was right of the middle; mirrored it is left.
                let seen = |x| frames[3].image.get_pixel(x, 4).0;
                assert_eq!((seen(6)[3], seen(17)[3]), (255, 0), "{from:?} to {to:?}");
                assert!(seen(6)[0] > 240, "{from:?} to {to:?}: {:?}", seen(6));
            }
        }
    }

    #[test]
    fn opaque_animations_store_only_what_changes() {
        let still = DynamicImage::from(fixtures::photo(200, 150)).into_rgba8();
        for format in ANIMATED {
            let stop = fixtures::stop();
            let encoding = Encoding { format, quality: 80, lossless: false, progressive: false };
            let mut writer = Writer::new(encoding, 0, &stop);
            for frame in 0..10 {
                let mut image = still.clone();
                imageops::replace(
                    &mut image,
                    &RgbaImage::from_pixel(9, 9, Rgba([255, 255, 0, 255])),
                    frame * 13 + 1,
                    70,
                );
                writer.add(Shown { image, delay: 40 }).unwrap();
            }
            assert!(!writer.alpha);
            let file = writer.finish().unwrap();
            let single = fixtures::file(DynamicImage::from(still.clone()).into_rgb8(), format);
            assert!(file.len() < single.len() * 3, "{format:?}: {} and {}", file.len(), single.len());
            let frames = frames(&file);
            assert_eq!((frames.len(), plays(&file, format)), (10, 0));
            let last = &frames[9].image;
            let yellow = last.get_pixel(122, 74).0;
            assert!(yellow[0] > 230 && yellow[1] > 230 && yellow[2] < 60 && yellow[3] == 255, "{format:?}: {yellow:?}");
            let psnr = fixtures::psnr(
                &DynamicImage::from(last.clone()).crop_imm(0, 0, 200, 60),
                &DynamicImage::from(still.clone()).crop_imm(0, 0, 200, 60),
            );
            assert!(psnr > 28.0, "{format:?}: {psnr:.1} dB");
        }
    }

    #[test]
    fn a_cut_animation_keeps_the_frames_it_has() {
        for format in ANIMATED {
            let file = fixtures::moving(format, 4);
            let cut = &file[..file.len() * 3 / 4];
            let made = fixtures::transform(cut, "[]", Some(Format::Webp)).unwrap();
            assert!(made.warnings.iter().any(|warning| warning.code == "truncated"), "{format:?}: {:?}", made.warnings);
            let strict = Options { strict: true, ..Options::default() };
            let recipe = fixtures::recipe("[]", Some(Format::Webp));
            assert!(fixtures::engine().transform(cut, &recipe, &strict, &fixtures::stop()).is_err(), "{format:?}");
        }
    }

    #[test]
    fn smart_holds_on_to_one_place_and_trim_to_one_size() {
        let file = fixtures::moving(Format::Gif, 4);
        let steps = r#"[{"op":"crop","width":20,"height":20,"gravity":"smart"}]"#;
        let made = fixtures::transform(&file, steps, Some(Format::Png)).unwrap();
        // The square moves on; a crop that followed it would show it at one place.
        let left = |frame: &Shown| frame.image.enumerate_pixels().find(|(.., pixel)| pixel.0[3] > 0).map(|(x, ..)| x);
        let lefts: Vec<_> = frames(&made.bytes).iter().map(left).collect();
        assert_eq!(lefts[1], lefts[0].map(|x| x + 8), "{lefts:?}");
        let grows = r#"[{"op":"trim"}]"#;
        let stop = fixtures::stop();
        let mut writer = Writer::new(Encoding::png(), 0, &stop);
        for side in [4, 8] {
            let mut image = RgbaImage::from_pixel(20, 20, Rgba([255; 4]));
            imageops::replace(&mut image, &RgbaImage::from_pixel(side, side, Rgba([0, 0, 0, 255])), 5, 5);
            writer.add(Shown { image, delay: 100 }).unwrap();
        }
        let failure = fixtures::transform(&writer.finish().unwrap(), grows, None).unwrap_err();
        assert!(failure.next.unwrap().contains("crop"));
    }

    #[test]
    fn all_frames_together_are_bounded_and_can_be_stopped() {
        let file = fixtures::moving(Format::Gif, 4);
        let steps = r#"[{"op":"resize","width":16000,"upscale":true}]"#;
        let failure = fixtures::transform(&file, steps, None).unwrap_err();
        assert!(failure.to_string().contains("megapixels"), "{failure}");
        let stop = Stop::new(std::time::Duration::from_millis(100));
        let steps = fixtures::recipe(r#"[{"op":"resize","width":3000,"upscale":true}]"#, Some(Format::Webp));
        let failure =
            fixtures::engine().transform(&fixtures::moving(Format::Gif, 40), &steps, &Options::default(), &stop);
        assert!(failure.unwrap_err().to_string().contains("JOB_TIMEOUT_SECS"));
    }
}
