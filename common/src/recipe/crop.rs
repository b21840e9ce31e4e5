//! `crop`: cut out a rectangle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Focus;
use crate::Failure;

/// Cut out a rectangle: `x`, `y`, `width`, `height`; or `width` and `height` held by `gravity`; or the largest of an `aspect`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Left edge in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65_535))]
    pub x: Option<u32>,
    /// Top edge in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65_535))]
    pub y: Option<u32>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub height: Option<u32>,
    /// Width to height, such as "16:9"; the largest such rectangle is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aspect: Option<String>,
    /// What is kept; smart finds what catches the eye. Counts when `x` and `y` are not given.
    #[serde(default)]
    pub gravity: Focus,
}

impl Crop {
    /// The aspect as (width, height), both greater than 0.
    #[must_use]
    pub fn ratio(&self) -> Option<(f64, f64)> {
        let (w, h) = self.aspect.as_deref()?.split_once([':', '/', 'x'])?;
        let (w, h): (f64, f64) = (w.trim().parse().ok()?, h.trim().parse().ok()?);
        let sane = |side: f64| side.is_finite() && (0.001..=100_000.0).contains(&side);
        (sane(w) && sane(h)).then_some((w, h))
    }

    pub(super) fn check(&self, path: &str) -> Result<(), Failure> {
        const WAYS: &str = "x, y, width and height; or width and height with gravity; or aspect with gravity";
        let sizes = (self.width.is_some(), self.height.is_some());
        let corner = (self.x.is_some(), self.y.is_some());
        if self.aspect.is_some() {
            if sizes != (false, false) || corner != (false, false) {
                return Err(Failure::invalid(path, "A crop takes an aspect or a rectangle, not both.").allowed(WAYS));
            }
            if self.ratio().is_none() {
                return Err(Failure::invalid(format!("{path}.aspect"), "The aspect is not a ratio.")
                    .allowed("two positive numbers, such as \"16:9\" or \"1.91:1\""));
            }
            return Ok(());
        }
        if sizes != (true, true) || corner.0 != corner.1 {
            return Err(Failure::invalid(path, "The crop rectangle is not complete.").allowed(WAYS));
        }
        Ok(())
    }
}
