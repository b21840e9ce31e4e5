//! The small picture that goes along with a result: always encoded anew, small enough for a conversation.

use common::{Failure, Format, recipe::Color};
use image::DynamicImage;

use super::{
    Stop,
    codec::{self, Encoding},
    limits::Size,
    metadata::icc::{self, Conversion, Profile},
    pixels,
    step::resize,
};

/// How large the picture is that goes along with a result.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PreviewKind {
    /// None at all.
    #[default]
    None,
    /// At most 512 pixels a side, at most 60,000 characters of base64.
    Thumbnail,
    /// At most 1024 pixels a side, at most 100,000 characters of base64.
    Preview,
    /// At most 1568 pixels a side, at most 600,000 characters of base64.
    Full,
}

/// A small picture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Preview {
    /// The encoded picture.
    pub bytes: Vec<u8>,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub media_type: &'static str,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// What is tried, best first; then the same on a smaller picture.
const OPAQUE: [(Format, u8); 4] = [(Format::Jpeg, 85), (Format::Jpeg, 75), (Format::Jpeg, 60), (Format::Jpeg, 45)];
const TRANSPARENT: [(Format, u8); 3] = [(Format::Png, 100), (Format::Webp, 80), (Format::Webp, 50)];

/// Makes the small picture of `image`, whose colours are those of `profile`, or sRGB.
///
/// # Errors
/// What `stop` says.
pub(crate) fn make(
    image: &DynamicImage,
    profile: Option<&Profile>,
    kind: PreviewKind,
    stop: &Stop,
) -> Result<Option<Preview>, Failure> {
    let (side, base64) = match kind {
        PreviewKind::None => return Ok(None),
        PreviewKind::Thumbnail => (512, 60_000),
        PreviewKind::Preview => (1024, 100_000),
        PreviewKind::Full => (1568, 600_000),
    };
    // Four characters of base64 hold three bytes.
    let most = base64 / 4 * 3;
    let mut size = resize::inside(Size::new(image.width(), image.height()), side);
    let mut small = pixels::narrow(resize::scaled(image, size, stop)?);
    if let Some(profile) = profile {
        small = match icc::to_srgb(small, profile, stop)? {
            Conversion::Done(small) | Conversion::Refused(small) => small,
        };
    }
    let tries: &[(Format, u8)] = if pixels::is_transparent(&small) { &TRANSPARENT } else { &OPAQUE };
    loop {
        for (format, quality) in tries {
            stop.check()?;
            let fitted = pixels::fit_to(*format, small.clone(), Color::WHITE);
            let encoding = Encoding { format: *format, quality: *quality, lossless: false, progressive: false };
            let bytes = codec::encode_pixels(&fitted, &encoding, stop)?;
            if bytes.len() <= most {
                let (width, height) = (size.width, size.height);
                return Ok(Some(Preview { bytes, media_type: format.media_type(), width, height }));
            }
        }
        let longest = size.width.max(size.height);
        if longest == 1 {
            // One pixel always fits.
            return Ok(None);
        }
        size = resize::inside(size, longest * 4 / 5);
        small = resize::scaled(&small, size, stop)?;
    }
}

#[cfg(test)]
mod tests {
    use image::{RgbImage, RgbaImage};

    use super::*;
    use crate::engine::fixtures;

    /// Numbers without a pattern: what compresses worst.
    fn noise(seed: &mut u32) -> u8 {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*seed >> 24) as u8
    }

    #[test]
    fn even_noise_fits() {
        let mut seed = 1;
        let opaque =
            RgbImage::from_fn(1900, 1300, |_, _| image::Rgb([noise(&mut seed), noise(&mut seed), noise(&mut seed)]));
        let clear = RgbaImage::from_fn(1100, 900, |_, _| image::Rgba([0; 4].map(|_| noise(&mut seed))));
        for image in [DynamicImage::from(opaque), clear.into()] {
            for (kind, side, base64) in [
                (PreviewKind::Thumbnail, 512, 60_000),
                (PreviewKind::Preview, 1024, 100_000),
                (PreviewKind::Full, 1568, 600_000),
            ] {
                let preview = make(&image, None, kind, &fixtures::stop()).unwrap().unwrap();
                assert!(preview.bytes.len().div_ceil(3) * 4 <= base64, "{}", preview.bytes.len());
                assert!(preview.width.max(preview.height) <= side);
                let decoded = fixtures::decoded(&preview.bytes);
                assert_eq!((decoded.width(), decoded.height()), (preview.width, preview.height));
                assert_eq!(decoded.color().has_alpha(), image.color().has_alpha());
            }
        }
    }

    #[test]
    fn what_is_small_stays_and_alpha_is_kept() {
        let disc = fixtures::disc(64).into();
        let preview = make(&disc, None, PreviewKind::Preview, &fixtures::stop()).unwrap().unwrap();
        assert_eq!((preview.media_type, preview.width), ("image/png", 64));
        let opaque = DynamicImage::from(fixtures::photo(50, 40)).into_rgba8().into();
        let preview = make(&opaque, None, PreviewKind::Preview, &fixtures::stop()).unwrap().unwrap();
        assert_eq!(preview.media_type, "image/jpeg", "an alpha channel that says nothing does not count");
        assert_eq!(make(&opaque, None, PreviewKind::None, &fixtures::stop()).unwrap(), None);
    }
}
