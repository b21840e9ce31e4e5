//! `sharpen`: unsharp mask.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Unsharp mask: adds `amount` times the difference to a blurred copy.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sharpen {
    /// Standard deviation of the blurred copy in pixels.
    #[serde(default = "one")]
    #[schemars(range(min = 0.3, max = 50.0))]
    pub sigma: f32,
    /// How strongly.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 10.0))]
    pub amount: f32,
}

fn one() -> f32 {
    1.0
}
