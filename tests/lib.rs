//! One harness, one binary: see `it/main.rs`.
