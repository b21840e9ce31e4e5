//! The authorization server: OAuth 2.1 as MCP asks for it. One file for each endpoint or rule.

mod client_metadata;
mod records;

pub(crate) use client_metadata::{ClientDocument, ClientDocuments, Refused};
pub(crate) use records::{Client, Code, Grant, LONGEST_GRANT_MS, Transaction};
