//! `normalize`: use the whole range of tones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Stretch the tones so that the darkest become black and the lightest white; hues stay.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// Percent of the pixels at either end to ignore.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 40.0))]
    pub clip_percent: f32,
}

fn one() -> f32 {
    1.0
}
