//! Serving, over HTTP and over stdin and stdout. The caller binds and says stop.

use std::{sync::Arc, time::Duration};

use common::{Failure, Stores};
use config::Config;
use rmcp::{ServiceExt, transport::io::stdio_pipes};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Authority, Caller, Shared, Site, app, connections, files::Links, mcp};

/// How long answers that are under way may take after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Why the server could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The file of models cannot be used.
    #[error("OPENAI_MODELS_FILE: {0}")]
    Models(String),
    /// The socket said no.
    #[error("socket: {0}")]
    Socket(#[from] std::io::Error),
    /// The store said no.
    #[error("{0}")]
    Store(#[from] Failure),
    /// The client at the other end of stdin did not speak MCP.
    #[error("no MCP client: {0}")]
    Client(String),
}

/// Serves HTTP on `listener` until `shutdown`, then lets answers under way finish.
///
/// # Errors
/// If the store or the socket cannot be used.
pub async fn serve(
    config: &Config,
    stores: Stores,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    let authority = Arc::new(Authority::open(config, &stores, address).await.map_err(Failure::from)?);
    authority.note_issuer().await.map_err(Failure::from)?;
    if config.web.auth {
        authority.first_run().await?;
    }
    let links = Links::new(&authority.issuer, &authority.keys, stores.clock.clone())?;
    let shared = Arc::new(Shared::new(config, stores, Some(links), &shutdown).map_err(ServeError::Models)?);
    let streams = CancellationToken::new();
    let router = app::router(&Site { shared, authority }, streams.clone());
    tracing::info!(%address, "listening");
    if !config.web.auth {
        tracing::warn!("AUTH=off: every program of this machine may use this server as its owner");
    }
    tokio::select! {
        () = connections::serve(listener, router, config.web.trusted_proxy_hops > 0, &shutdown) => {}
        () = drained(&shutdown, &streams) => tracing::warn!("answers still under way were cut off"),
    }
    Ok(())
}

async fn drained(shutdown: &CancellationToken, streams: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(DRAIN).await;
    streams.cancel();
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Serves the client at the other end of stdin and stdout until it leaves or `shutdown`.
///
/// Where stdin is no pipe, a read of it stays behind in a thread that cannot be stopped: the caller ends the process
/// without waiting for the runtime.
///
/// # Errors
/// If the client does not speak MCP.
pub async fn stdio(config: &Config, stores: Stores, shutdown: CancellationToken) -> Result<(), ServeError> {
    let shared = Arc::new(Shared::new(config, stores, None, &shutdown).map_err(ServeError::Models)?);
    let server = mcp::Server::for_one(shared, Caller::local());
    let running = match server.serve_with_ct(stdio_pipes(), shutdown.clone()).await {
        Ok(running) => running,
        Err(_) if shutdown.is_cancelled() => return Ok(()),
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(ServeError::Client(error.to_string())),
    };
    running.waiting().await.map_err(|error| ServeError::Client(error.to_string()))?;
    Ok(())
}
