//! Stored files over HTTP: signed links, and the downloads behind them.

mod archive;
pub(crate) mod batch;
pub(crate) mod download;
mod links;
mod range;

pub(crate) use batch::BatchFile;
pub(crate) use links::{LinkQuery, Links, Refusal};
