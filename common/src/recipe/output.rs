//! How a result is written; stands beside the steps, not among them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Color, ColorSpace, Metadata};
use crate::Format;

/// How the result is written.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Output {
    /// Default: the input's format where it can be written, else PNG.
    pub format: Option<Format>,
    /// 1 to 100 for JPEG, AVIF and lossy WebP. Default 80.
    pub quality: Option<u8>,
    /// WebP without loss.
    pub lossless: bool,
    /// The largest that the file may be; the quality is lowered until it is.
    pub max_bytes: Option<u64>,
    /// How alike it must look, as the mean structural similarity of the luma; the smallest such file is looked for.
    pub min_ssim: Option<f64>,
    /// JPEG in progressive scans.
    pub progressive: bool,
    /// How much the decoder may leave out where the picture becomes smaller.
    pub speed: Speed,
    /// What transparency is laid on where the format has none. Default white.
    pub background: Option<Color>,
    /// Dots per inch, for print; JPEG and PNG hold it.
    pub dpi: Option<u16>,
    /// What goes along of EXIF, XMP and IPTC. Default nothing.
    pub metadata: Metadata,
    /// Whether the colours stay in the profile of the source. Default: they become sRGB.
    pub color: ColorSpace,
}

/// How a large JPEG is made smaller.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline, description = "For a large JPEG made smaller: fast (default), or hq (finer).")]
pub enum Speed {
    /// Decodes to the size of the result or more.
    #[default]
    Fast,
    /// Decodes to twice the size of the result or more, so that the filter of the resize has all it needs.
    Hq,
}

impl Output {
    /// The quality where none is given.
    pub const DEFAULT_QUALITY: u8 = 80;

    /// These settings, and those of `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            format: self.format.or(other.format),
            quality: self.quality.or(other.quality),
            max_bytes: self.max_bytes.or(other.max_bytes),
            min_ssim: self.min_ssim.or(other.min_ssim),
            lossless: self.lossless || other.lossless,
            progressive: self.progressive || other.progressive,
            speed: if self.speed == Speed::Hq { self.speed } else { other.speed },
            background: self.background.or(other.background),
            dpi: self.dpi.or(other.dpi),
            metadata: if self.metadata == Metadata::default() { other.metadata } else { self.metadata },
            color: if self.color == ColorSpace::default() { other.color } else { self.color },
        }
    }
}
