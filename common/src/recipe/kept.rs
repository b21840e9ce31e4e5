//! What of the source stays in a result beside its pixels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which metadata of the source goes along.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the schema names them, and one line on the argument explains them")]
pub enum Metadata {
    #[default]
    Strip,
    Keep,
    KeepCopyright,
    StripGps,
}

/// In which colours the pixels are.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the schema names them, and one line on the argument explains them")]
pub enum ColorSpace {
    #[default]
    Srgb,
    Keep,
}
