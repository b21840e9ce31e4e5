//! What a file carries beside its pixels, found by one walk over its segments or chunks. No pixel is decoded.

mod jpeg;
mod jpeg_quality;
mod png;
mod tiff;
mod webp;

use std::borrow::Cow;

use common::Format;

pub(crate) use self::tiff::profile as tiff_profile;
pub(super) use self::{
    jpeg::XMP as JPEG_XMP,
    png::XMP as PNG_XMP,
    tiff::{ICC as TIFF_ICC, IPTC as TIFF_IPTC, XMP as TIFF_XMP},
};
use super::{
    super::probe::Header,
    fields::{self, Directory},
};

/// What was found. Text and structures are as they stand in the file.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    /// A TIFF structure.
    pub(crate) exif: Option<Cow<'a, [u8]>>,
    pub(crate) xmp: Option<Cow<'a, [u8]>>,
    /// Data sets of IIM.
    pub(crate) iptc: Option<Cow<'a, [u8]>>,
    /// Whether there is a C2PA manifest. Nobody has verified it.
    pub(crate) c2pa: bool,
    /// Dots an inch, across and down.
    pub(crate) density: Option<(f64, f64)>,
    /// Whether the picture comes in several passes; absent where the format has no such choice.
    pub(crate) progressive: Option<bool>,
    /// The resolution of colours against that of light, such as `4:2:0`.
    pub(crate) chroma: Option<String>,
    pub(crate) quality: Option<Quality>,
}

/// The quality that a JPEG was written with, on the scale of libjpeg.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Quality {
    pub(crate) estimate: u8,
    /// How far off the estimate may be; 0 where the tables are libjpeg's own.
    pub(crate) plus_minus: u8,
}

/// Looks at `input`, whose header has been read.
pub(crate) fn find<'a>(input: &'a [u8], header: &Header<'a>) -> Found<'a> {
    let mut found = match header.probe.format {
        Format::Jpeg => jpeg::find(input),
        Format::Png => png::find(input),
        Format::Webp => webp::find(input),
        Format::Tiff => tiff::find(input),
        // What these may hold is nothing that is read here.
        _ => Found::default(),
    };
    if header.exif.is_some() {
        found.exif.clone_from(&header.exif);
    }
    if found.density.is_none() {
        found.density = found.exif.as_deref().and_then(density);
    }
    found
}

/// Dots an inch by EXIF.
fn density(exif: &[u8]) -> Option<(f64, f64)> {
    const ACROSS: u16 = 0x011a;
    const DOWN: u16 = 0x011b;
    const UNIT: u16 = 0x0128;
    let wanted = |directory, tag| directory == Directory::Image && [ACROSS, DOWN, UNIT].contains(&tag);
    let fields = fields::read(exif, 200, wanted)?;
    // 2, the default: inch; 3: centimetre.
    let factor = match fields.number_of(UNIT) {
        None | Some(2) => 1.0,
        Some(3) => 2.54,
        Some(_) => return None,
    };
    let dots = |tag| sensible(fields.fraction_of(tag)? * factor);
    Some((dots(ACROSS)?, dots(DOWN)?))
}

/// A density that a picture may have.
fn sensible(density: f64) -> Option<f64> {
    (density.is_finite() && density > 0.0).then(|| (density * 100.0).round() / 100.0)
}
