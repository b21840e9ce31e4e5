//! What every request shares.

use std::sync::Arc;

use axum::extract::FromRef;
use common::{Stores, models::Models};
use config::Config;
use tokio_util::sync::CancellationToken;

use crate::{Authority, files::Links};

/// What every request shares, over HTTP and stdio alike.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The settings.
    pub(crate) config: Config,
    /// What is known of models that make and read pictures.
    pub(crate) models: Models,
    /// Everything that is kept.
    pub(crate) stores: Stores,
    /// Signs links to images; none over stdio, where results carry paths instead.
    pub(crate) links: Option<Links>,
    /// Cancelled when the server is told to stop: whoever waits for a job hands back its id.
    pub(crate) stopping: CancellationToken,
}

impl Shared {
    /// What every request shares. Tells in the log of models in the settings that end soon.
    ///
    /// # Errors
    /// Why the file of models in the settings cannot be used.
    pub(crate) fn new(
        config: &Config,
        stores: Stores,
        links: Option<Links>,
        stopping: &CancellationToken,
    ) -> Result<Self, String> {
        let models = Models::of(&config.openai)?;
        for ending in models.endings(&config.openai, stores.clock.now_ms()) {
            tracing::warn!(variable = ending.variable, "{}", ending.note);
        }
        Ok(Self { config: config.clone(), models, stores, links, stopping: stopping.clone() })
    }
}

/// What requests over HTTP share. Handlers take the part they need.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) shared: Arc<Shared>,
    pub(crate) authority: Arc<Authority>,
}

impl FromRef<Site> for Arc<Shared> {
    fn from_ref(site: &Site) -> Self {
        site.shared.clone()
    }
}

impl FromRef<Site> for Arc<Authority> {
    fn from_ref(site: &Site) -> Self {
        site.authority.clone()
    }
}
