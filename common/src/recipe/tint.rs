//! `tint`: everything in one colour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Color;

/// Mix with the picture in shades of one colour: c * (1 - amount) + luma * color * amount.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tint {
    /// CSS colour. What white becomes; its alpha does not count.
    pub color: Color,
    /// How strongly. 0 changes nothing, 1 leaves only shades of the colour.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub amount: f32,
}

fn one() -> f32 {
    1.0
}
