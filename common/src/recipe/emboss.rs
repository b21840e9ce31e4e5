//! `emboss`: as if pressed into metal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Light from the top left on every edge: the kernel [-2 -1 0; -1 1 1; 0 1 2].
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Emboss {}
