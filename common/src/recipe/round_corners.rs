//! `round_corners`: round off the corners.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Round off the corners; what is cut off becomes transparent.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RoundCorners {
    /// Pixels; at most half of the shorter side counts.
    #[schemars(range(min = 1, max = super::MAX_EDGE))]
    pub radius: u32,
}
