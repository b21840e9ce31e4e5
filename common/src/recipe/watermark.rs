//! `watermark`: another picture on top.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Gravity;

/// Lay another image on top.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Watermark {
    /// image_id or path of what is laid on top.
    pub image: String,
    /// Where it sits.
    #[serde(default = "corner")]
    pub gravity: Gravity,
    /// 1 is opaque.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub opacity: f32,
    /// Its width as a share of the picture's. It never sticks out.
    #[serde(default = "fifth")]
    #[schemars(range(min = 0.01, max = 1.0))]
    pub scale: f64,
    /// Repeat it over the whole picture.
    #[serde(default)]
    pub tile: bool,
    /// Pixels to the edge. Also between tiles.
    #[serde(default = "margin")]
    #[schemars(range(min = 0, max = super::MAX_EDGE))]
    pub margin: u32,
}

fn corner() -> Gravity {
    Gravity::SouthEast
}

fn one() -> f32 {
    1.0
}

fn fifth() -> f64 {
    0.2
}

fn margin() -> u32 {
    16
}
