//! The two servers: HTTP, and stdio for one local client. Both run until told to stop, and then drain.

use anyhow::Context;
use common::{Clock, Stores, process, telemetry};
use config::{Config, StorageUrl, Way};
use tokio::net::TcpListener;

use super::{End, say};
use crate::{embedded, serve};

/// `image-tool serve`.
#[tokio::main]
pub(super) async fn http() -> anyhow::Result<End> {
    let config = process::settings(Way::Serve)?;
    telemetry::start(&config.logs.filter);
    let listener = TcpListener::bind(config.web.address())
        .await
        .with_context(|| format!("cannot listen on {}; set PORT to another port", config.web.address()))?;
    let stores = stores(&config).await?;
    let lanes = embedded::start(&config, &stores).await?;
    welcome(&config, &format!("http://{}", listener.local_addr()?));
    let served = serve::serve(&config, stores.clone(), listener, process::told_to_stop()?).await;
    embedded::stop(lanes, &stores).await;
    stores.close().await;
    served?;
    Ok(End::Good)
}

/// `image-tool health`.
pub(super) fn health() -> anyhow::Result<End> {
    let address = process::settings(Way::Serve)?.web.address();
    process::ask_health(address).with_context(|| format!("http://{address}/health"))?;
    Ok(End::Good)
}

/// `image-tool stdio`.
pub(super) fn stdio() -> anyhow::Result<End> {
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(over_stdio());
    // A thread may still wait for a line from stdin, which nobody will send.
    runtime.shutdown_background();
    ended
}

async fn over_stdio() -> anyhow::Result<End> {
    let config = process::settings(Way::Stdio)?;
    telemetry::start(&config.logs.filter);
    let stores = stores(&config).await?;
    let lanes = embedded::start(&config, &stores).await?;
    let served = serve::stdio(&config, stores.clone(), process::told_to_stop()?).await;
    embedded::stop(lanes, &stores).await;
    stores.close().await;
    served?;
    Ok(End::Good)
}

/// The stores that the settings name.
pub(super) async fn stores(config: &Config) -> anyhow::Result<Stores> {
    let storage = &config.storage;
    Stores::of(config, Clock::default()).await.with_context(|| match (&storage.redis_url, &storage.url) {
        (None, StorageUrl::Folder(images)) if images.starts_with(&storage.data_dir) => {
            format!("cannot use DATA_DIR {}", storage.data_dir.display())
        }
        (None, _) => format!("cannot use DATA_DIR {} or STORAGE_URL", storage.data_dir.display()),
        (Some(_), _) => "cannot use REDIS_URL or STORAGE_URL".into(),
    })
}

fn welcome(config: &Config, url: &str) {
    let roots: Vec<String> = config.storage.allowed_dirs.iter().map(|root| root.display().to_string()).collect();
    let roots = if roots.is_empty() { "none (set ALLOWED_DIRS)".to_owned() } else { roots.join(", ") };
    let data = match (&config.storage.redis_url, &config.storage.url) {
        (None, StorageUrl::Folder(_)) => config.storage.data_dir.display().to_string(),
        (None, url) => format!("{}; images in {url}", config.storage.data_dir.display()),
        (Some(_), url) => format!("Redis; images in {url}"),
    };
    let public = config.web.public_url.as_deref().unwrap_or(url);
    say(&format!(
        "Image Tool listens on {url}
  MCP endpoint   {public}/mcp
  Claude Code    claude mcp add --transport http image-tool {public}/mcp
  readable       {roots}
  data           {data}
  work           {}
  sign-in        {}",
        if config.queue.embedded_worker { "is done here" } else { "is done by image-tool-worker" },
        if config.web.auth {
            "needed; AUTH=off turns it off on this machine"
        } else {
            "OFF: every program of this machine may use the server as its owner (AUTH=off)"
        },
    ));
}
