//! `sepia`: the brown of old photographs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Brown as an old photograph (W3C Filter Effects §sepia).
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sepia {
    /// How strongly. 0 changes nothing, 1 is all brown.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub amount: f32,
}

fn one() -> f32 {
    1.0
}
