//! Somebody signed in in some browser.

use serde::{Deserialize, Serialize};

/// Somebody signed in in some browser.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Session {
    /// What the browser calls itself, shortened; shown to its user and nobody else.
    pub(crate) agent: String,
    /// That of its user when they signed in.
    #[serde(default)]
    pub(crate) epoch: u64,
    /// Milliseconds since 1970 (UTC).
    pub(crate) created_at: i64,
    pub(crate) ends_at: i64,
}
