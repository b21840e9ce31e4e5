//! A colour argument.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An sRGB colour with alpha (not premultiplied), written as CSS writes it (CSS Color 4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Color {
    /// Red, green, blue, alpha; 0 to 255.
    pub rgba: [u8; 4],
}

impl Color {
    /// Opaque white, what a picture is laid on where the output has no transparency.
    pub const WHITE: Self = Self { rgba: [255; 4] };
    /// Nothing at all.
    pub const TRANSPARENT: Self = Self { rgba: [0; 4] };

    /// Reads a CSS colour: `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb(…)`, a name, or `transparent`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        csscolorparser::parse(text).ok().map(|color| Self { rgba: color.to_rgba8() })
    }
}

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [r, g, b, a] = self.rgba;
        serializer.collect_str(&format_args!("#{r:02x}{g:02x}{b:02x}{a:02x}"))
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a CSS colour"))
    }
}

impl JsonSchema for Color {
    fn schema_name() -> Cow<'static, str> {
        "Color".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "color", "description": "CSS colour, such as #ff8800, white, transparent."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_css_reads_and_writes_it_back() {
        assert_eq!(Color::parse("white"), Some(Color::WHITE));
        assert_eq!(Color::parse("transparent"), Some(Color::TRANSPARENT));
        assert_eq!(Color::parse("#F80").unwrap().rgba, [255, 136, 0, 255]);
        assert_eq!(Color::parse("paint it black"), None);
        let json = serde_json::to_string(&Color::parse("#01020304").unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<Color>(&json).unwrap().rgba, [1, 2, 3, 4]);
    }
}
