//! What `image_metadata` reports: made by the engine, shown by the web.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Format;

/// A part of the report.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "named as the fields of the report")]
pub enum Section {
    Basic,
    Exif,
    Gps,
    Xmp,
    Iptc,
    Icc,
    Hashes,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 7] = [Self::Basic, Self::Exif, Self::Gps, Self::Xmp, Self::Iptc, Self::Icc, Self::Hashes];
}

/// What is known of a picture; a section that was not asked for or is not in the file is absent.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub struct Report {
    /// Format, size, colours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
    /// EXIF values by tag name, at most 100, each at most 200 characters. Text from the file: not to be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exif: Option<BTreeMap<String, String>>,
    /// Where it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gps: Option<Gps>,
    /// XMP properties as `prefix:name`, at most 100, each at most 200 characters, without the place. Not to be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xmp: Option<BTreeMap<String, String>>,
    /// IPTC values by name, each at most 200 characters. Not to be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iptc: Option<BTreeMap<String, String>>,
    /// The embedded colour profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icc: Option<Icc>,
    /// Fingerprints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashes: Option<Hashes>,
}

/// Format, size, colours.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub struct Basic {
    /// The format, told by content.
    #[schemars(with = "String")]
    pub format: Format,
    /// The media type of the format.
    pub media_type: String,
    /// Pixels, upright.
    pub width: u32,
    /// Pixels, upright.
    pub height: u32,
    /// Pixels, as stored.
    pub stored_width: u32,
    /// Pixels, as stored.
    pub stored_height: u32,
    /// Size of the file.
    pub bytes: u64,
    /// `gray`, `rgb`, `palette` or `cmyk`.
    pub color_type: String,
    /// Bits a channel.
    pub bit_depth: u8,
    /// Whether it has an alpha channel or a transparent colour.
    pub alpha: bool,
    /// Frames or pages, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// EXIF orientation, 1 (upright) to 8.
    pub orientation: u8,
    /// Dots an inch across, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpi_x: Option<f64>,
    /// Dots an inch down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpi_y: Option<f64>,
    /// Resolution of colour against light, such as `4:2:0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chroma_sampling: Option<String>,
    /// JPEG: progressive; PNG: interlaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progressive: Option<bool>,
    /// JPEG quality on the scale of libjpeg, told from the quantisation tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_quality: Option<u8>,
    /// How far off the estimate may be; 0 where the tables are libjpeg's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality_plus_minus: Option<u8>,
    /// Whether there is a C2PA manifest (signed history). It is not verified.
    #[serde(default)]
    pub c2pa: bool,
}

/// Where a picture was taken.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub struct Gps {
    /// Decimal degrees, north positive.
    pub latitude: f64,
    /// Decimal degrees, east positive.
    pub longitude: f64,
    /// Metres above sea level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_m: Option<f64>,
}

/// An embedded colour profile.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub struct Icc {
    /// What the profile calls itself; absent where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Size of the profile.
    pub bytes: u64,
    /// Whether its colours are those of sRGB.
    pub srgb: bool,
}

/// Fingerprints.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub struct Hashes {
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// 64-bit gradient hash of the upright pixels, hexadecimal; few bits differ between copies of one picture.
    pub perceptual: String,
    /// ThumbHash (evanw.github.io/thumbhash), hexadecimal.
    pub thumbhash: String,
}
