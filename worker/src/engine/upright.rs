//! A picture as it looks: decoded, upright, in sRGB.

use common::{Failure, FailureKind, Format};
use image::DynamicImage;

use super::{
    Stop, codec,
    limits::MAX_ICC_BYTES,
    metadata::{
        self,
        icc::{Conversion, Profile},
    },
    orient,
    picture::Picture,
    pixels,
    probe::{ColorKind, Header, Probe},
    step::Notes,
};

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

pub(super) fn decode(
    input: &[u8],
    header: &Header<'_>,
    strict: bool,
    stop: &Stop,
    notes: &mut Notes,
) -> Result<DynamicImage, Failure> {
    if header.probe.color == ColorKind::Cmyk && header.icc.is_some() {
        if let Some(image) = codec::decode_inks(input, header, stop)? {
            notes.applied("icc profile of inks -> srgb");
            return Ok(image);
        }
        notes.warn("icc_unreadable", "The CMYK colour profile is not used; colours are approximate.");
    }
    let decoded = codec::decode(input, header, stop)?;
    note_damage(decoded.damage, strict, notes)?;
    let frames = header.probe.frames;
    if frames > 1 {
        let what = if header.probe.format == Format::Tiff { "pages" } else { "frames" };
        let hint = if header.probe.format.holds_animation() { " Results as gif, webp or png keep all." } else { "" };
        notes.warn("animation_first_frame", format!("Only the first of {frames} {what} is used.{hint}"));
    }
    Ok(decoded.image)
}

/// A file that is not whole is a warning, or an error where that is wished.
pub(super) fn note_damage(damage: Option<&'static str>, strict: bool, notes: &mut Notes) -> Result<(), Failure> {
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
pub(super) fn orientation_to_undo(probe: &Probe, wanted: bool, notes: &mut Notes) -> u8 {
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

pub(super) fn to_srgb(
    picture: Picture,
    header: &Header<'_>,
    stop: &Stop,
    notes: &mut Notes,
) -> Result<Picture, Failure> {
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
pub(super) fn foreign_profile(header: &Header<'_>, notes: &mut Notes) -> Option<Profile> {
    let icc = header.icc.as_deref()?;
    if header.probe.color == ColorKind::Cmyk {
        // See `decode`.
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
