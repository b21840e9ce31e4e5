//! `edge`: outlines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Outlines, white on black: the Sobel magnitude of the luma.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {}
