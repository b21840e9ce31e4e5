//! The two servers: HTTP, and stdio for one local client. Both run until told to stop, and then drain.

use anyhow::Context;
use common::{Blobs, Clock, Stores, telemetry};
use config::{Config, StorageUrl, Way};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{End, say, settings};
use crate::{embedded, serve};

/// `image-tool serve`.
#[tokio::main]
pub(super) async fn http() -> anyhow::Result<End> {
    let config = settings::read(Way::Serve)?;
    telemetry::start(&config.logs.filter);
    let listener = TcpListener::bind(config.web.address())
        .await
        .with_context(|| format!("cannot listen on {}; set PORT to another port", config.web.address()))?;
    let stores = stores(&config).await?;
    let lanes = embedded::start(&config, &stores).await?;
    welcome(&config, &format!("http://{}", listener.local_addr()?));
    let served = serve::serve(&config, stores.clone(), listener, told_to_stop()?).await;
    lanes.stop(&stores.queue).await;
    stores.close().await;
    served?;
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
    let config = settings::read(Way::Stdio)?;
    telemetry::start(&config.logs.filter);
    let stores = stores(&config).await?;
    let lanes = embedded::start(&config, &stores).await?;
    let served = serve::stdio(&config, stores.clone(), told_to_stop()?).await;
    lanes.stop(&stores.queue).await;
    stores.close().await;
    served?;
    Ok(End::Good)
}

/// The stores that the settings name.
pub(super) async fn stores(config: &Config) -> anyhow::Result<Stores> {
    let folder = &config.storage.data_dir;
    let data_dir = || format!("cannot use DATA_DIR {}", folder.display());
    let blobs = Blobs::open(&config.storage.url, &config.storage.s3).with_context(|| match &config.storage.url {
        StorageUrl::Folder(images) if images.starts_with(folder) => data_dir(),
        _ => "cannot use the place of STORAGE_URL".into(),
    })?;
    Stores::open(folder, blobs, config.queue.lease, Clock::default()).await.with_context(data_dir)
}

fn welcome(config: &Config, url: &str) {
    let roots: Vec<String> = config.storage.allowed_dirs.iter().map(|root| root.display().to_string()).collect();
    let roots = if roots.is_empty() { "none (set ALLOWED_DIRS)".to_owned() } else { roots.join(", ") };
    let public = config.web.public_url.as_deref().unwrap_or(url);
    say(&format!(
        "Image Tool listens on {url}
  MCP endpoint   {public}/mcp
  Claude Code    claude mcp add --transport http image-tool {public}/mcp
  readable       {roots}
  data           {}
  sign-in        {}",
        config.storage.data_dir.display(),
        if config.web.auth {
            "needed; AUTH=off turns it off on this machine"
        } else {
            "OFF: every program of this machine may use the server as its owner (AUTH=off)"
        },
    ));
}

/// Cancelled by the first SIGINT or SIGTERM; a second one ends the process at once.
fn told_to_stop() -> anyhow::Result<CancellationToken> {
    let token = CancellationToken::new();
    let told = token.clone();
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut stop = async || {
            #[cfg(unix)]
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
        };
        stop().await;
        tracing::info!("stopping; jobs that are running come to an end");
        told.cancel();
        stop().await;
        std::process::exit(1);
    });
    Ok(token)
}
