//! Where the work is done: takes jobs out of the queue, runs them through the engine, stores what comes out.
#![deny(unsafe_code)]

pub mod batch;
pub mod engine;
pub mod files;
mod janitor;
mod job;
mod lanes;
mod perform;

pub use job::Context;
pub use lanes::{Lanes, start};
