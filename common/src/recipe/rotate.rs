//! `rotate`: by any angle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Color;

/// Rotate clockwise. The canvas grows to hold the whole picture.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// Clockwise. In degrees; multiples of 90 are exact.
    #[schemars(range(min = -360.0, max = 360.0))]
    pub angle_degrees: f32,
    /// Fills what is empty. Default: transparent where the output can hold it, else the output's background.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<Color>,
}
