//! Stored files over HTTP: signed links, and the downloads behind them.

mod archive;
pub(crate) mod batch;
mod conditional;
mod dead;
pub(crate) mod download;
mod links;
mod range;
pub(crate) mod thumbnail;

pub(crate) use batch::BatchFile;
pub(crate) use dead::dead_link;
pub(crate) use links::{LinkQuery, Links, Refusal};
