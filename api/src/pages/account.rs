//! TODO page account
