//! Metadata in whole files: read, written and hostile.

mod hostile;
mod read;
mod rich;
mod written;
