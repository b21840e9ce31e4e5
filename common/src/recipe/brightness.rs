//! `brightness`: lighter or darker.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Multiply every colour channel (W3C Filter Effects §brightness).
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Brightness {
    /// 1 changes nothing. 0 is black, 2 is twice as bright.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub factor: f32,
}
