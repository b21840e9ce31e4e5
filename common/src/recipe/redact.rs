//! `redact`: make parts of a picture unrecoverable.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Color, Region};

/// Destroy parts of the picture so that nothing can bring them back.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Redact {
    /// What to hide. Each must touch the picture.
    #[schemars(length(min = 1, max = 200))]
    pub regions: Vec<Region>,
    /// How a region looks afterwards.
    #[serde(default)]
    pub mode: Redaction,
    /// CSS colour. Of mode solid; default black.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
}

/// How a hidden region looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(
    inline,
    description = "solid (default): one colour. pixelate, blur: what is left are at most 4 x 4 coarse colours."
)]
#[expect(missing_docs, reason = "the schema's description says it")]
pub enum Redaction {
    #[default]
    Solid,
    Pixelate,
    Blur,
}
