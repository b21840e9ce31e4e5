//! What every request shares.

use common::Stores;
use config::Config;
use tokio_util::sync::CancellationToken;

use crate::files::Links;

/// What every request shares.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The settings.
    pub(crate) config: Config,
    /// Everything that is kept.
    pub(crate) stores: Stores,
    /// Signs links to images; none over stdio, where results carry paths instead.
    pub(crate) links: Option<Links>,
    /// Cancelled when the server is told to stop: whoever waits for a job hands back its id.
    pub(crate) stopping: CancellationToken,
}
