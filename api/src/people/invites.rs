//! One-time links by which a new member chooses a password.

use common::UserId;
use serde::{Deserialize, Serialize};

/// An invitation that was not taken up yet.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Invite {
    pub(crate) user: UserId,
    /// Milliseconds since 1970 (UTC).
    pub(crate) ends_at: i64,
}
