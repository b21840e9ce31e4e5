//! Goals instead of knobs: the quality that a file of so many bytes, or of such a likeness, needs.

use common::{Failure, recipe::Output};

use super::{
    Limits, Stop,
    codec::{self, Encoding},
    metadata::Carried,
    picture::Picture,
    pixels::unexpected,
    probe,
    ssim::{self, Luma},
    step::Notes,
};

/// A file this much under `max_bytes` is near enough.
const BYTES_NEAR: f64 = 0.02;

/// A likeness this much over `min_ssim` is near enough.
const SSIM_NEAR: f64 = 0.0005;

/// How much the logarithm of the bytes, or of the distance to the same, changes with a step of quality: a first guess.
const SLOPE: f64 = 0.03;

/// What came out.
pub(crate) struct Reached {
    pub(crate) bytes: Vec<u8>,
    /// The quality it took.
    pub(crate) quality: u8,
    /// The likeness, where it was asked for.
    pub(crate) ssim: Option<f64>,
    /// How often the picture was encoded.
    pub(crate) tries: u32,
    /// The goals that no quality meets.
    pub(crate) missed: Vec<Missed>,
}

impl Reached {
    /// What was encoded once, whatever the goals: an animation takes too long to try again.
    pub(crate) fn once(bytes: Vec<u8>, encoding: &Encoding, output: &Output) -> Self {
        let over = output.max_bytes.is_some_and(|most| bytes.len() as u64 > most);
        let missed = if over { vec![Missed::MaxBytes] } else { Vec::new() };
        Self { bytes, quality: encoding.quality, ssim: None, tries: 1, missed }
    }
}

/// A goal that is not met.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Missed {
    MaxBytes,
    MinSsim,
}

/// Encodes `picture` so that it meets the goals of `output`. `min_ssim` asks for the smallest such file, `max_bytes` for
/// the best; together, the bytes come first. Where there is no goal, or no quality to choose, encodes it once.
///
/// # Errors
/// What the encoder and `stop` say.
pub(crate) fn encode(
    picture: &Picture,
    encoding: &Encoding,
    output: &Output,
    carried: &Carried,
    limits: &Limits,
    stop: &Stop,
) -> Result<Reached, Failure> {
    // What we write ourselves is read, however large it is.
    let limits = Limits { max_file_bytes: u64::MAX, ..limits.clone() };
    let mut tries = Tries { picture, encoding: *encoding, carried, limits, stop, original: None, count: 0 };
    let max_bytes = output.max_bytes.unwrap_or(u64::MAX);
    let min_ssim = output.min_ssim.filter(|_| encoding.is_lossy());
    // With a likeness to keep, the quality is what is looked for; else it is what is had if the bytes allow.
    let most = if min_ssim.is_some() { output.quality.unwrap_or(100) } else { encoding.quality };
    let mut best = match min_ssim {
        Some(min_ssim) => tries.likest(most, min_ssim)?,
        None => tries.at(most, false)?,
    };
    if best.size() > max_bytes && encoding.is_lossy() {
        best = tries.largest(&best, max_bytes, min_ssim.is_some())?;
    }
    let mut missed = Vec::new();
    if best.size() > max_bytes {
        missed.push(Missed::MaxBytes);
    }
    if min_ssim.is_some_and(|min| best.ssim.is_some_and(|ssim| ssim < min)) {
        missed.push(Missed::MinSsim);
    }
    Ok(Reached { bytes: best.bytes, quality: best.quality, ssim: best.ssim, tries: tries.count, missed })
}

