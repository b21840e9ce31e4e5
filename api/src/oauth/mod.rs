//! The authorization server: OAuth 2.1 as MCP asks for it. One file for each endpoint or rule.

mod access_token;
mod authorize;
mod bearer;
mod challenge;
mod client_metadata;
mod clients;
mod consent;
mod error;
mod grant;
mod metadata;
mod records;
mod redirect_uri;
mod refresh_token;
mod register;
mod resource;
mod revoke;
mod status;
mod token;
mod userinfo;

pub(crate) use authorize::authorize;
pub(crate) use bearer::authenticate;
pub(crate) use challenge::{Refusal, challenge};
pub(crate) use client_metadata::ClientDocuments;
pub(crate) use clients::add_client;
pub(crate) use consent::decide;
pub(crate) use metadata::{RESOURCE_PATH, keys, resource as resource_metadata, server as server_metadata};
pub(crate) use records::{Client, Code, Grant, LONGEST_GRANT_MS, Transaction};
pub(crate) use register::register;
pub(crate) use revoke::revoke;
pub(crate) use status::{status, test};
pub(crate) use token::token;
pub(crate) use userinfo::userinfo;
