//! Every URL on one screen.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use tokio_util::sync::CancellationToken;
use tower_http::{
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
    trace::{DefaultOnResponse, TraceLayer},
};

use crate::{
    Shared, Site, error::Problem, files::download, guard, health::health, mcp, pages::single_sign_on, welcome::welcome,
};

/// The whole of the web. When `streams` is cancelled, answers that are still being streamed end.
pub(crate) fn router(site: &Site, streams: CancellationToken) -> Router {
    let shared = &site.shared;
    let endpoint = mcp::http_service(shared, streams);
    let mcp = Router::new()
        .route_service("/mcp", endpoint.clone())
        .route_service("/mcp/", endpoint)
        .layer(from_fn(guard::body))
        .layer(from_fn(guard::caller))
        .layer(from_fn_with_state(shared.clone(), guard::origin));
    let forms = Router::new()
        .route("/login/oidc", post(single_sign_on::begin))
        .route("/login/oidc/callback", get(single_sign_on::callback))
        .layer(from_fn(guard::form));
    Router::new()
        .route("/", get(welcome))
        .route("/images/{id}", get(download::image))
        .route("/jobs/{id}/manifest.jsonl", get(download::manifest))
        .merge(mcp)
        .merge(forms)
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(shared.clone(), guard::host))
        // Whoever checks health may know the server by another name.
        .route("/health", get(health))
        .layer(from_fn_with_state(site.clone(), guard::address))
        .layer(cors(shared.clone()))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        // The path only: the query of a link holds its signature.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(|request: &Request| {
                    tracing::info_span!("http", method = %request.method(), path = request.uri().path())
                })
                .on_request(())
                .on_response(DefaultOnResponse::new().level(tracing::Level::DEBUG)),
        )
        .with_state(site.clone())
}

fn cors(shared: Arc<Shared>) -> CorsLayer {
    let allowed = move |origin: &HeaderValue, _: &axum::http::request::Parts| {
        origin.to_str().is_ok_and(|origin| guard::origin_allowed(origin, &shared))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(guard::EXPOSED)
        .max_age(Duration::from_secs(3600))
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
        .next("MCP is at /mcp; / says how to connect.")
}

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not take that method.")
        .next("/ says what there is.")
}
