//! `/live`, `/health` and `/metrics` of a worker program. Not for the world: on loopback unless set otherwise.

use std::{convert::Infallible, sync::Arc, time::Duration};

use common::{StoreError, Stores, job::Lane};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::{net::TcpListener, sync::Semaphore};

use crate::Metrics;

/// A worker that has not heard from its queue for this long is not ready for work. In health it hears every second.
const READY_WITHIN: Duration = Duration::from_secs(15);

/// Connections at once: a probe and a scraper or two.
const CONNECTIONS: usize = 64;

/// A connection is closed after this long, whatever it does.
const LONGEST: Duration = Duration::from_secs(30);

/// What the pages tell of.
struct Seen {
    stores: Stores,
    metrics: Metrics,
}

/// Answers on `listener` until the returned future is dropped.
pub async fn serve(listener: TcpListener, stores: Stores, metrics: Metrics) {
    let seen = Arc::new(Seen { stores, metrics });
    let turns = Arc::new(Semaphore::new(CONNECTIONS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
    loop {
        let Ok(turn) = turns.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let seen = seen.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let seen = seen.clone();
            async move { Ok::<_, Infallible>(seen.answer(request.method(), request.uri().path()).await) }
        });
        let connection = http.serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(async move {
            if let Ok(Err(error)) = tokio::time::timeout(LONGEST, connection).await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(turn);
        });
    }
}

impl Seen {
    async fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        match (method, path) {
            // That it answers says all: a queue that is away for a while is no reason to restart a worker.
            (&Method::GET, "/live") => respond(StatusCode::OK, "text/plain", "alive\n".into()),
            (&Method::GET, "/health") => self.health().await,
            (&Method::GET, "/metrics") => self.metrics().await,
            _ => respond(StatusCode::NOT_FOUND, "text/plain", "There are /live, /health and /metrics.\n".into()),
        }
    }

    /// Whether it is ready for work: whether its queue answered lately, and results can be stored.
    async fn health(&self) -> Response<Full<Bytes>> {
        let silent = self.stores.queue.silent_for();
        let writable = soon(self.stores.blobs.probe()).await.is_some();
        let ready = writable && silent.is_some_and(|silent| silent < READY_WITHIN);
        let body = json!({
            "status": if ready { "ok" } else { "not ready" },
            "version": env!("CARGO_PKG_VERSION"),
            "queue_silent_seconds": silent.map(|silent| silent.as_secs()),
            "storage": if writable { "writable" } else { "not writable" },
        });
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        respond(status, "application/json", body.to_string())
    }

    async fn metrics(&self) -> Response<Full<Bytes>> {
        for lane in Lane::ALL {
            self.metrics.queue(lane, soon(self.stores.queue.depth(lane)).await);
        }
        self.metrics.pressure(soon(self.stores.queue.pressure()).await);
        match self.metrics.text() {
            Ok(text) => respond(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text),
            Err(_) => respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", String::new()),
        }
    }
}

/// What the store answers, unless it takes its time: whoever asks must not wait for a server that is away.
async fn soon<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    tokio::time::timeout(Duration::from_secs(2), answer).await.ok()?.ok()
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
