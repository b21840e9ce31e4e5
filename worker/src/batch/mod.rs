//! What the tool and the shell share of a batch: naming and the manifest.

mod manifest;
mod naming;

use std::collections::BTreeMap;

pub use self::{
    manifest::line,
    naming::{Attempt, Naming, Place, Step},
};

/// What was left out while pictures were looked for, as a person reads it: `2 hidden`.
#[must_use]
pub fn notes(skipped: &BTreeMap<&'static str, u64>) -> Vec<String> {
    skipped.iter().map(|(reason, count)| format!("{count} {reason}")).collect()
}
