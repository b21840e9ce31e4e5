//! `POST /oauth/token`: codes and refresh tokens are exchanged for tokens (RFC 6749, section 3.2).

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    Grant, access_token, clients,
    error::{ErrorCode, OAuthError},
    grant::{self, GrantType},
    refresh_token::{self, RefreshToken},
};
use crate::{Authority, Scopes, pages::Form};

/// `POST /oauth/token`.
pub(crate) async fn token(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let form = read_form(&headers, &body)?;
    let given = form.get("grant_type").ok_or_else(|| bad("grant_type is missing."))?;
    let grant_type = GrantType::ALL.into_iter().find(|known| known.name() == given).ok_or_else(|| {
        OAuthError::new(ErrorCode::UnsupportedGrantType, "grant_type must be authorization_code or refresh_token.")
    })?;
    let client_id = clients::authenticate(&authority, &headers, &form).await?;
    let granted = match grant_type {
        GrantType::AuthorizationCode => grant::authorization_code::redeem(&authority, &client_id, &form).await?,
        GrantType::RefreshToken => grant::refresh_token::rotate(&authority, &client_id, &form).await?,
    };
    keep_client(&authority, &granted.grant).await?;
    respond(&authority, &granted)
}

/// What a request was granted.
#[derive(Debug)]
pub(super) struct Granted {
    /// The id of the grant.
    pub(super) id: String,
    pub(super) grant: Grant,
    /// What the access token is for; all of the grant, or less if less was asked for.
    pub(super) scopes: Scopes,
}

/// The fields of a form that programs send.
///
/// # Errors
/// `invalid_request` if it is none, or names a field twice.
pub(super) fn read_form(headers: &HeaderMap, body: &[u8]) -> Result<Form, OAuthError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(bad("The content type must be application/x-www-form-urlencoded."));
    }
    Form::parse(body).map_err(|duplicate| bad(format!("The field {} is given twice.", duplicate.0)))
}

fn bad(description: impl Into<String>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, description)
}

/// A client that registered is kept as long as a grant of it may live, and 30 days more.
async fn keep_client(authority: &Authority, grant: &Grant) -> Result<(), OAuthError> {
    const LONGER_MS: i64 = 30 * 24 * 3600 * 1000;
    if clients::is_document(&grant.client_id) {
        return Ok(());
    }
    let until = grant.ends_at() + LONGER_MS;
    let keep = |client: &mut super::Client| client.ends_at = client.ends_at.map(|ends_at| ends_at.max(until));
    authority.clients.update(&grant.client_id, keep).await?;
    authority.unused_clients.take(&grant.client_id).await?;
    Ok(())
}

/// A successful answer (RFC 6749, section 5.1).
fn respond(authority: &Authority, granted: &Granted) -> Result<Response, OAuthError> {
    let Granted { id, grant, scopes } = granted;
    let access = access_token::issue(authority, id, grant, scopes)?;
    let refresh = RefreshToken { grant: id.clone(), generation: grant.generation };
    let body = json!({
        "access_token": access.token,
        "token_type": "Bearer",
        "expires_in": access.lives_seconds,
        "refresh_token": refresh_token::write(authority, &refresh, &grant.client_id)?,
        "scope": scopes,
    });
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(response)
}
