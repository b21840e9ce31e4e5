//! `POST /oauth/register`: clients introduce themselves (RFC 7591).

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use config::Registration;
use serde_json::{Value, json};

use super::{
    Client,
    error::{ErrorCode, OAuthError},
    grant::GrantType,
    redirect_uri,
};
use crate::{Authority, Scopes, guard::Address, keys::random_secret, limits::Rule};

/// The largest request: 16 KiB.
const MAX_BYTES: usize = 16 * 1024;

/// Most addresses of one client.
const MAX_REDIRECT_URIS: usize = 10;

/// Longest name, in characters.
const MAX_NAME: usize = 200;

/// Most clients that registered and were never used.
const MAX_UNUSED: usize = 500;

/// How long a client is kept that is never used: a day.
const UNUSED_MS: i64 = 24 * 3600 * 1000;

/// Clients share addresses (all of claude.ai comes from a few), so one address may have many.
const RULE: Rule = Rule { name: "register-hour", each: 100, total: Some(1000), window: Duration::from_secs(3600) };
const BURST: Rule = Rule { name: "register-minute", each: 30, total: Some(300), window: Duration::from_secs(60) };

/// `POST /oauth/register`.
pub(crate) async fn register(
    State(authority): State<Arc<Authority>>,
    Extension(Address(address)): Extension<Address>,
    body: Bytes,
) -> Result<Response, OAuthError> {
    if authority.settings.registration != Registration::Open {
        let description = "This server takes no registrations; its owner can add a client.";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, description));
    }
    let request = read(&authority, &body)?;
    for rule in [&BURST, &RULE] {
        authority.limits.attempt(rule, &address).await??;
    }
    make_room(&authority).await?;
    let created_at = authority.now_ms();
    let client = Client {
        id: format!("itc_{}", random_secret()?),
        name: request.name,
        redirect_uris: request.redirect_uris,
        // None, whatever was asked for: a secret would change how some clients authenticate, and protect nothing.
        secret: None,
        added: false,
        created_at,
        ends_at: Some(created_at + UNUSED_MS),
    };
    authority.unused_clients.put(&client.id, &(created_at + UNUSED_MS)).await?;
    authority.clients.put(&client.id, &client).await?;
    tracing::info!(redirect_hosts = ?client.redirect_uris.iter().map(|uri| redirect_uri::shown_host(uri)).collect::<Vec<_>>(), "a client registered");
    let mut response = (StatusCode::CREATED, Json(described(&client))).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Forgets the oldest clients that were never used, where there are too many: refusing new ones would let a stranger
/// keep everybody out.
async fn make_room(authority: &Authority) -> Result<(), OAuthError> {
    let mut unused = authority.unused_clients.list("").await?;
    if unused.len() < MAX_UNUSED {
        return Ok(());
    }
    unused.sort_by_key(|(_, ends_at)| *ends_at);
    let over = unused.len() + 1 - MAX_UNUSED;
    for (id, _) in unused.into_iter().take(over) {
        authority.clients.take(&id).await?;
        authority.unused_clients.take(&id).await?;
    }
    Ok(())
}

struct Request {
    name: String,
    redirect_uris: Vec<String>,
}

/// Fields that mean nothing here are ignored (RFC 7591, section 2).
fn read(authority: &Authority, body: &[u8]) -> Result<Request, OAuthError> {
    let metadata = |text: &str| OAuthError::new(ErrorCode::InvalidClientMetadata, text);
    if body.len() > MAX_BYTES {
        return Err(metadata("The registration is over 16 KiB."));
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(metadata("The body must be a JSON object."));
    };
    let uris = |text: String| OAuthError::new(ErrorCode::InvalidRedirectUri, text);
    let given = fields.get("redirect_uris").and_then(Value::as_array).filter(|list| !list.is_empty());
    let given = given.ok_or_else(|| uris("redirect_uris must be a list with at least one URI.".into()))?;
    if given.len() > MAX_REDIRECT_URIS {
        return Err(uris(format!("redirect_uris may have {MAX_REDIRECT_URIS} entries at most.")));
    }
    let mut redirect_uris = Vec::new();
    for (index, uri) in given.iter().enumerate() {
        let uri = uri.as_str().ok_or_else(|| uris(format!("redirect_uris[{index}] is not text.")))?;
        redirect_uri::acceptable(uri, &authority.issuer)
            .map_err(|why| uris(format!("redirect_uris[{index}] {why}.")))?;
        redirect_uris.push(uri.to_owned());
    }
    let name = fields.get("client_name").and_then(Value::as_str).unwrap_or("Unnamed app").trim();
    if name.chars().count() > MAX_NAME {
        return Err(metadata("client_name may have 200 characters at most."));
    }
    Ok(Request { name: name.to_owned(), redirect_uris })
}

/// What was registered (RFC 7591, section 3.2.1).
fn described(client: &Client) -> Value {
    json!({
        "client_id": client.id,
        "client_id_issued_at": client.created_at / 1000,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": GrantType::ALL.map(GrantType::name),
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": Scopes::all(),
    })
}
