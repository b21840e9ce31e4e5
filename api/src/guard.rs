//! What a request must look like before anybody works on it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use common::{Failure, jobs::Admission};
use config::is_loopback;
use rmcp::model::ClientJsonRpcMessage;
use serde_json::Value;
use url::Url;

use crate::{
    Authority, Caller, Shared, Site,
    error::{Problem, RpcCode, rpc},
    limits::{Standing, TooOften},
    mcp::Asks,
    oauth::{self, Refusal},
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
pub(crate) async fn host(State(authority): State<Arc<Authority>>, request: Request, next: Next) -> Response {
    if host_allowed(request.headers(), request.uri(), &authority.issuer) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::FORBIDDEN, "host_not_allowed", "This server is not known under that name.")
        .next(format!("Use {}; its owner can set another name with PUBLIC_URL.", authority.issuer))
        .into_response()
}

fn host_allowed(headers: &HeaderMap, uri: &Uri, issuer: &str) -> bool {
    // Two could be read differently by two readers (RFC 9112, section 3.2).
    if headers.get_all(header::HOST).iter().count() > 1 {
        return false;
    }
    let (Some(named), Ok(own)) = (named(headers, uri, issuer), Url::parse(issuer)) else { return false };
    let bare = named.path() == "/" && named.query().is_none() && named.username().is_empty();
    bare && leads_to(&named, &own)
}

/// The name by which a request calls the server, as a URL, so that case and the default port mean nothing.
fn named(headers: &HeaderMap, uri: &Uri, issuer: &str) -> Option<Url> {
    let named = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    let named = named.or_else(|| uri.authority().map(|authority| authority.as_str()))?;
    let (scheme, _) = issuer.split_once(':')?;
    Url::parse(&format!("{scheme}://{named}")).ok()
}

/// Whether `url` leads to the server `own`, by whichever name of this machine.
pub(crate) fn leads_to(url: &Url, own: &Url) -> bool {
    let same_host = url.host() == own.host() || (is_loopback(own) && is_loopback(url));
    same_host && url.scheme() == own.scheme() && url.port_or_known_default() == own.port_or_known_default()
}

/// Sends people who came under another of our names to the same page under the right one: cookies and the check of
/// forms are bound to it.
pub(crate) async fn own_name(State(authority): State<Arc<Authority>>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let other = named(request.headers(), request.uri(), &authority.issuer)
        .is_some_and(|named| Url::parse(&authority.issuer).is_ok_and(|own| own.origin() != named.origin()));
    if safe && other {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        return see_other(&format!("{}{path}", authority.issuer));
    }
    next.run(request).await
}

/// Only known web pages may call `/mcp`; programs send no `Origin`.
pub(crate) async fn origin(State(site): State<Site>, request: Request, next: Next) -> Response {
    match request.headers().get(header::ORIGIN) {
        Some(origin) if !origin_allowed(origin.to_str().unwrap_or_default(), &site) => rpc(
            StatusCode::FORBIDDEN,
            RpcCode::InvalidRequest,
            "Web pages of this origin may not call the server; its owner can add it to ALLOWED_ORIGINS.",
            Value::Null,
        ),
        _ => next.run(request).await,
    }
}

/// Whether web pages of `origin` may call the server: those that were configured, and those of this machine while the
/// server is on this machine.
pub(crate) fn origin_allowed(origin: &str, site: &Site) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let local = || {
        let own = Url::parse(&site.authority.issuer).is_ok_and(|own| is_loopback(&own));
        own && is_loopback(&url) && matches!(url.scheme(), "http" | "https")
    };
    site.shared.config.web.allowed_origins.contains(&url.origin().ascii_serialization()) || local()
}

/// Works out who calls, or says how to get a token. With `AUTH=off`, everyone who can reach the server is its owner.
pub(crate) async fn caller(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let Site { shared, authority } = &site;
    if !shared.config.web.auth {
        // A tunnel or proxy on this machine would let the world in as the owner.
        if request.headers().contains_key("x-forwarded-for") || request.headers().contains_key(header::FORWARDED) {
            let text = "AUTH=off is for this machine only, and this request came through a proxy.";
            return Problem::new(StatusCode::FORBIDDEN, "forwarded", text)
                .next("Set PUBLIC_URL and remove AUTH=off.")
                .into_response();
        }
        request.extensions_mut().insert(Caller::local());
        return next.run(request).await;
    }
    match oauth::authenticate(authority, request.headers()).await {
        Ok(Ok(bearer)) => {
            request.extensions_mut().insert(bearer.caller());
            next.run(request).await
        }
        Ok(Err(refusal)) => refused(authority, &refusal, request.extensions().get::<Address>()).await,
        Err(error) => Problem::from(error).into_response(),
    }
}

