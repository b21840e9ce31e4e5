//! Colour profiles: what they are called, and bringing pixels to sRGB.

use std::sync::{Mutex, PoisonError};

use common::{Failure, report};
use image::DynamicImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, ProfileText, TransformExecutor, TransformOptions};

use super::super::{Stop, limits::MAX_ICC_BYTES, pixels, probe::ColorKind};

/// The longest name of a profile that is passed on, in characters.
const MAX_NAME_CHARS: usize = 100;

/// Pixels that are converted between two looks at the stop.
const PIXELS_AT_ONCE: usize = 1 << 16;

/// A profile that could be read.
pub(crate) struct Profile {
    profile: ColorProfile,
    /// What it calls itself.
    pub(crate) name: String,
    /// Whether its colours are those of sRGB, give or take one level of 8 bits.
    pub(crate) srgb: bool,
}

impl Profile {
    /// Whether it describes red, green and blue.
    pub(crate) fn is_rgb(&self) -> bool {
        self.profile.color_space == DataColorSpace::Rgb
    }
}

/// Whether pixels that are stored so come out of the decoder in the colours of their profile.
pub(crate) fn fits(color: ColorKind) -> bool {
    color != ColorKind::Cmyk
}

/// Reads a profile; `None` where it is too large or broken.
pub(crate) fn read(bytes: &[u8]) -> Option<Profile> {
    if bytes.len() > MAX_ICC_BYTES {
        return None;
    }
    let profile = ColorProfile::new_from_slice(bytes).ok()?;
    let name = profile.description.as_ref().map(name_of).unwrap_or_default();
    let srgb = judged(bytes, || is_srgb(&profile));
    Some(Profile { profile, name, srgb })
}

/// What `judge` says of these bytes, or said before: a camera writes the same profile into every file, and to judge one
/// takes longer than all else that is read of a header.
fn judged(bytes: &[u8], judge: impl FnOnce() -> bool) -> bool {
    /// Profiles with their verdicts, the latest first.
    static KNOWN: Mutex<Vec<(Box<[u8]>, bool)>> = Mutex::new(Vec::new());
    /// Bytes of a profile that is worth keeping; those with large tables are rare.
    const LARGEST: usize = 16 << 10;
    const MOST: usize = 16;
    if bytes.len() > LARGEST {
        return judge();
    }
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = known();
    if let Some(at) = all.iter().position(|(profile, _)| **profile == *bytes) {
        all[..=at].rotate_right(1);
        return all[0].1;
    }
    drop(all);
    let srgb = judge();
    let mut all = known();
    all.truncate(MOST - 1);
    all.insert(0, (bytes.into(), srgb));
    srgb
}

/// The section of a report.
pub(crate) fn report(bytes: &[u8]) -> report::Icc {
    let profile = read(bytes);
    let srgb = profile.as_ref().is_some_and(|profile| profile.srgb);
    report::Icc {
        name: profile.map(|profile| profile.name).filter(|name| !name.is_empty()),
        bytes: bytes.len() as u64,
        srgb,
    }
}

fn name_of(text: &ProfileText) -> String {
    let text = match text {
        ProfileText::PlainString(text) => text,
        ProfileText::Localizable(texts) => texts.first().map_or("", |text| &text.value),
        ProfileText::Description(text) => &text.ascii_string,
    };
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect::<String>().trim().to_owned()
}

/// Asks the transform itself, because names lie: a few colours from all over the cube must stay what they are.
fn is_srgb(profile: &ColorProfile) -> bool {
    const STEPS: [u8; 5] = [0, 51, 128, 204, 255];
    if profile.color_space != DataColorSpace::Rgb {
        return false;
    }
    let Ok(transform) =
        profile.create_transform_8bit(Layout::Rgb, &ColorProfile::new_srgb(), Layout::Rgb, TransformOptions::default())
    else {
        return false;
    };
    let colors: Vec<u8> = STEPS
        .iter()
        .flat_map(|r| STEPS.iter().flat_map(move |g| STEPS.iter().flat_map(move |b| [*r, *g, *b])))
        .collect();
    let mut converted = vec![0; colors.len()];
    transform.transform(&colors, &mut converted).is_ok()
        && colors.iter().zip(&converted).all(|(before, after)| before.abs_diff(*after) <= 1)
}

