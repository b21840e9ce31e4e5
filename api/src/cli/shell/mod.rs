//! The shell commands: the engine alone, no server, no store.

mod batch;
mod batch_end;
mod batch_run;
mod extract_text;
mod flags;
mod interrupt;
mod journal;
mod others;
mod plan;
mod progress;
mod transform;

pub(super) use self::{
    batch::{BatchArguments, batch},
    extract_text::{ExtractTextArguments, extract_text},
    transform::{TransformArguments, transform},
};
