//! `GET /`: what this is and how to connect to it.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::json;

use crate::{Shared, mcp};

/// `GET /`.
pub(crate) async fn welcome(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let base = shared.links.as_ref().map_or("", |links| links.base());
    let claude_code = format!("claude mcp add --transport http image-tool {base}/mcp");
    let desktop = json!({"mcpServers": {"image-tool": {"command": "image-tool", "args": ["stdio"]}}});
    if prefers_html(&headers) {
        let tools: Vec<String> =
            mcp::tool_names().map(|(name, title)| format!("<li><code>{name}</code> {title}</li>")).collect();
        return Html(format!(
            "<!doctype html><meta charset=utf-8><title>Image Tool</title>\
             <style>body{{font:1rem/1.5 system-ui;max-width:42rem;margin:3rem auto;padding:0 1rem}}\
             pre{{background:#8882;padding:.75rem;overflow:auto}}</style>\
             <h1>Image Tool</h1><p>An MCP server that transforms and inspects images. Version {version}.</p>\
             <h2>Claude Code</h2><pre>{claude_code}</pre>\
             <h2>Claude Desktop</h2><pre>{desktop:#}</pre>\
             <p>Any other MCP client: <code>{base}/mcp</code> (streamable HTTP).</p>\
             <h2>Tools</h2><ul>{tools}</ul><p><a href=\"/health\">Health</a></p>\n",
            version = env!("CARGO_PKG_VERSION"),
            tools = tools.concat(),
        ))
        .into_response();
    }
    Json(json!({
        "name": "image-tool",
        "version": env!("CARGO_PKG_VERSION"),
        "mcp": format!("{base}/mcp"),
        "health": format!("{base}/health"),
        "tools": mcp::tool_names().map(|(name, _)| name).collect::<Vec<_>>(),
        "connect": {"claude_code": claude_code, "claude_desktop": desktop},
    }))
    .into_response()
}

/// Browsers name HTML; tools name JSON or take anything.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let place = |kind: &str| accept.find(kind).unwrap_or(usize::MAX);
    place("text/html") < place("application/json")
}
