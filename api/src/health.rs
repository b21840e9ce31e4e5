//! `GET /health`: whether the server can do its work, and how much waits.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use common::{StoreError, job::Lane};
use serde_json::{Map, Value, json};

use crate::{Authority, Shared};

/// `GET /health`.
pub(crate) async fn health(
    State(shared): State<Arc<Shared>>,
    State(authority): State<Arc<Authority>>,
) -> impl IntoResponse {
    let queue = queue(&shared).await;
    let storage = shared.stores.blobs.probe().await;
    let sound = queue.is_ok() && storage.is_ok();
    let mut body = json!({
        "status": if sound { "ok" } else { "unhealthy" },
        "version": env!("CARGO_PKG_VERSION"),
        "store": word(&queue),
        "storage": if storage.is_ok() { "writable" } else { "not writable" },
    });
    if shared.config.web.auth {
        // A store that cannot be read is said above.
        let setup_required = authority.setup_required().await.unwrap_or_default();
        body["oauth"] = json!({"issuer": authority.issuer, "setup_required": setup_required});
    }
    for error in [queue.as_ref().err(), storage.as_ref().err()].into_iter().flatten() {
        tracing::error!(%error, "unhealthy");
    }
    if let Ok(lanes) = queue {
        body["queue"] = lanes;
    }
    (if sound { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

fn word<T>(result: &Result<T, StoreError>) -> &'static str {
    if result.is_ok() { "ok" } else { "error" }
}

async fn queue(shared: &Shared) -> Result<Value, StoreError> {
    let mut lanes = Map::new();
    for lane in Lane::ALL {
        let depth = shared.stores.queue.depth(lane).await?;
        lanes.insert(serde_json::to_value(lane)?.as_str().unwrap_or_default().into(), serde_json::to_value(depth)?);
    }
    Ok(lanes.into())
}
