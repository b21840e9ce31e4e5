//! `flip`: mirror top to bottom.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mirror top to bottom.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Flip {}
