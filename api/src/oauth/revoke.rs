//! `POST /oauth/revoke`: a client gives a token back (RFC 7009).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};

use super::{
    access_token, clients,
    error::{ErrorCode, OAuthError},
    refresh_token,
    token::read_form,
};
use crate::Authority;

/// `POST /oauth/revoke`. A refresh token takes its whole grant with it, an access token only itself. What is no token of
/// this client is answered alike and changes nothing; `token_type_hint` is not needed.
pub(crate) async fn revoke(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, OAuthError> {
    let form = read_form(&headers, &body)?;
    let client_id = clients::authenticate(&authority, &headers, &form).await?;
    let token = form.get("token").ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, "token is missing."))?;
    if let Some(refresh) = refresh_token::read(&authority, token, &client_id)? {
        authority.grants.take(&refresh.grant).await?;
        tracing::info!(client = client_id, "a grant was revoked by its client");
    } else if let Ok(claims) = access_token::read(&authority, token)
        && claims.client_id == client_id
    {
        // For as long as the token could still be taken for a good one.
        authority.revoked.put(&claims.jti, &((claims.exp + 60) * 1000)).await?;
        tracing::info!(client = client_id, "an access token was revoked by its client");
    }
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]))
}
