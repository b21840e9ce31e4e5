//! Clients known by a document at their own address (draft-ietf-oauth-client-id-metadata-document).

use common::{Clock, Failure};

/// The documents of clients, fetched and kept for a while.
#[derive(Debug)]
pub(crate) struct ClientDocuments {}

impl ClientDocuments {
    /// No documents yet. `issuer` is our own address, which is nobody's client.
    ///
    /// # Errors
    /// If there can be no HTTP client.
    pub(crate) fn new(_issuer: &str, _clock: &Clock) -> Result<Self, Failure> {
        Ok(Self {})
    }
}
