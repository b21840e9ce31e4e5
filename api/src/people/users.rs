//! Records of the people who may sign in.

use common::UserId;
use serde::{Deserialize, Serialize};

use crate::Scopes;

/// A person who may sign in.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct User {
    pub(crate) id: UserId,
    /// What they type to sign in; unique without regard to case.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The Argon2 hash of their password (PHC string); `None`: they cannot sign in by password, or not yet.
    pub(crate) password: Option<String>,
    /// The most that their apps may be allowed.
    pub(crate) scopes: Scopes,
    /// What they may spend in a day, in US dollars; `None`: as the server's own limit says.
    pub(crate) daily_usd: Option<f64>,
    pub(crate) disabled: bool,
    /// Milliseconds since 1970 (UTC).
    pub(crate) created_at: i64,
}

/// What somebody is to the server.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Pays for it and decides who else may come in. There is one.
    Owner,
    /// Was let in by the owner.
    Member,
}
