//! What the world sees: HTTP, MCP, the command line. No pixels, no provider key.
#![forbid(unsafe_code)]

mod app;
mod authority;
mod caller;
pub mod cli;
mod connections;
pub mod embedded;
mod error;
mod files;
mod guard;
mod health;
mod keys;
mod limits;
mod mcp;
mod naming;
mod oauth;
mod outward;
mod pages;
mod people;
mod records;
mod scope;
pub mod serve;
mod shared;
mod welcome;

#[cfg(test)]
mod tests;

pub(crate) use authority::Authority;
pub(crate) use caller::Caller;
pub use mcp::tool_list;
pub(crate) use scope::{Scope, Scopes};
pub(crate) use shared::{Shared, Site};
