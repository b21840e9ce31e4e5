//! `GET /health`: whether the server can do its work, and how much waits.

use std::{io, sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use common::{StoreError, job::Lane};
use serde_json::{Map, Value, json};

use crate::{Authority, Shared};

/// `GET /health`.
pub(crate) async fn health(
    State(shared): State<Arc<Shared>>,
    State(authority): State<Arc<Authority>>,
) -> impl IntoResponse {
    let (queue, storage, setup_required) =
        tokio::join!(soon(queue(&shared)), soon(shared.stores.blobs.probe()), soon(authority.setup_required()),);
    let sound = queue.is_ok() && storage.is_ok();
    let mut body = json!({
        "status": if sound { "ok" } else { "unhealthy" },
        "version": env!("CARGO_PKG_VERSION"),
        "store": word(&queue),
        "storage": if storage.is_ok() { "writable" } else { "not writable" },
    });
    if shared.config.web.auth {
        // A store that cannot be read is said above.
        body["oauth"] = json!({"issuer": authority.issuer, "setup_required": setup_required.unwrap_or_default()});
    }
    let endings = shared.models.endings(&shared.config.openai, shared.stores.clock.now_ms());
    if !endings.is_empty() {
        body["models"] = json!(endings);
    }
    for error in [queue.as_ref().err(), storage.as_ref().err()].into_iter().flatten() {
        tracing::error!(%error, "unhealthy");
    }
    if let Ok(lanes) = queue {
        body["queue"] = lanes;
    }
    (if sound { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

/// Whoever asks for health does not wait for a server that hangs.
async fn soon<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| StoreError::File(io::Error::new(io::ErrorKind::TimedOut, "no answer within 5 seconds"));
    tokio::time::timeout(Duration::from_secs(5), answer).await.map_err(late)?
}

fn word<T>(result: &Result<T, StoreError>) -> &'static str {
    if result.is_ok() { "ok" } else { "error" }
}

async fn queue(shared: &Shared) -> Result<Value, StoreError> {
    let mut lanes = Map::new();
    // To be told of a store that can only be read.
    shared.stores.state.put("probe/health", b"ok", Some(Duration::from_secs(60))).await?;
    for lane in Lane::ALL {
        let depth = shared.stores.queue.depth(lane).await?;
        lanes.insert(serde_json::to_value(lane)?.as_str().unwrap_or_default().into(), serde_json::to_value(depth)?);
    }
    Ok(lanes.into())
}
