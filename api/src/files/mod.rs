//! Stored files over HTTP: signed links, and the downloads behind them.

pub(crate) mod download;
mod links;
mod range;

pub(crate) use links::{LinkQuery, Links, Refusal};
