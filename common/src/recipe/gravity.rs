//! Which part of a picture matters when it does not fit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where to hold on to when something is cut off or padded.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Gravity {
    #[default]
    Center,
    North,
    NorthEast,
    East,
    SouthEast,
    South,
    SouthWest,
    West,
    NorthWest,
}

impl Gravity {
    /// How far along the spare room the window sits, as fractions (x, y): 0 left or top, 0.5 middle, 1 right or bottom.
    #[must_use]
    pub fn fractions(self) -> (f64, f64) {
        let x = match self {
            Self::West | Self::NorthWest | Self::SouthWest => 0.0,
            Self::East | Self::NorthEast | Self::SouthEast => 1.0,
            _ => 0.5,
        };
        let y = match self {
            Self::North | Self::NorthWest | Self::NorthEast => 0.0,
            Self::South | Self::SouthWest | Self::SouthEast => 1.0,
            _ => 0.5,
        };
        (x, y)
    }
}
