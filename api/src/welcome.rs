//! `GET /`: what this is and how to connect to it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{Authority, Shared, error::Problem, mcp, pages::Page};

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    nonce: String,
    version: &'static str,
    base: String,
    claude_code: String,
    auth: bool,
    setup_required: bool,
    tools: Vec<(&'static str, &'static str)>,
}

/// `GET /`.
pub(crate) async fn welcome(
    State(shared): State<Arc<Shared>>,
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let base = authority.issuer.clone();
    let claude_code = format!("claude mcp add --transport http image-tool {base}/mcp");
    let version = env!("CARGO_PKG_VERSION");
    if prefers_html(&headers) {
        let setup_required = authority.setup_required().await?;
        return Ok(Page::render(StatusCode::OK, |nonce| WelcomePage {
            nonce,
            version,
            base,
            claude_code,
            auth: shared.config.web.auth,
            setup_required,
            tools: mcp::tool_names().collect(),
        }));
    }
    let about = json!({
        "name": "image-tool",
        "version": version,
        "mcp": format!("{base}/mcp"),
        "health": format!("{base}/health"),
        "tools": mcp::tool_names().map(|(name, _)| name).collect::<Vec<_>>(),
        "connect": {"claude_code": claude_code},
    });
    Ok(Json(about).into_response())
}

/// Browsers name HTML; tools name JSON or take anything.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let place = |kind: &str| accept.find(kind).unwrap_or(usize::MAX);
    place("text/html") < place("application/json")
}