/// Says what was reached, and what was not.
pub(crate) fn note(output: &Output, encoding: &Encoding, reached: &Reached, notes: &mut Notes) {
    let (bytes, tries) = (reached.bytes.len(), reached.tries);
    if reached.tries > 1 {
        let goals = match (output.max_bytes, output.min_ssim) {
            (Some(max), Some(min)) => format!("max_bytes {max}, min_ssim {min}"),
            (Some(max), None) => format!("max_bytes {max}"),
            (None, min) => format!("min_ssim {}", min.unwrap_or_default()),
        };
        let ssim = reached.ssim.map(|ssim| format!(", SSIM {ssim:.4}")).unwrap_or_default();
        notes.applied(format!("{goals}: {bytes} bytes{ssim}, found in {tries} tries"));
    }
    if output.min_ssim.is_some() && reached.ssim.is_none() {
        notes.ignored(if encoding.is_lossy() {
            "min_ssim: an animation is encoded once, with quality"
        } else {
            "min_ssim: there is no quality to choose; jpeg, avif and lossy webp have one"
        });
    }
    for missed in &reached.missed {
        match (missed, output.max_bytes, output.min_ssim) {
            (Missed::MaxBytes, Some(max), _) => {
                let way = if encoding.is_lossy() {
                    "Add a resize step with a smaller width."
                } else {
                    "Use output_format jpeg, avif or webp, or a resize step with a smaller width."
                };
                notes.warn(
                    "max_bytes_missed",
                    format!("The result has {bytes} bytes, more than max_bytes {max}. {way}"),
                );
            }
            (Missed::MinSsim, max, Some(min)) => {
                let ssim = reached.ssim.unwrap_or_default();
                let why =
                    if max.is_some_and(|max| bytes as u64 <= max) && reached.quality < output.quality.unwrap_or(100) {
                        "max_bytes comes first"
                    } else {
                        "the highest quality allowed does not reach it"
                    };
                notes.warn("min_ssim_missed", format!("The SSIM is {ssim:.4}, less than min_ssim {min}: {why}."));
            }
            _ => {}
        }
    }
}

/// The picture at one quality.
struct Try {
    quality: u8,
    bytes: Vec<u8>,
    ssim: Option<f64>,
}

impl Try {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

struct Tries<'a> {
    picture: &'a Picture,
    encoding: Encoding,
    /// Counts, too, where bytes are counted.
    carried: &'a Carried,
    limits: Limits,
    stop: &'a Stop,
    /// The luma of the picture, once it is needed.
    original: Option<Luma>,
    count: u32,
}

impl Tries<'_> {
    fn at(&mut self, quality: u8, measured: bool) -> Result<Try, Failure> {
        self.stop.check()?;
        self.count += 1;
        let bytes = codec::encode(self.picture, &Encoding { quality, ..self.encoding }, self.carried, self.stop)?;
        let ssim = if measured { Some(self.ssim(&bytes)?) } else { None };
        Ok(Try { quality, bytes, ssim })
    }

    fn ssim(&mut self, bytes: &[u8]) -> Result<f64, Failure> {
        let header = probe::read(bytes, &self.limits)?;
        let back = codec::decode(bytes, &header, self.stop)?.image;
        let back = Luma::of(&back, self.stop)?;
        let original = match self.original.take() {
            Some(original) => original,
            None => Luma::of(&*self.picture.pixels()?, self.stop)?,
        };
        let ssim = ssim::between(&original, &back, self.stop)?;
        self.original = Some(original);
        Ok(ssim)
    }

    /// The smallest file that is as alike as `min`, or the one of quality `most` if none is.
    fn likest(&mut self, most: u8, min: f64) -> Result<Try, Failure> {
        // Halving the distance to 1 takes about the same number of steps of quality everywhere.
        let scale = |ssim: f64| -(1.0 - ssim).max(1e-6).ln();
        let mut search = Search::new(most, scale(min));
        let mut best = None;
        let mut next = most.min(75);
        loop {
            let tried = self.at(next, true)?;
            let ssim = tried.ssim.unwrap_or_default();
            let met = ssim >= min;
            let guess = search.after(next, scale(ssim), met);
            if met || (next == most && best.is_none()) {
                best = Some(tried);
            }
            match guess {
                Some(guess) if !(met && ssim < min + SSIM_NEAR) => next = guess,
                _ => break,
            }
        }
        best.ok_or_else(|| unexpected("a search without a result"))
    }

    /// The best file of at most `max_bytes`, below the quality of `over`, or the smallest of all.
    fn largest(&mut self, over: &Try, max_bytes: u64, measured: bool) -> Result<Try, Failure> {
        let scale = |bytes: u64| (bytes.max(1) as f64).ln();
        let mut search = Search::new(over.quality, scale(max_bytes));
        let mut best: Option<Try> = None;
        let mut guess = search.after(over.quality, scale(over.size()), true);
        while let Some(quality) = guess {
            let tried = self.at(quality, false)?;
            let size = tried.size();
            guess = search.after(quality, scale(size), size > max_bytes);
            if size <= max_bytes {
                best = Some(tried);
                if size as f64 >= max_bytes as f64 * (1.0 - BYTES_NEAR) {
                    break;
                }
            }
        }
        let mut best = match best {
            Some(best) => best,
            None => self.at(1, false)?,
        };
        if measured {
            best.ssim = Some(self.ssim(&best.bytes)?);
        }
        Ok(best)
    }
}

