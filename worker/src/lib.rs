//! Where the work is done.

mod files;
