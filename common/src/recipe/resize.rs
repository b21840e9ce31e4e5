//! `resize`: change the size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Color, Focus};
use crate::Failure;

/// Change the size to a box of `width` and `height` pixels; one of them is enough.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = super::MAX_EDGE))]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = super::MAX_EDGE))]
    pub height: Option<u32>,
    /// How the picture meets a box of both sides.
    #[serde(default)]
    pub fit: Fit,
    /// Resampling filter.
    #[serde(default)]
    pub filter: Filter,
    /// Let a small picture grow. Goes with `inside` and `outside`.
    #[serde(default)]
    pub upscale: bool,
    /// Swap width and height where the picture lies the other way.
    #[serde(default)]
    pub match_orientation: bool,
    /// What is kept; smart finds what catches the eye. Of `cover`; for `contain`, where the picture sits.
    #[serde(default)]
    pub gravity: Focus,
    /// Fills what is empty. Default: transparent where the output can hold it, else the output's background.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<Color>,
}

impl Resize {
    pub(super) fn check(&self, path: &str) -> Result<(), Failure> {
        if self.width.is_none() && self.height.is_none() {
            return Err(Failure::invalid(path, "A resize needs a width or a height.")
                .allowed(format!("width and/or height, 1 to {} pixels", super::MAX_EDGE))
                .next(r#"For example {"op":"resize","width":800}."#));
        }
        if self.gravity == Focus::Smart && self.fit != Fit::Cover {
            return Err(Failure::invalid(
                format!("{path}.gravity"),
                "smart says what is kept when something is cut off.",
            )
            .allowed("smart with fit cover; else a side or corner"));
        }
        Ok(())
    }
}

/// How a picture meets the box.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(
    inline,
    description = "inside (default): no larger than the box, keeps aspect. outside: no smaller than the box, keeps \
    aspect. cover: fills the box, crops by gravity. contain (= pad): fits into the box, pads with background. fill: ignores aspect."
)]
#[expect(missing_docs, reason = "the schema's description says it")]
pub enum Fit {
    #[default]
    Inside,
    Outside,
    Cover,
    Contain,
    Pad,
    Fill,
}

/// A resampling filter.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the field's standard names")]
pub enum Filter {
    #[default]
    Lanczos3,
    Mitchell,
    Bicubic,
    Bilinear,
    Nearest,
}
