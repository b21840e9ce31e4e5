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
    Shared, Site,
    error::Problem,
    files::download,
    guard,
    health::health,
    mcp,
    pages::{account, invite, login, setup},
    welcome::welcome,
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
    let pages = Router::new()
        .route("/setup", get(setup::show).post(setup::submit))
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", post(login::sign_out))
        .route("/invite/{secret}", get(invite::show).post(invite::submit))
        .route("/account", get(account::show))
        .route("/account/apps/revoke", post(account::revoke))
        .route("/account/sessions/end", post(account::end_session))
        .route("/account/password", post(account::change_password))
        .layer(from_fn(guard::form))
        .layer(from_fn_with_state(site.authority.clone(), guard::own_name));
    Router::new()
        .route("/", get(welcome))
        .route("/images/{id}", get(download::image))
        .route("/jobs/{id}/manifest.jsonl", get(download::manifest))
        .merge(mcp)
        .merge(pages)
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(shared.clone(), guard::host))
        // Whoever checks health may know the server by another name.
        .route("/health", get(health))
        .layer(from_fn_with_state(site.clone(), guard::address))
        .layer(cors(shared.clone()))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        // The path only: the query of a link holds its signature. And not all of it where it holds a secret.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(|request: &Request| {
                    tracing::info_span!("http", method = %request.method(), path = loggable(request.uri().path()))
                })
                .on_request(())
                .on_response(DefaultOnResponse::new().level(tracing::Level::DEBUG)),
        )
        .with_state(site.clone())
}

/// The path of a request as the log may have it: whoever knows that of an invitation can use it.
fn loggable(path: &str) -> &str {
    const INVITE: &str = "/invite/";
    if path.starts_with(INVITE) { INVITE } else { path }
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
