//! Where the work is done: jobs, the image engine, batches.

pub mod engine;
