//! How a result is written; stands beside the steps, not among them.

use serde::{Deserialize, Serialize};

use super::Color;
use crate::Format;

/// How the result is written.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Output {
    /// Default: the input's format where it can be written, else PNG.
    pub format: Option<Format>,
    /// 1 to 100 for JPEG and lossy WebP. Default 80.
    pub quality: Option<u8>,
    /// WebP without loss.
    pub lossless: bool,
    /// JPEG in progressive scans.
    pub progressive: bool,
    /// What transparency is laid on where the format has none. Default white.
    pub background: Option<Color>,
}

impl Output {
    /// The quality where none is given.
    pub const DEFAULT_QUALITY: u8 = 80;
}
