//! What `image_metadata` reports.

use serde::{Deserialize, Serialize};

/// A part of the report.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Size, format, colour.
    Basic,
}

/// The report.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Report {}
