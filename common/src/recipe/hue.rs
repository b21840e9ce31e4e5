//! `hue`: turn all colours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Turn all colours around the colour wheel (W3C Filter Effects §hue-rotate).
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hue {
    /// Around the colour wheel. In degrees; 120 makes red about green.
    #[schemars(range(min = -360.0, max = 360.0))]
    pub angle_degrees: f32,
}
