//! `pixelate`: squares of one colour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Region;

/// Replace squares by their mean colour. To hide something for good, use redact.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pixelate {
    /// Side of a square in pixels.
    #[schemars(range(min = 2, max = 1000))]
    pub size: u32,
    /// Only this part. Default: the whole picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}
