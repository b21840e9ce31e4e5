//! `gamma`: lighter or darker middle tones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lighter or darker middle tones: c^(1/gamma). Black and white stay.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// 1 changes nothing, above 1 is lighter.
    #[schemars(range(min = 0.1, max = 10.0))]
    pub gamma: f32,
}
