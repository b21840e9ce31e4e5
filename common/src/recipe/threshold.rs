//! `threshold`: black and white.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pure black and white, by luma.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// From this luma on a pixel is white. Of 255.
    #[serde(default = "middle")]
    #[schemars(range(min = 0, max = 255))]
    pub level: u8,
}

fn middle() -> u8 {
    128
}
