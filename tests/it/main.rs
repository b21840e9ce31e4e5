//! The real programs, over real sockets and pipes, on free ports and in temporary folders; and the rules of the house.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod attacks;
mod batch;
mod batch_outputs;
mod chromium;
mod connect;
mod deployment;
mod evals;
mod fake_openai;
mod files;
mod fleet;
mod gallery;
mod generated;
mod harness;
mod history;
mod hostile;
mod house;
mod images;
mod many_machines;
mod pages;
mod paid;
mod provider;
mod restart;
mod seeing;
mod shell;
mod shell_resume;
mod site;
mod stdio;
mod transform;
