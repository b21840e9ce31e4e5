//! TODO page login
