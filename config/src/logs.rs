//! What is logged.

use crate::reader::{About, Reader};

/// The libraries below say at `info` what only their authors want to know.
const DEFAULT: &str = "info,rmcp=warn,apalis_core=warn";

/// What is logged; always to stderr.
#[derive(Clone, Debug)]
pub struct Logs {
    /// Directives of `tracing_subscriber::EnvFilter`, such as `info,worker=debug`.
    pub filter: String,
}

impl Logs {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let about = About { section: "Logs", name: "RUST_LOG", meaning: "What is logged, to stderr." };
        let filter = reader.parsed(
            &about,
            (DEFAULT.to_owned(), DEFAULT),
            "error, warn, info, debug or trace, also per module (info,worker=debug)",
            |text| Ok(text.to_owned()),
        );
        Self { filter }
    }
}
