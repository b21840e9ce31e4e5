//! The result of `delete_image`.

use common::{Failure, ImageRecord};
use schemars::JsonSchema;
use serde::Serialize;

use super::Reply;

/// What `delete_image` answers.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(in crate::mcp) struct DeletedFacts {
    /// The image_ids that are deleted now.
    deleted: Option<Vec<String>>,
    /// What names no image (any more), as it was given.
    not_found: Option<Vec<String>>,
    /// Bytes that were freed.
    freed_bytes: Option<u64>,
    /// Only in a failed call: what went wrong, which argument, what is allowed, what to do next.
    error: Option<Failure>,
}

/// What was deleted, and what was not there.
pub(in crate::mcp) fn deleted(records: &[ImageRecord], not_found: Vec<String>) -> Result<Reply, Failure> {
    let freed: u64 = records.iter().map(|record| record.facts.bytes).sum();
    let mut headline = format!("{} image(s) deleted, {freed} bytes freed. This cannot be undone.", records.len());
    if !not_found.is_empty() {
        headline.push_str(&format!(" {} were not found.", not_found.len()));
    }
    let facts = DeletedFacts {
        deleted: Some(records.iter().map(|record| record.id.to_string()).collect()),
        not_found: Some(not_found).filter(|missing| !missing.is_empty()),
        freed_bytes: Some(freed),
        error: None,
    };
    Reply::of(&headline, &facts)
}
