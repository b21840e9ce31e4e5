//! `manifest.jsonl`: a line of JSON for each picture of a batch.

use common::jobs::Item;

/// The line of `item`, with its end of line.
///
/// # Errors
/// Only if the item cannot be written as JSON.
pub fn line(item: &Item) -> serde_json::Result<String> {
    serde_json::to_string(item).map(|mut line| {
        line.push('\n');
        line
    })
}
