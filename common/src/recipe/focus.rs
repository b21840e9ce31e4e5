//! What is kept when something is cut off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Gravity;

/// What to hold on to when something is cut off: a place, or whatever catches the eye.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Focus {
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
    Smart,
}

impl Focus {
    /// The place; none where the picture itself must be asked.
    #[must_use]
    pub fn gravity(self) -> Option<Gravity> {
        Some(match self {
            Self::Center => Gravity::Center,
            Self::North => Gravity::North,
            Self::NorthEast => Gravity::NorthEast,
            Self::East => Gravity::East,
            Self::SouthEast => Gravity::SouthEast,
            Self::South => Gravity::South,
            Self::SouthWest => Gravity::SouthWest,
            Self::West => Gravity::West,
            Self::NorthWest => Gravity::NorthWest,
            Self::Smart => return None,
        })
    }

    /// As [`Gravity::fractions`]; the middle where the picture must be asked.
    #[must_use]
    pub fn fractions(self) -> (f64, f64) {
        self.gravity().unwrap_or_default().fractions()
    }
}
