//! What can be said of every stored picture without looking at it again.

use serde::{Deserialize, Serialize};

use crate::Format;

/// Facts of a stored picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Facts {
    /// Pixels, after orientation.
    pub width: u32,
    /// Pixels, after orientation.
    pub height: u32,
    /// The format of the stored bytes.
    pub format: Format,
    /// Size of the stored bytes.
    pub bytes: u64,
    /// SHA-256 of the stored bytes, lower-case hexadecimal.
    pub sha256: String,
    /// Whether it has an alpha channel.
    pub alpha: bool,
    /// Bits a channel.
    pub bit_depth: u8,
}

/// Something the caller should know although the call succeeded.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Warning {
    /// A stable code, such as `truncated`.
    pub code: String,
    /// One sentence.
    pub message: String,
}

impl Warning {
    /// A warning with a stable code and its sentence.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}
