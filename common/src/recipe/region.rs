//! A part of a picture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rectangle in pixels. What of it lies outside the picture does not count.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Left edge.
    #[schemars(range(min = 0, max = 65_535))]
    pub x: u32,
    /// Top edge.
    #[schemars(range(min = 0, max = 65_535))]
    pub y: u32,
    /// Pixels.
    #[schemars(range(min = 1, max = 65_535))]
    pub width: u32,
    /// Pixels.
    #[schemars(range(min = 1, max = 65_535))]
    pub height: u32,
}
