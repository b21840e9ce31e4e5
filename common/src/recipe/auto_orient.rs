//! `auto_orient`: upright by the EXIF orientation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Turn upright by the EXIF orientation. Always done first, unless `enabled` is false.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AutoOrient {
    /// false keeps the pixels as they are stored.
    #[serde(default = "on")]
    pub enabled: bool,
}

fn on() -> bool {
    true
}
