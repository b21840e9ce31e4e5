//! `pad`: room around the picture; a border is the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Color;
use crate::Failure;

/// Add room or a border around the picture.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    /// Pixels on every side. Where a side has a number of its own, that counts.
    #[serde(default)]
    #[schemars(range(min = 0, max = super::MAX_EDGE))]
    pub size: u32,
    /// Pixels above.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = super::MAX_EDGE))]
    pub top: Option<u32>,
    /// Pixels to the right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = super::MAX_EDGE))]
    pub right: Option<u32>,
    /// Pixels below.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = super::MAX_EDGE))]
    pub bottom: Option<u32>,
    /// Pixels to the left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = super::MAX_EDGE))]
    pub left: Option<u32>,
    /// Fills what is empty. Default: transparent where the output can hold it, else the output's background.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<Color>,
}

impl Pad {
    /// Pixels at the top, the right, the bottom and the left.
    #[must_use]
    pub fn sides(&self) -> [u32; 4] {
        [self.top, self.right, self.bottom, self.left].map(|side| side.unwrap_or(self.size))
    }

    pub(super) fn check(&self, path: &str) -> Result<(), Failure> {
        if self.sides() == [0; 4] {
            return Err(Failure::invalid(path, "A pad needs a size or a side.")
                .allowed("size, or any of top, right, bottom, left, in pixels")
                .next(r#"For example {"op":"pad","size":20,"background":"white"}."#));
        }
        Ok(())
    }
}
