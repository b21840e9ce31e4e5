//! `draw`: boxes and arrows that point at something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Color, Region};
use crate::Failure;

/// Draw outlines of boxes, and arrows.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// Outlines of rectangles.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub boxes: Vec<Region>,
    /// Arrows.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub arrows: Vec<Arrow>,
    /// CSS colour. Of the lines; default red.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Pixels. Default: 1/200 of the longer side, at least 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 500))]
    pub thickness: Option<u32>,
}

/// From where to where an arrow goes, in pixels; its tip is at x2, y2.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the description of the arrow says it")]
pub struct Arrow {
    #[schemars(range(min = 0, max = 65_535))]
    pub x1: u32,
    #[schemars(range(min = 0, max = 65_535))]
    pub y1: u32,
    #[schemars(range(min = 0, max = 65_535))]
    pub x2: u32,
    #[schemars(range(min = 0, max = 65_535))]
    pub y2: u32,
}

impl Draw {
    pub(super) fn check(&self, path: &str) -> Result<(), Failure> {
        if self.boxes.is_empty() && self.arrows.is_empty() {
            return Err(Failure::invalid(path, "There is nothing to draw.")
                .allowed("boxes and/or arrows")
                .next(r#"For example {"op":"draw","boxes":[{"x":10,"y":10,"width":80,"height":40}]}."#));
        }
        if let Some(index) = self.arrows.iter().position(|arrow| (arrow.x1, arrow.y1) == (arrow.x2, arrow.y2)) {
            return Err(Failure::invalid(format!("{path}.arrows[{index}]"), "The arrow starts where it ends."));
        }
        Ok(())
    }
}
