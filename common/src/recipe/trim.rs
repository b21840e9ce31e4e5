//! `trim`: cut off a border of one colour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Cut off a border that has the colour of the top left pixel, or none at all.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Trim {
    /// How far a colour may differ. Of 255.
    #[serde(default = "ten")]
    #[schemars(range(min = 0, max = 255))]
    pub threshold: u8,
}

fn ten() -> u8 {
    10
}
