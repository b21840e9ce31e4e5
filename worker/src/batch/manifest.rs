//! `manifest.jsonl`: a line of JSON for each picture of a batch.

use common::{Failure, jobs::Item};
use serde::{Deserialize, Serialize};

/// A line, of a batch of the tool or of the shell.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Line {
    /// Its place in the batch, from 0.
    pub index: u32,
    /// Where it came from.
    pub source: String,
    /// `ok`, `failed`, `skipped` or `cancelled`.
    pub status: String,
    /// The name of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The result in the store; the shell has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// Why it failed or was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<LineError>,
    /// Size of the file that was read.
    pub bytes_before: u64,
    /// Size of the file that was written.
    pub bytes_after: u64,
    /// SHA-256 of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Milliseconds of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// SHA-256 of the file that was read; only the shell's, which goes on by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_sha256: Option<String>,
    /// SHA-256 of what was to be done with it; only the shell's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe_sha256: Option<String>,
}

/// Why a picture failed, in short.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LineError {
    /// The code, such as `image_unreadable`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Whether it may go well next time.
    pub retryable: bool,
}

impl From<&Failure> for LineError {
    fn from(failure: &Failure) -> Self {
        let (code, message) = (failure.kind.code().to_owned(), failure.message.clone());
        Self { code, message, retryable: failure.kind.retryable() }
    }
}

impl From<&Item> for Line {
    fn from(item: &Item) -> Self {
        Self {
            index: item.index,
            source: item.label.clone(),
            status: item.status.name().to_owned(),
            output: item.output.clone(),
            image_id: item.image_id.as_ref().map(ToString::to_string),
            error: item.error.as_ref().map(LineError::from),
            bytes_before: item.bytes_before,
            bytes_after: item.bytes_after,
            sha256: item.sha256.clone(),
            ms: item.ms,
            source_sha256: None,
            recipe_sha256: None,
        }
    }
}

impl Line {
    /// As it stands in the manifest, with its end of line.
    ///
    /// # Errors
    /// Only if it cannot be written as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        let mut line = serde_json::to_string(self)?;
        line.push('\n');
        Ok(line)
    }
}
