//! What a request must look like before anybody works on it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use rmcp::model::ClientJsonRpcMessage;
use serde_json::Value;
use url::{Host, Url};

use crate::{
    Authority, Caller, Shared,
    error::{Problem, RpcCode, rpc},
    pages::see_other,
};

/// The largest body on `/mcp`: a picture of 18 MB as base64.
pub(crate) const MAX_BODY_BYTES: usize = 24 << 20;

/// Headers that web pages may read.
pub(crate) const EXPOSED: [HeaderName; 3] = [
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("mcp-session-id"),
    HeaderName::from_static("mcp-protocol-version"),
];

/// A web page of another site may point its own name at this machine (DNS rebinding); the `Host` header gives it away.
pub(crate) async fn host(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let base = shared.links.as_ref().map_or("", |links| links.base());
    if host_allowed(request.headers(), request.uri(), base) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::FORBIDDEN, "host_not_allowed", "This server is not known under that name.")
        .next(format!("Use {base}."))
        .into_response()
}

fn host_allowed(headers: &HeaderMap, uri: &Uri, base: &str) -> bool {
    let Some(named) = named(headers, uri) else { return false };
    if is_host_of(&named, base) {
        return true;
    }
    let Some(own) = base.strip_prefix("http://") else { return false };
    let port = own.rsplit_once(':').map_or("80", |(_, port)| port);
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| is_host_of(&named, &format!("http://{name}:{port}")))
}

/// The name by which a request calls the server, in lower case.
fn named(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let named = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    Some(named.or_else(|| uri.authority().map(|authority| authority.as_str()))?.to_ascii_lowercase())
}

/// Whether `named` is the host of `base`. The usual port of its scheme may be left out on either side.
fn is_host_of(named: &str, base: &str) -> bool {
    let (own, usual) = match base.strip_prefix("https://") {
        Some(own) => (own, ":443"),
        None => (base.trim_start_matches("http://"), ":80"),
    };
    named.strip_suffix(usual).unwrap_or(named) == own.strip_suffix(usual).unwrap_or(own)
}

/// Sends people who came under another of our names to the same page under the right one: cookies and the check of
/// forms are bound to it.
pub(crate) async fn own_name(State(authority): State<Arc<Authority>>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let other = named(request.headers(), request.uri()).is_some_and(|named| !is_host_of(&named, &authority.issuer));
    if safe && other {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        return see_other(&format!("{}{path}", authority.issuer));
    }
    next.run(request).await
}

/// Only known web pages may call `/mcp`; programs send no `Origin`.
pub(crate) async fn origin(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match request.headers().get(header::ORIGIN) {
        Some(origin) if !origin_allowed(origin.to_str().unwrap_or_default(), &shared) => rpc(
            StatusCode::FORBIDDEN,
            RpcCode::InvalidRequest,
            "Web pages of this origin may not call the server; its owner can add it to ALLOWED_ORIGINS.",
            Value::Null,
        ),
        _ => next.run(request).await,
    }
}

/// Whether web pages of `origin` may call the server: those that were configured, and those of this machine.
pub(crate) fn origin_allowed(origin: &str, shared: &Shared) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let local = loopback && matches!(url.scheme(), "http" | "https");
    local || shared.config.web.allowed_origins.contains(&url.origin().ascii_serialization())
}

/// Everyone who can reach the server is its one local user, as long as it listens on loopback only.
pub(crate) async fn caller(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Caller::local());
    next.run(request).await
}

/// The address a request came from, as limits count it.
#[derive(Clone, Debug)]
pub(crate) struct Address(pub(crate) String);

/// Works out the [`Address`] of a request.
pub(crate) async fn address(
    State(authority): State<Arc<Authority>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = authority.limits.address(peer.ip(), request.headers());
    request.extensions_mut().insert(Address(address));
    next.run(request).await
}

/// How long a body may take to arrive: a connection that holds one for ever holds memory for ever.
const LONGEST_BODY: Duration = Duration::from_secs(60);

/// The largest body anywhere else: a form or a registration.
const MAX_FORM_BYTES: usize = 32 * 1024;

/// How long a form may take to arrive.
const LONGEST_FORM: Duration = Duration::from_secs(20);

/// Reads the body of a form whole, before anybody works on it.
pub(crate) async fn form(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(LONGEST_FORM, to_bytes(body, MAX_FORM_BYTES)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is over 32 KiB.").into_response()
        }
        Err(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The body did not arrive within 20 seconds.")
            .next("Send it again.")
            .into_response(),
    }
}

/// The body of `/mcp` is small enough, JSON, and one JSON-RPC message.
pub(crate) async fn body(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(read) = tokio::time::timeout(LONGEST_BODY, to_bytes(body, MAX_BODY_BYTES)).await else {
        return rpc(
            StatusCode::REQUEST_TIMEOUT,
            RpcCode::InvalidRequest,
            "The request did not arrive within 60 seconds. Call again.",
            Value::Null,
        );
    };
    let Ok(bytes) = read else {
        return rpc(
            StatusCode::PAYLOAD_TOO_LARGE,
            RpcCode::InvalidRequest,
            "The request is over 24 MiB. Name the picture by a path of the server or by the id of an earlier result.",
            Value::Null,
        );
    };
    if serde_json::from_slice::<ClientJsonRpcMessage>(&bytes).is_err() {
        return refuse(&bytes);
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

fn refuse(bytes: &[u8]) -> Response {
    match serde_json::from_slice::<Value>(bytes) {
        Err(error) => {
            let message = format!("The body is not JSON: {error}.");
            rpc(StatusCode::BAD_REQUEST, RpcCode::ParseError, &message, Value::Null)
        }
        Ok(message) => {
            let id = message.get("id").filter(|id| id.is_string() || id.is_number()).cloned().unwrap_or_default();
            let why = if message.is_array() {
                "Batches are not supported; send one message."
            } else {
                "Not a JSON-RPC 2.0 message of MCP."
            };
            rpc(StatusCode::BAD_REQUEST, RpcCode::InvalidRequest, why, id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(host: &'static str, base: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        host_allowed(&headers, &Uri::from_static("/"), base)
    }

    #[test]
    fn only_names_of_this_machine_with_the_right_port() {
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"] {
            assert!(allowed(host, "http://127.0.0.1:8080"), "{host}");
        }
        for host in ["evil.example:8080", "127.0.0.1", "localhost:81", "127.0.0.1.evil.example:8080", ""] {
            assert!(!allowed(host, "http://127.0.0.1:8080"), "{host}");
        }
        assert!(allowed("localhost", "http://127.0.0.1:80"));
        assert!(allowed("[::1]:9", "http://[::1]:9"));
    }

    #[test]
    fn behind_tls_only_the_public_name() {
        let base = "https://images.example.com";
        assert!(allowed("images.example.com", base) && allowed("Images.example.com:443", base));
        for host in ["images.example.com:80", "images.example.com.evil.example", "localhost", "localhost:443", ""] {
            assert!(!allowed(host, base), "{host}");
        }
        assert!(allowed("images.example.com:8443", "https://images.example.com:8443"));
    }
}
