//! The shell commands: the engine alone, no server, no store.

mod batch;
mod flags;
mod others;
mod plan;
mod progress;
mod transform;

pub(super) use self::{
    batch::{BatchArguments, batch},
    transform::{TransformArguments, transform},
};
