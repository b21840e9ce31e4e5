//! The shell commands: the engine alone, no server, no store.

mod batch;
mod extract_text;
mod flags;
mod others;
mod plan;
mod progress;
mod transform;

pub(super) use self::{
    batch::{BatchArguments, batch},
    extract_text::{ExtractTextArguments, extract_text},
    transform::{TransformArguments, transform},
};
