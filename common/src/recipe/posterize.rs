//! `posterize`: few tones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Round every colour channel to a few values.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Posterize {
    /// Values a channel keeps.
    #[schemars(range(min = 2, max = 64))]
    pub levels: u8,
}
