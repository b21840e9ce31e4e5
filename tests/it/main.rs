//! The real programs, over real sockets and pipes, on free ports and in temporary folders.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod batch;
mod files;
mod harness;
mod hostile;
mod images;
mod restart;
mod shell;
mod stdio;
mod transform;
