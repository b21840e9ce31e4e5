//! The worker inside the web process, in builds that have one.

use common::Stores;
use config::Config;

/// A running worker. A build without one can have none.
#[cfg(not(feature = "embedded"))]
#[derive(Debug)]
pub enum Lanes {}
#[cfg(feature = "embedded")]
pub use worker::Lanes;

/// Starts a worker on `stores`, if the settings want one here.
///
/// # Errors
/// If an allowed folder cannot be opened, or the store cannot be used; in a build without a worker, if one is wanted.
pub async fn start(config: &Config, stores: &Stores) -> anyhow::Result<Option<Lanes>> {
    if !config.queue.embedded_worker {
        return Ok(None);
    }
    #[cfg(feature = "embedded")]
    return Ok(Some(worker::assemble(config, &stores.patient(), worker::Metrics::default()).await?));
    #[cfg(not(feature = "embedded"))]
    {
        let _ = stores;
        anyhow::bail!(
            "this build of image-tool has no worker inside: set REDIS_URL and STORAGE_URL and run image-tool-worker \
             beside it, or build it with the feature \"embedded\""
        );
    }
}

/// Lets the running jobs come to an end.
pub async fn stop(lanes: Option<Lanes>, stores: &Stores) {
    match lanes {
        None => {}
        #[cfg(feature = "embedded")]
        Some(lanes) => lanes.stop(&stores.queue).await,
        #[cfg(not(feature = "embedded"))]
        Some(never) => {
            let _ = stores;
            match never {}
        }
    }
}
