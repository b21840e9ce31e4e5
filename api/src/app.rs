//! Every URL on one screen.

use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use tokio_util::sync::CancellationToken;
use tower_http::{
    cors::{AllowHeaders, AllowOrigin, Any, CorsLayer},
    set_header::SetResponseHeaderLayer,
    trace::{DefaultOnResponse, TraceLayer},
};

use crate::{
    Site,
    error::Problem,
    files::{batch, dead_link, download},
    guard,
    health::health,
    mcp, oauth,
    pages::{account, gallery, invite, login, setup, single_sign_on},
    welcome::welcome,
};

/// Sent by MCP clients with every request, those for metadata included.
const MCP_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// The whole of the web. When `streams` is cancelled, answers that are still being streamed end.
pub(crate) fn router(site: &Site, streams: CancellationToken) -> Router {
    Router::new()
        .route("/", get(welcome))
        .merge(links())
        .merge(people(site))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(site.clone(), guard::host))
        .merge(programs(site))
        .merge(mcp_endpoint(site, streams))
        // Whoever checks health may know the server by another name.
        .route("/health", get(health))
        .layer(from_fn_with_state(site.clone(), guard::address))
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
    // Also one that was mistyped or escaped.
    let plain = !path.contains('%') && !path.to_ascii_lowercase().contains("invite");
    if plain { path } else { INVITE }
}

/// MCP. Whoever has no token hears how to get one, before anything else is looked at.
fn mcp_endpoint(site: &Site, streams: CancellationToken) -> Router<Site> {
    let endpoint = mcp::http_service(&site.shared, streams);
    Router::new()
        .route_service("/mcp", endpoint.clone())
        .route_service("/mcp/", endpoint)
        .layer(from_fn_with_state(site.clone(), guard::body))
        .layer(from_fn_with_state(site.clone(), guard::origin))
        .layer(from_fn_with_state(site.clone(), guard::host))
        .layer(from_fn_with_state(site.clone(), guard::caller))
        .layer(cors(site.clone()))
}

/// What signed links lead to.
fn links() -> Router<Site> {
    Router::new()
        .route("/images/{id}", get(download::image))
        .route("/images/{id}/thumbnail", get(download::thumbnail))
        .route("/jobs/{id}/{file}", get(batch::file))
        .route("/jobs/{id}/unfinished/{number}", get(download::unfinished))
        .layer(from_fn(dead_link))
}

/// What people see in a browser.
fn people(site: &Site) -> Router<Site> {
    Router::new()
        .route("/setup", get(setup::show).post(setup::submit))
        .route("/login", get(login::show).post(login::submit))
        .route("/login/oidc", post(single_sign_on::begin))
        .route("/login/oidc/callback", get(single_sign_on::callback))
        .route("/logout", post(login::sign_out))
        .route("/invite/{secret}", get(invite::show).post(invite::submit))
        .route("/account", get(account::show))
        .route("/account/apps/revoke", post(account::revoke))
        .route("/account/sessions/end", post(account::end_session))
        .route("/account/password", post(account::change_password))
        .route("/oauth/authorize", get(oauth::authorize).post(oauth::decide))
        .merge(gallery::routes())
        .layer(from_fn(guard::form))
        .layer(from_fn_with_state(site.clone(), guard::own_name))
}

/// What the programs of any origin may call: nothing here looks at cookies.
fn programs(site: &Site) -> Router<Site> {
    let any_origin = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, MCP_PROTOCOL_VERSION])
        .expose_headers(guard::EXPOSED)
        .max_age(Duration::from_secs(3600));
    Router::new()
        .route(oauth::RESOURCE_PATH, get(oauth::resource_metadata))
        .route("/.well-known/oauth-protected-resource/mcp/", get(oauth::resource_metadata))
        .route("/.well-known/oauth-protected-resource", get(oauth::resource_metadata))
        .route("/.well-known/oauth-authorization-server", get(oauth::server_metadata))
        .route("/.well-known/jwks.json", get(oauth::keys))
        .route("/oauth/register", post(oauth::register))
        .route("/oauth/token", post(oauth::token))
        .route("/oauth/revoke", post(oauth::revoke))
        .route("/oauth/userinfo", get(oauth::userinfo).post(oauth::userinfo))
        .route("/oauth/status", get(oauth::status))
        .route("/oauth/test", get(oauth::test))
        .layer(from_fn(guard::form))
        .layer(from_fn_with_state(site.clone(), guard::patience))
        .layer(any_origin)
}

/// Which web pages may call `/mcp`.
fn cors(site: Site) -> CorsLayer {
    let allowed = move |origin: &HeaderValue, _: &axum::http::request::Parts| {
        origin.to_str().is_ok_and(|origin| guard::origin_allowed(origin, &site))
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
