//! The image formats: their names, file endings and media types.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An image format, told by content and never by name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG (ISO/IEC 10918-1).
    #[serde(alias = "jpg")]
    Jpeg,
    /// PNG (W3C PNG 3rd edition).
    Png,
    /// WebP, lossy or lossless (RFC 9649).
    Webp,
    /// AVIF, AV1 in a HEIF container.
    Avif,
    /// GIF 87a and 89a.
    Gif,
    /// TIFF 6.0.
    #[serde(alias = "tif")]
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// Windows icon.
    Ico,
    /// Quite OK Image.
    Qoi,
    /// Truevision TGA; read only.
    Tga,
    /// Netpbm PBM, PGM, PPM, PAM; read only.
    Pnm,
    /// Radiance HDR; read only.
    Hdr,
    /// OpenEXR; read only.
    Exr,
    /// Scalable Vector Graphics; read only.
    Svg,
}

impl Format {
    /// Every format that can be read.
    pub const ALL: [Self; 14] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Avif,
        Self::Gif,
        Self::Tiff,
        Self::Bmp,
        Self::Ico,
        Self::Qoi,
        Self::Tga,
        Self::Pnm,
        Self::Hdr,
        Self::Exr,
        Self::Svg,
    ];

    /// Every format that can be written.
    pub const WRITABLE: [Self; 9] =
        [Self::Jpeg, Self::Png, Self::Webp, Self::Avif, Self::Gif, Self::Tiff, Self::Bmp, Self::Ico, Self::Qoi];

    /// The name in arguments and results, such as `jpeg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Avif => "avif",
            Self::Gif => "gif",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::Ico => "ico",
            Self::Qoi => "qoi",
            Self::Tga => "tga",
            Self::Pnm => "pnm",
            Self::Hdr => "hdr",
            Self::Exr => "exr",
            Self::Svg => "svg",
        }
    }

    /// The usual file ending without its dot, such as `jpg`.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            other => other.name(),
        }
    }

    /// The format that a file ending (without its dot, any case) asks for.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Self::Jpeg,
            "png" | "apng" => Self::Png,
            "tif" | "tiff" => Self::Tiff,
            "pbm" | "pgm" | "ppm" | "pam" | "pnm" => Self::Pnm,
            other => return Self::ALL.into_iter().find(|format| format.name() == other),
        })
    }

    /// The media type (IANA registry, or the customary `x-` name).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Avif => "image/avif",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Bmp => "image/bmp",
            Self::Ico => "image/vnd.microsoft.icon",
            Self::Qoi => "image/qoi",
            Self::Tga => "image/x-tga",
            Self::Pnm => "image/x-portable-anymap",
            Self::Hdr => "image/vnd.radiance",
            Self::Exr => "image/x-exr",
            Self::Svg => "image/svg+xml",
        }
    }

    /// Whether it can be written.
    #[must_use]
    pub fn writable(self) -> bool {
        Self::WRITABLE.contains(&self)
    }

    /// Whether it can hold transparency.
    #[must_use]
    pub fn holds_alpha(self) -> bool {
        !matches!(self, Self::Jpeg | Self::Hdr)
    }

    /// Whether it can hold several frames that are shown one after the other.
    #[must_use]
    pub fn holds_animation(self) -> bool {
        matches!(self, Self::Png | Self::Webp | Self::Gif)
    }

    /// Whether it can hold 16 bits a channel.
    #[must_use]
    pub fn holds_16_bit(self) -> bool {
        matches!(self, Self::Png | Self::Tiff)
    }
}

/// As an argument a format is one that can be written, under its name or its usual ending.
impl JsonSchema for Format {
    fn schema_name() -> Cow<'static, str> {
        "Format".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "enum": ["jpeg", "jpg", "png", "webp", "avif", "gif", "tiff", "tif", "bmp", "ico", "qoi"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_lists_what_deserialises_and_can_be_written() {
        let schema = schemars::schema_for!(Format);
        let names = schema.get("enum").unwrap().as_array().unwrap();
        let formats: Vec<Format> = names.iter().map(|name| serde_json::from_value(name.clone()).unwrap()).collect();
        for format in Format::WRITABLE {
            assert!(formats.contains(&format), "{format:?} is missing in the schema");
        }
        assert!(formats.iter().all(|format| format.writable()));
    }

    #[test]
    fn endings_lead_back_to_their_format() {
        for format in Format::ALL {
            assert_eq!(Format::from_extension(format.extension()), Some(format));
        }
        assert_eq!(Format::from_extension("JPEG"), Some(Format::Jpeg));
        assert_eq!(Format::from_extension("exe"), None);
    }
}
