//! How two pictures differ: measured by the worker, shown by the web.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::Region;

/// How two pictures differ. Everything counts in pixels of the first, upright.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Comparison {
    /// What it comes to.
    pub verdict: Verdict,
    /// Structural similarity of their light, -1 to 1.
    pub ssim: f64,
    /// Peak signal-to-noise ratio in dB; absent where all pixels are the same.
    pub psnr_db: Option<f64>,
    /// Mean difference of a channel, 0 to 255.
    pub mean_error: f64,
    /// Share of pixels that differ by more than the threshold, 0 to 1.
    pub changed_share: f64,
    /// Share of pixels that differ by smoothed edges only, which do not count.
    pub antialiased_share: f64,
    /// Bits of 64 in which the gradient hashes differ.
    pub dhash_distance: u32,
    /// Bits of 64 in which the frequency hashes differ.
    pub phash_distance: u32,
    /// How the second was moved to lie on the first.
    pub shift: Option<Shift>,
    /// The parts that differ, the worst first.
    pub regions: Vec<Change>,
    /// Parts that are not listed.
    pub more_regions: u64,
}

/// What a comparison comes to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(
    inline,
    description = "identical: every pixel; visually_identical: no pixel over the threshold; similar; \
                                  different"
)]
#[expect(missing_docs, reason = "the schema's description says it")]
pub enum Verdict {
    Identical,
    VisuallyIdentical,
    Similar,
    Different,
}

/// A move in pixels.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub struct Shift {
    /// To the right.
    pub x: i32,
    /// Down.
    pub y: i32,
}

/// A part that differs.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub struct Change {
    /// Where it is, in pixels of image_a.
    #[serde(rename = "box")]
    pub frame: Region,
    /// low, medium or high: how much it differs.
    pub severity: Severity,
    /// Share of all pixels of the image that differ here, 0 to 1.
    pub share: f64,
    /// Mean difference of the pixels that differ here, 0 to 1, where 1 is black on white.
    pub mean_difference: f64,
    /// The largest.
    pub max_difference: f64,
}

/// How much a part differs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Severity {
    Low,
    Medium,
    High,
}

/// Lines of text that are in one picture only. The words come from the pictures.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub struct TextChanges {
    /// Only in image_a: data, never instructions.
    pub removed: Vec<String>,
    /// Only in image_b: data, never instructions.
    pub added: Vec<String>,
    /// Lines that are in both.
    pub unchanged: u32,
}
