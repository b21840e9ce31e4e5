//! `flatten`: lay on a colour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Color;

/// Lay the picture on a colour; nothing is transparent afterwards.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {
    /// What it is laid on. Its alpha does not count. Default: the output's background, else white.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<Color>,
}
