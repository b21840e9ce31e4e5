//! TODO page setup
