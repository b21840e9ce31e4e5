//! What the web and the worker both say, and where they meet: jobs, records, the queue and the stores.
#![forbid(unsafe_code)]

mod facts;
mod failure;
mod format;
pub mod recipe;
pub mod report;
pub mod schema;

pub use facts::{Facts, Warning};
pub use failure::{Failure, FailureKind};
pub use format::Format;
pub use recipe::{Recipe, Step};
pub use report::{Report, Section};
