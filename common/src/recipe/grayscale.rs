//! `grayscale`: remove colour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Remove colour: Rec. 709 luma of the sRGB values (W3C Filter Effects §grayscale).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Grayscale {}
