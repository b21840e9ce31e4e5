//! What the header says, before any pixel is decoded.

use std::borrow::Cow;

use common::{Failure, Format};

use super::{
    codec,
    limits::{Limits, Size},
    orient, sniff,
};

/// How colours are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ColorKind {
    /// One channel of light.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Numbers of colours in a table.
    Palette,
    /// Cyan, magenta, yellow, black.
    Cmyk,
}

impl ColorKind {
    /// The name in reports, such as `rgb`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gray => "gray",
            Self::Rgb => "rgb",
            Self::Palette => "palette",
            Self::Cmyk => "cmyk",
        }
    }
}

/// What the header of a picture says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Probe {
    /// The format, told by content.
    pub format: Format,
    /// Pixels, as stored.
    pub width: u32,
    /// Pixels, as stored.
    pub height: u32,
    /// EXIF orientation, 1 (upright) to 8.
    pub orientation: u8,
    /// Whether it has an alpha channel or a transparent colour.
    pub alpha: bool,
    /// Bits a channel: 1 to 32.
    pub bit_depth: u8,
    /// How colours are stored.
    pub color: ColorKind,
    /// Frames or pages; 1 where counting would not be cheap.
    pub frames: u32,
    /// Whether a colour profile is embedded.
    pub has_icc: bool,
}

impl Probe {
    /// Width and height after orientation, in pixels.
    #[must_use]
    pub fn upright(&self) -> (u32, u32) {
        let size = self.upright_size();
        (size.width, size.height)
    }

    pub(crate) fn stored_size(&self) -> Size {
        Size::new(self.width, self.height)
    }

    pub(crate) fn upright_size(&self) -> Size {
        if orient::swaps_sides(self.orientation) { self.stored_size().swapped() } else { self.stored_size() }
    }

    /// Bytes of one decoded pixel.
    pub(crate) fn pixel_bytes(&self) -> u64 {
        // Palettes and the decoders of `image` may give RGBA where the header cannot promise less.
        let channels = match self.color {
            ColorKind::Gray => 1 + u64::from(self.alpha),
            ColorKind::Rgb | ColorKind::Cmyk => 3 + u64::from(self.alpha),
            ColorKind::Palette => 4,
        };
        channels * u64::from(self.bit_depth.div_ceil(8).max(1))
    }
}

/// A header with the metadata that was found on the way.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) probe: Probe,
    /// A TIFF structure, without the `Exif\0\0` that some formats put in front.
    pub(crate) exif: Option<Cow<'a, [u8]>>,
    /// The profile as it is embedded; may be larger than we look at.
    pub(crate) icc: Option<Cow<'a, [u8]>>,
}

/// Reads the header of `input` and refuses what is over a limit.
///
/// # Errors
/// `unsupported_format`, `image_unreadable` or `too_large`.
pub(crate) fn read<'a>(input: &'a [u8], limits: &Limits) -> Result<Header<'a>, Failure> {
    limits.check_file(input.len())?;
    let header = codec::header(sniff::format_of(input)?, input)?;
    limits.check_source(header.probe.stored_size(), header.probe.frames)?;
    Ok(header)
}
