//! `contrast`: more or less difference.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Stretch every colour channel around the middle: (c - 0.5) * factor + 0.5 (W3C Filter Effects §contrast).
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// 1 changes nothing. 0 is flat grey, 2 is twice the contrast.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub factor: f32,
}
