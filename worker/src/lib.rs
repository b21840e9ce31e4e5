//! Where the work is done: takes jobs out of the queue, runs them through the engine, stores what comes out.
#![deny(unsafe_code)]

mod assemble;
pub mod batch;
pub mod engine;
mod fetch;
pub mod files;
mod janitor;
mod job;
mod lanes;
mod metrics;
pub mod ocr;
mod perform;
pub mod provider;
pub mod status;

pub use assemble::{StartError, assemble, limits};
pub use job::Context;
pub use lanes::Lanes;
pub use metrics::Metrics;
