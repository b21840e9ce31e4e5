//! `invert`: the negative.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The negative of every colour channel (W3C Filter Effects §invert).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Invert {}