/// The challenge. Bad tokens are counted, and an address that sends too many has to wait; good ones never have to.
async fn refused(authority: &Authority, refusal: &Refusal, address: Option<&Address>) -> Response {
    tracing::debug!(?refusal, "no caller");
    if let (Refusal::InvalidToken, Some(Address(address))) = (refusal, address) {
        match authority.limits.attempt(&authority.limits.failures("failed-token"), address).await {
            Ok(Ok(())) => {}
            Ok(Err(too_often)) => return too_many(&too_often),
            Err(error) => return Problem::from(error).into_response(),
        }
    }
    oauth::challenge(authority, refusal)
}

/// A program whose requests fail too often in this minute has to wait. It is answered to its end even if it goes away,
/// so that hanging up does not save it from being counted. Browsers say where a request came from (`Origin`); theirs
/// do not count, for any page can make them.
pub(crate) async fn patience(
    State(authority): State<Arc<Authority>>,
    Extension(Address(address)): Extension<Address>,
    request: Request,
    next: Next,
) -> Response {
    let counts = request.method() == Method::POST && !request.headers().contains_key(header::ORIGIN);
    if !counts {
        return next.run(request).await;
    }
    let failures = authority.limits.failures("failed-program");
    match authority.limits.allowed(&failures, &address).await {
        Ok(Ok(())) => {}
        Ok(Err(too_often)) => return too_many(&too_often),
        Err(error) => return Problem::from(error).into_response(),
    }
    let answered = tokio::spawn(async move {
        let response = next.run(request).await;
        if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST)
            && let Err(error) = authority.limits.attempt(&failures, &address).await
        {
            tracing::warn!(%error, "a failed request could not be counted");
        }
        response
    });
    match answered.await {
        Ok(response) => response,
        Err(error) => Problem::from(Failure::internal(&error)).into_response(),
    }
}

fn too_many(too_often: &TooOften) -> Response {
    let message = format!("Too many requests; try again in {} seconds.", too_often.seconds());
    let mut response = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).into_response();
    too_often.tell(response.headers_mut());
    response
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
    // A page that is asked for needs no body; waiting for one would only hold the connection.
    if request.method() != Method::POST {
        return next.run(request).await;
    }
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

/// The body of `/mcp` is small enough, JSON, one JSON-RPC message, and asks for nothing its caller may not do or does too
/// often.
pub(crate) async fn body(State(site): State<Site>, request: Request, next: Next) -> Response {
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
    let Ok(message) = serde_json::from_slice::<ClientJsonRpcMessage>(&bytes) else { return refuse(&bytes) };
    let asks = Asks::of(&message);
    drop(message);
    let standing = match may(&site, parts.extensions.get::<Caller>(), asks).await {
        Ok(standing) => standing,
        Err(refused) => return *refused,
    };
    let mut response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    if let Some(standing) = standing {
        standing.tell(response.headers_mut());
    }
    response
}

/// Whether the caller may ask for that, and how often they may still call in this minute.
async fn may(site: &Site, caller: Option<&Caller>, asks: Asks) -> Result<Option<Standing>, Box<Response>> {
    let Some(caller) = caller else {
        return Err(Box::new(oauth::challenge(&site.authority, &Refusal::NoToken)));
    };
    if !caller.scopes.cover_all(asks.needs()) {
        // With those it has: clients replace their token by one for what is named here.
        let wanted = asks.needs().iter().copied().chain(caller.scopes.iter()).collect();
        return Err(Box::new(oauth::challenge(&site.authority, &Refusal::InsufficientScope(wanted))));
    }
    let works = match asks {
        Asks::Tool { works, .. } => works,
        Asks::Fetch => false,
        Asks::Look | Asks::Nothing => return Ok(None),
    };
    let standing = if caller.limited {
        match site.authority.limits.call(&caller.user.0).await {
            Ok(Ok(standing)) => Some(standing),
            Ok(Err(too_often)) => return Err(Box::new(too_many(&too_often))),
            Err(error) => return Err(Box::new(Problem::from(error).into_response())),
        }
    } else {
        None
    };
    if works {
        admitted(&site.shared, caller).await?;
    }
    Ok(standing)
}

/// Whether another job would be let in; where an answer may stream, this is the last moment to say so by its status.
async fn admitted(shared: &Shared, caller: &Caller) -> Result<(), Box<Response>> {
    let admission = Admission::of(&shared.config.queue);
    match shared.stores.jobs.admit(caller.limited.then_some(&caller.user), &admission).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => Err(Box::new(Problem::from(failure).into_response())),
        Err(error) => Err(Box::new(Problem::from(error).into_response())),
    }
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
        assert!(allowed("it.example", "https://it.example") && allowed("IT.example:443", "https://it.example"));
        for host in ["localhost", "127.0.0.1:443", "it.example:80", "it.example.evil", "x@it.example", "it.example/x"] {
            assert!(!allowed(host, "https://it.example"), "{host}");
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
