//! What goes along with a result beside its pixels: decided here, written by [`super::embed()`].

use common::{
    Format, Recipe, Step,
    recipe::{ColorSpace, Metadata},
};

use super::{
    super::{limits::Size, probe::Header, step::Notes},
    found::{self, Found},
    icc::{self, Profile},
    iptc, kept_exif, xmp,
};

/// Blocks of bytes, ready to be embedded. None of them shows the picture.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// A TIFF structure of at most 64 KB.
    pub(crate) exif: Option<Vec<u8>>,
    /// A packet of XML.
    pub(crate) xmp: Option<Vec<u8>>,
    /// Data sets of IIM.
    pub(crate) iptc: Option<Vec<u8>>,
    /// The colour profile of the pixels, where they are not sRGB.
    pub(crate) icc: Option<Vec<u8>>,
}

impl Carried {
    pub(crate) fn is_empty(&self) -> bool {
        self.exif.is_none() && self.xmp.is_none() && self.iptc.is_none() && self.icc.is_none()
    }
}

/// What a result wants of the metadata of its source.
pub(super) struct Wanted {
    pub(super) policy: Metadata,
    /// Of the result.
    pub(super) size: Size,
    /// The EXIF orientation that the pixels need: 1 unless they were left as stored.
    pub(super) orientation: u8,
    /// The density that the file is to have, where it was asked for.
    pub(super) dpi: Option<u16>,
    /// Whether the pixels were brought to sRGB.
    pub(super) srgb: bool,
    /// Whether a part of the picture must not be seen any more.
    pub(super) redacted: bool,
}

/// What a result is, as far as it matters here.
pub(crate) struct Target<'a> {
    pub(crate) format: Format,
    pub(crate) size: Size,
    /// The profile in which the pixels stayed.
    pub(crate) icc: Option<&'a [u8]>,
}

/// A kind of metadata, by the name that people know.
const EXIF: &str = "EXIF";
const XMP: &str = "XMP";
const IPTC: &str = "IPTC";

/// The most bytes of `kind` that `format` holds; 0 where it has no place for it.
fn room(format: Format, kind: &str) -> usize {
    match (format, kind) {
        // One segment, its length and its name taken off.
        (Format::Jpeg, XMP) => 65_533 - 29,
        (Format::Jpeg, IPTC) => 65_533 - 14 - 13,
        (Format::Tiff, _)
        | (Format::Jpeg | Format::Png | Format::Webp | Format::Avif, EXIF)
        | (Format::Png | Format::Webp, XMP) => 2 * xmp::MAX_BYTES,
        _ => 0,
    }
}

/// Whether `format` holds a colour profile.
pub(crate) fn holds_profile(format: Format) -> bool {
    matches!(format, Format::Jpeg | Format::Png | Format::Webp | Format::Tiff)
}

/// The profile in which the pixels stay; `None` where they are to become sRGB.
pub(crate) fn kept_profile(header: &Header<'_>, recipe: &Recipe, format: Format, notes: &mut Notes) -> Option<Profile> {
    if recipe.output.color == ColorSpace::Srgb {
        return None;
    }
    let icc = header.icc.as_deref()?;
    let name = format.name();
    if !holds_profile(format) {
        notes.ignored(format!(
            "color: {name} is written without a colour profile, so the colours are converted to sRGB"
        ));
        return None;
    }
    let profile = icc::read(icc).filter(|profile| profile.is_rgb() && icc::fits(header.probe.color));
    if profile.is_none() {
        notes.ignored("color: only a profile of RGB colours can stay; these are converted to sRGB");
    }
    profile
}

/// Chooses what goes along, and says what does not.
pub(crate) fn carry(
    input: &[u8],
    header: &Header<'_>,
    recipe: &Recipe,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Carried {
    let found = found::find(input, header);
    if found.c2pa {
        notes.warn(
            "c2pa_dropped",
            "The signed history (C2PA) of the picture is not copied: its signature does not fit the new file.",
        );
    }
    let (policy, format) = (recipe.output.metadata, target.format);
    let wanted = Wanted {
        policy,
        size: target.size,
        orientation: if recipe.auto_orients() { 1 } else { header.probe.orientation },
        dpi: recipe.output.dpi.filter(|_| matches!(format, Format::Jpeg | Format::Png)),
        srgb: target.icc.is_none(),
        redacted: recipe.steps.iter().any(|step| matches!(step, Step::Redact(_))),
    };
    let mut carried = chosen(&found, &wanted, notes);
    carried.icc = target.icc.map(<[u8]>::to_vec);
    let mut done = Vec::new();
    for (kind, block) in [(EXIF, &mut carried.exif), (XMP, &mut carried.xmp), (IPTC, &mut carried.iptc)] {
        let Some(bytes) = block.as_ref() else { continue };
        match room(format, kind) {
            0 => notes.ignored(format!("metadata: {} is written without {kind}", format.name())),
            room if bytes.len() > room => {
                notes.warn("metadata_dropped", format!("The {kind} is too large for {}.", format.name()));
            }
            _ => {
                done.push(kind);
                continue;
            }
        }
        *block = None;
    }
    if !done.is_empty() {
        let what = match policy {
            Metadata::KeepCopyright => " on copyright",
            Metadata::StripGps => " without GPS",
            Metadata::Keep | Metadata::Strip => "",
        };
        notes.applied(format!("metadata kept{what}: {}", done.join(", ")));
    }
    carried
}

fn chosen(found: &Found<'_>, wanted: &Wanted, notes: &mut Notes) -> Carried {
    if wanted.policy == Metadata::Strip {
        let there = [
            (EXIF, found.exif.as_deref().is_some_and(kept_exif::tells_anything)),
            (XMP, found.xmp.is_some()),
            (IPTC, found.iptc.is_some()),
        ];
        let there: Vec<&str> = there.into_iter().filter(|(_, there)| *there).map(|(kind, _)| kind).collect();
        if !there.is_empty() {
            notes.applied(format!("metadata stripped: {}", there.join(", ")));
        }
        return Carried::default();
    }
    let exif = found.exif.as_deref().and_then(|exif| kept_exif::of(exif, wanted));
    if exif.as_ref().is_some_and(|(_, cut)| *cut) {
        notes.warn("metadata_dropped", "EXIF values that are larger than 64 KB together are not copied.");
    }
    let packet = found.xmp.as_deref().map_or(Ok(None), |packet| xmp::kept(packet, wanted.policy));
    let packet = packet.unwrap_or_else(|xmp::Unreadable| {
        notes.warn("metadata_dropped", "The XMP cannot be read and is not copied.");
        None
    });
    Carried {
        exif: exif.map(|(fields, _)| fields.write()),
        xmp: packet.map(String::into_bytes),
        iptc: found.iptc.as_deref().and_then(|iptc| iptc::kept(iptc, wanted.policy)),
        icc: None,
    }
}