/// Looks for where a value that rises with the quality crosses a target, in few steps: by interpolation, and by halves
/// where that does not get on.
struct Search {
    /// The highest quality known to be below, and its value where it was tried.
    below: (u8, Option<f64>),
    /// The lowest quality known to be there, and its value where it was tried.
    above: (u8, Option<f64>),
    target: f64,
    /// How often the same side has moved in a row.
    same: i8,
}

impl Search {
    /// From quality 1 to `high`.
    fn new(high: u8, target: f64) -> Self {
        Self { below: (0, None), above: (high, None), target, same: 0 }
    }

    /// The quality to try next, if any is left, after `quality` had `value`, which is there or not.
    fn after(&mut self, quality: u8, value: f64, there: bool) -> Option<u8> {
        if there {
            self.above = (quality, Some(value));
            self.same = self.same.max(0) + 1;
        } else {
            self.below = (quality, Some(value));
            self.same = self.same.min(0) - 1;
        }
        let (low, high) = (self.below.0, self.above.0);
        // The highest quality is worth a try of its own as long as it has none.
        let last = if self.above.1.is_some() { high.saturating_sub(1) } else { high };
        let first = low + 1;
        if first > last {
            return None;
        }
        let guess = match (self.below.1, self.above.1) {
            _ if self.same.abs() > 2 => f64::from(low) + f64::from(high - low) / 2.0,
            (Some(below), Some(above)) if above > below => {
                f64::from(low) + f64::from(high - low) * (self.target - below) / (above - below)
            }
            _ => f64::from(quality) + (self.target - value) / SLOPE,
        };
        // A cast from floating point saturates.
        Some((guess.round() as u8).clamp(first, last))
    }
}

#[cfg(test)]
mod tests {
    use common::{Format, Recipe};
    use image::{DynamicImage, RgbImage};

    use super::*;
    use crate::engine::{Options, Transformed, fixtures};

    fn made(image: impl Into<DynamicImage>, output: Output) -> Transformed {
        let recipe = Recipe { steps: Vec::new(), output };
        let source = fixtures::png(image.into());
        fixtures::engine().transform(&source, &recipe, &Options::default(), &fixtures::stop()).unwrap()
    }

