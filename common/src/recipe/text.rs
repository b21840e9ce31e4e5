//! `text`: words on top.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Color, Gravity};
use crate::Failure;

/// Write text in Open Sans (Latin, Greek, Cyrillic, Hebrew). Lines break where they must.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// What to write; \n begins a line.
    #[schemars(length(min = 1, max = 2_000))]
    pub text: String,
    /// Height of a line in pixels. Default: 1/16 of the picture's height, at least 12.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 4, max = 2_000))]
    pub size: Option<u32>,
    /// CSS colour. Of the letters; default white.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Where it sits. When `x` and `y` are not given; lines are aligned to the same side.
    #[serde(default = "bottom")]
    pub gravity: Gravity,
    /// Left edge in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65_535))]
    pub x: Option<u32>,
    /// Top edge in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65_535))]
    pub y: Option<u32>,
    /// A box behind. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<Color>,
    /// 1 is opaque.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub opacity: f32,
    /// Where lines break, in pixels. Default: at the picture's edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub max_width: Option<u32>,
    /// Pixels to the edge.
    #[serde(default = "margin")]
    #[schemars(range(min = 0, max = super::MAX_EDGE))]
    pub margin: u32,
}

impl Text {
    pub(super) fn check(&self, path: &str) -> Result<(), Failure> {
        if self.x.is_some() != self.y.is_some() {
            return Err(Failure::invalid(path, "The place of the text is not complete.")
                .allowed("x and y together, or gravity"));
        }
        Ok(())
    }
}

fn bottom() -> Gravity {
    Gravity::South
}

fn one() -> f32 {
    1.0
}

fn margin() -> u32 {
    16
}