/// Whether the conversion could be done.
pub(crate) enum Conversion {
    Done(DynamicImage),
    /// The profile does not fit the pixels; they are as they were.
    Refused(DynamicImage),
}

/// Brings the pixels to sRGB (gray ones to the curve of sRGB).
pub(crate) fn to_srgb(image: DynamicImage, profile: &Profile, stop: &Stop) -> Result<Conversion, Failure> {
    let srgb = ColorProfile::new_srgb();
    let target = if image.color().has_color() {
        srgb
    } else {
        let mut gray = ColorProfile::new_gray_with_gamma(2.2);
        gray.gray_trc = srgb.red_trc;
        gray
    };
    let layout = match (image.color().has_color(), image.color().has_alpha()) {
        (false, false) => Layout::Gray,
        (false, true) => Layout::GrayAlpha,
        (true, false) => Layout::Rgb,
        (true, true) => Layout::Rgba,
    };
    let options = TransformOptions::default();
    let mut image = image;
    let samples_at_once = PIXELS_AT_ONCE * layout.channels();
    let done = if pixels::is_wide(&image) {
        let Ok(transform) = profile.profile.create_transform_16bit(layout, &target, layout, options) else {
            return Ok(Conversion::Refused(image));
        };
        match &mut image {
            DynamicImage::ImageLuma16(buffer) => convert(&mut *buffer, &*transform, samples_at_once, stop),
            DynamicImage::ImageLumaA16(buffer) => convert(&mut *buffer, &*transform, samples_at_once, stop),
            DynamicImage::ImageRgb16(buffer) => convert(&mut *buffer, &*transform, samples_at_once, stop),
            DynamicImage::ImageRgba16(buffer) => convert(&mut *buffer, &*transform, samples_at_once, stop),
            _ => Ok(false),
        }
    } else {
        let Ok(transform) = profile.profile.create_transform_8bit(layout, &target, layout, options) else {
            return Ok(Conversion::Refused(image));
        };
        match &mut image {
            DynamicImage::ImageLuma8(buffer) => convert(&mut *buffer, &*transform, samples_at_once, stop),
            DynamicImage::ImageLumaA8(buffer) => convert(&mut *buffer, &*transform, samples_at_once, stop),
            DynamicImage::ImageRgb8(buffer) => convert(&mut *buffer, &*transform, samples_at_once, stop),
            DynamicImage::ImageRgba8(buffer) => convert(&mut *buffer, &*transform, samples_at_once, stop),
            _ => Ok(false),
        }
    }?;
    Ok(if done { Conversion::Done(image) } else { Conversion::Refused(image) })
}

/// Brings inks, four bytes a pixel, to sRGB, three bytes a pixel; none where the profile is for something else.
pub(crate) fn inks_to_srgb(inks: &[u8], profile: &Profile, stop: &Stop) -> Result<Option<Vec<u8>>, Failure> {
    if profile.profile.color_space != DataColorSpace::Cmyk {
        return Ok(None);
    }
    let options = TransformOptions::default();
    let Ok(transform) =
        profile.profile.create_transform_8bit(Layout::Rgba, &ColorProfile::new_srgb(), Layout::Rgb, options)
    else {
        return Ok(None);
    };
    let mut colors = vec![0; inks.len() / 4 * 3];
    for (from, to) in inks.chunks(4 * PIXELS_AT_ONCE).zip(colors.chunks_mut(3 * PIXELS_AT_ONCE)) {
        stop.check()?;
        if transform.transform(from, to).is_err() {
            return Ok(None);
        }
    }
    Ok(Some(colors))
}