    /// A picture with something at every scale, so that each quality makes a file of its own.
    fn detailed() -> RgbImage {
        let mut image = fixtures::photo(300, 200);
        for (x, y, pixel) in image.enumerate_pixels_mut() {
            let grain = (x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663)).wrapping_mul(2_654_435_761) >> 27;
            pixel.0 = pixel.0.map(|value| value.saturating_add(grain as u8));
        }
        image
    }

    fn output(format: Format) -> Output {
        Output { format: Some(format), ..Output::default() }
    }

    fn likeness(one: &DynamicImage, made: &Transformed) -> f64 {
        let stop = fixtures::stop();
        let luma = |image: &DynamicImage| Luma::of(image, &stop).unwrap();
        let png = fixtures::transform(&made.bytes, "[]", Some(Format::Png)).unwrap().bytes;
        ssim::between(&luma(one), &luma(&fixtures::decoded(&png)), &stop).unwrap()
    }

    #[test]
    fn the_bytes_are_kept_and_used() {
        let photo = detailed();
        for format in [Format::Jpeg, Format::Webp, Format::Avif] {
            let free = made(photo.clone(), output(format)).bytes.len() as u64;
            for max_bytes in [free * 3 / 4, free / 2, free / 3] {
                let result = made(photo.clone(), Output { max_bytes: Some(max_bytes), ..output(format) });
                let bytes = result.bytes.len() as u64;
                assert!(bytes <= max_bytes, "{format:?}: {bytes} > {max_bytes}");
                assert!(bytes * 100 >= max_bytes * 85, "{format:?}: {bytes} of {max_bytes}: {:?}", result.applied);
                assert!(result.applied.iter().any(|line| line.contains("max_bytes")), "{:?}", result.applied);
                let tries: u32 = result.applied.iter().find_map(|line| tries_of(line)).unwrap();
                assert!(tries <= 7, "{:?}", result.applied);
            }
            // What fits anyway is as without a goal.
            let loose = made(photo.clone(), Output { max_bytes: Some(free), ..output(format) });
            assert_eq!(loose.bytes, made(photo.clone(), output(format)).bytes);
        }
    }

    fn tries_of(line: &str) -> Option<u32> {
        line.split_once(" tries")?.0.rsplit(' ').next()?.parse().ok()
    }

    #[test]
    fn bytes_that_no_quality_reaches_are_said() {
        let photo = detailed();
        for format in [Format::Jpeg, Format::Png] {
            let result = made(photo.clone(), Output { max_bytes: Some(300), ..output(format) });
            let warning = result.warnings.iter().find(|warning| warning.code == "max_bytes_missed").unwrap();
            assert!(warning.message.contains(&result.bytes.len().to_string()), "{}", warning.message);
        }
    }

    #[test]
    fn the_likeness_is_kept_with_few_bytes() {
        let photo = DynamicImage::from(detailed());
        for format in [Format::Jpeg, Format::Webp, Format::Avif] {
            let mut last = 0;
            for min in [0.9, 0.96, 0.985] {
                let result = made(photo.clone(), Output { min_ssim: Some(min), ..output(format) });
                let ssim = likeness(&photo, &result);
                assert!(ssim >= min - 1e-6, "{format:?} {min}: {ssim} {:?}", result.applied);
                assert!(result.bytes.len() > last, "{format:?} {min}");
                last = result.bytes.len();
                // A lower quality does not do.
                let quality: u8 = result.applied.iter().find_map(|line| quality_of(line)).unwrap();
                if quality > 2 && ssim > min + SSIM_NEAR {
                    let lower = made(photo.clone(), Output { quality: Some(quality - 1), ..output(format) });
                    assert!(likeness(&photo, &lower) < min, "{format:?} {min}: quality {quality}");
                }
            }
        }
    }

    fn quality_of(line: &str) -> Option<u8> {
        line.split_once("quality ")?.1.split([' ', ',']).next()?.parse().ok()
    }

    #[test]
    fn a_likeness_that_is_out_of_reach_is_said_and_bytes_come_first() {
        let photo = detailed();
        let poor = made(photo.clone(), Output { min_ssim: Some(0.999), quality: Some(30), ..output(Format::Jpeg) });
        assert_eq!(poor.bytes, made(photo.clone(), Output { quality: Some(30), ..output(Format::Jpeg) }).bytes);
        assert!(poor.warnings.iter().any(|warning| warning.code == "min_ssim_missed"));
        let small = made(photo, Output { min_ssim: Some(0.98), max_bytes: Some(3000), ..output(Format::Jpeg) });
        assert!(small.bytes.len() <= 3000);
        assert!(small.warnings.iter().any(|warning| warning.code == "min_ssim_missed"));
    }

    #[test]
    fn a_format_without_a_choice_ignores_the_likeness() {
        let result = made(fixtures::photo(20, 20), Output { min_ssim: Some(0.9), ..output(Format::Png) });
        assert!(result.ignored.iter().any(|line| line.starts_with("min_ssim")), "{:?}", result.ignored);
    }

    #[test]
    fn the_search_finds_every_crossing_in_few_steps() {
        for high in [1, 2, 30, 80, 100] {
            for crossing in 1..=high + 1 {
                let value = |quality: u8| f64::from(quality).powf(1.7);
                let mut search = Search::new(high, value(crossing) - 0.5);
                let (mut next, mut steps) = (Some(high.min(75)), 0);
                let mut found = high + 1;
                while let Some(quality) = next {
                    let there = quality >= crossing;
                    if there {
                        found = quality;
                    }
                    next = search.after(quality, value(quality), there);
                    steps += 1;
                }
                assert_eq!(found, crossing, "of {high}");
                assert!(steps <= 12, "{crossing} of {high}: {steps} steps");
            }
        }
    }
}
