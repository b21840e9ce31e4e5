//! `flop`: mirror left to right.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mirror left to right.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Flop {}
