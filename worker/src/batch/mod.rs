//! What the tool and the shell share of a batch: naming, the manifest and the report.

mod manifest;
mod names;
mod naming;
mod report;

use std::collections::BTreeMap;

pub use self::{
    manifest::{Line, LineError},
    names::Names,
    naming::{Attempt, Naming, Place, Step},
    report::HEADER,
};

/// What was left out while pictures were looked for, as a person reads it: `2 hidden`.
#[must_use]
pub fn notes(skipped: &BTreeMap<&'static str, u64>) -> Vec<String> {
    skipped.iter().map(|(reason, count)| format!("{count} {reason}")).collect()
}
