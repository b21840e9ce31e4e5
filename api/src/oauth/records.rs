//! What the authorization server keeps: clients, grants, codes, and requests on their way to consent.

use common::UserId;
use serde::{Deserialize, Serialize};

use crate::Scopes;

/// The longest that any grant lives, used or not: 90 days, in milliseconds.
pub(crate) const LONGEST_GRANT_MS: i64 = 90 * 24 * 3600 * 1000;

/// How long a code works: 60 seconds (RFC 6749, section 4.1.2 recommends ten minutes at most).
pub(crate) const CODE_MS: i64 = 60 * 1000;

/// How long a spent code is remembered, so that its replay is noticed: ten minutes.
const SPENT_CODE_MS: i64 = 10 * 60 * 1000;

/// A client that registered (RFC 7591) or that the owner added.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// What it calls itself; nobody checked it.
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    /// The fingerprint of its secret; `None`: a public client.
    pub(crate) secret: Option<String>,
    /// Whether the owner added it.
    pub(crate) added: bool,
    /// Milliseconds since 1970 (UTC).
    pub(crate) created_at: i64,
    /// When it is forgotten; `None`: never.
    pub(crate) ends_at: Option<i64>,
}

/// A person's leave for an app to act for them. Its absence is its revocation.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Grant {
    pub(crate) user: UserId,
    pub(crate) client_id: String,
    /// What the client called itself, or the domain that vouches for it.
    pub(crate) client_name: String,
    pub(crate) scopes: Scopes,
    /// The number of the refresh token in force.
    pub(crate) generation: u64,
    /// When that one was issued; milliseconds since 1970 (UTC), as all times here.
    pub(crate) rotated_at: i64,
    pub(crate) created_at: i64,
    /// When it ends unless it is used before.
    pub(crate) refresh_until: i64,
}

impl Grant {
    /// When it ends: not used for too long, or the cap.
    pub(crate) fn ends_at(&self) -> i64 {
        self.refresh_until.min(self.created_at + LONGEST_GRANT_MS)
    }
}

/// An authorization code (RFC 6749, section 4.1.2).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Code {
    /// The grant it becomes.
    pub(crate) grant: String,
    pub(crate) user: UserId,
    pub(crate) client_id: String,
    pub(crate) client_name: String,
    pub(crate) redirect_uri: String,
    /// The S256 challenge (RFC 7636).
    pub(crate) challenge: String,
    pub(crate) scopes: Scopes,
    /// That of the user when they consented.
    #[serde(default)]
    pub(crate) epoch: u64,
    pub(crate) issued_at: i64,
    /// Whether it was redeemed.
    pub(crate) spent: bool,
}

impl Code {
    /// When it stops working.
    pub(crate) fn ends_at(&self) -> i64 {
        self.issued_at + CODE_MS
    }

    /// When it is forgotten.
    pub(crate) fn forgotten_at(&self) -> i64 {
        self.issued_at + SPENT_CODE_MS
    }
}

/// An authorization request on its way through sign-in and consent. It stays here; the browser carries its id.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Transaction {
    /// The fingerprint of the browser that brought it.
    pub(crate) browser: String,
    pub(crate) client_id: String,
    pub(crate) client_name: String,
    /// The domain that vouches for the client; `None`: its name is its own claim.
    pub(crate) verified_domain: Option<String>,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) scopes: Scopes,
    pub(crate) challenge: String,
    pub(crate) ends_at: i64,
}
