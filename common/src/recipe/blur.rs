//! `blur`: soften.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Gaussian blur.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// Standard deviation in pixels.
    #[schemars(range(min = 0.3, max = 250.0))]
    pub sigma: f32,
}
