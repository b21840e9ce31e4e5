//! `manifest.jsonl`: a line of JSON for each picture of a batch.

use common::{ImageId, jobs::Item};
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    index: u32,
    source: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_id: Option<&'a ImageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error<'a>>,
    bytes_before: u64,
    bytes_after: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'static str,
    message: &'a str,
    retryable: bool,
}

/// The line of `item`, with its end of line.
///
/// # Errors
/// Only if the item cannot be written as JSON.
pub fn line(item: &Item) -> serde_json::Result<String> {
    let error = item.error.as_ref().map(|failure| Error {
        code: failure.kind.code(),
        message: &failure.message,
        retryable: failure.kind.retryable(),
    });
    let mut line = serde_json::to_string(&Line {
        index: item.index,
        source: &item.label,
        status: item.status.name(),
        output: item.output.as_deref(),
        image_id: item.image_id.as_ref(),
        error,
        bytes_before: item.bytes_before,
        bytes_after: item.bytes_after,
        sha256: item.sha256.as_deref(),
        ms: item.ms,
    })?;
    line.push('\n');
    Ok(line)
}