fn convert<T: Copy + Default>(
    samples: &mut [T],
    transform: &(dyn TransformExecutor<T> + Send + Sync),
    at_once: usize,
    stop: &Stop,
) -> Result<bool, Failure> {
    let mut before = vec![T::default(); at_once.min(samples.len())];
    for part in samples.chunks_mut(at_once) {
        stop.check()?;
        let Some(copy) = before.get_mut(..part.len()) else { return Ok(false) };
        copy.copy_from_slice(part);
        if transform.transform(copy, part).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use common::Format;
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::engine::fixtures;

    fn display_p3() -> Vec<u8> {
        ColorProfile::new_display_p3().encode().unwrap()
    }

    #[test]
    fn a_profile_is_judged_once() {
        let of = |number: u8| -> Vec<u8> { [b"one of many", &[number][..]].concat() };
        assert!(judged(&of(0), || true));
        assert!(judged(&of(0), || unreachable!("it is known")));
        // One that was not seen for long is judged anew; a large one always.
        (1..40).for_each(|number| assert!(!judged(&of(number), || false)));
        assert!(!judged(&of(0), || false));
        let large = vec![7; 1 << 20];
        assert!(judged(&large, || true) && !judged(&large, || false));
    }

    #[test]
    fn display_p3_becomes_srgb_in_8_and_16_bits() {
        // A muted green of Display P3 and what it is in sRGB, from the definitions (CSS Color 4).
        let expected = [82.7, 153.9, 91.2];
        let eight = DynamicImage::from(RgbImage::from_pixel(8, 8, Rgb([100, 152, 97])));
        let sixteen = DynamicImage::from(eight.to_rgb16());
        for image in [eight, sixteen] {
            let input = fixtures::png_with_icc(&image, display_p3());
            let result = fixtures::transform(&input, "[]", Some(Format::Png)).unwrap();
            assert!(
                result.applied.iter().any(|line| line.starts_with("icc ") && line.ends_with("-> srgb")),
                "{:?}",
                result.applied
            );
            let decoded = fixtures::decoded(&result.bytes);
            assert_eq!(decoded.color(), image.color());
            let pixel = decoded.to_rgb16().get_pixel(4, 4).0.map(|value| f64::from(value) / 257.0);
            let far = pixel.iter().zip(expected).map(|(a, b): (&f64, f64)| (a - b).abs()).fold(0.0, f64::max);
            assert!(far < 2.5, "{pixel:?}");
        }
    }

    #[test]
    fn alpha_is_kept_and_gray_profiles_work() {
        let input = fixtures::png_with_icc(&fixtures::disc(20).into(), display_p3());
        let result = fixtures::decoded(&fixtures::transform(&input, "[]", None).unwrap().bytes).into_rgba8();
        assert_eq!(result.get_pixel(0, 0).0[3], 0);
        assert_eq!(result.get_pixel(10, 10).0[3], 255);
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        let input = fixtures::png_with_icc(&image::GrayImage::from_pixel(4, 4, image::Luma([55])).into(), linear);
        let result = fixtures::decoded(&fixtures::transform(&input, "[]", None).unwrap().bytes).into_luma8();
        // Linear 0.2157 is 0.5019 of sRGB.
        assert!(result.get_pixel(1, 1).0[0].abs_diff(128) <= 2, "{:?}", result.get_pixel(1, 1));
    }

    #[test]
    fn srgb_is_left_alone_and_rubbish_is_warned_of() {
        let jpeg = fixtures::file(fixtures::photo(40, 40), Format::Jpeg);
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let result = fixtures::transform(&fixtures::with_icc(&jpeg, &srgb), "[]", None).unwrap();
        assert!(result.warnings.is_empty() && !result.applied.iter().any(|line| line.starts_with("icc")));
        assert!(report(&srgb).srgb && !report(&display_p3()).srgb);
        for rubbish in
            [&b"no profile at all"[..], &srgb[..200], &ColorProfile::new_gray_with_gamma(2.2).encode().unwrap()]
        {
            let result = fixtures::transform(&fixtures::with_icc(&jpeg, rubbish), "[]", None).unwrap();
            assert_eq!(result.warnings.first().map(|w| w.code.as_str()), Some("icc_unreadable"));
        }
    }
}
