//! One binary for all tests over the whole.

mod generated;
mod house;
