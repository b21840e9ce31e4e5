//! `saturation`: more or less colour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// More or less colour (W3C Filter Effects §saturate).
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Saturation {
    /// 1 changes nothing. 0 is grey, 2 is twice as colourful.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub factor: f32,
}
