//! Logging: set up once, always to stderr, because stdout belongs to MCP over stdio and to `--json`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging with the directives of `filter`; directives that cannot be read are left out.
pub fn start(filter: &str) {
    let terminal = std::io::stderr().is_terminal();
    let logger = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(terminal);
    // A second start (in tests) keeps the first.
    let _ = logger.try_init();
}
