//! What clients read first: who issues tokens for this resource, and how (RFC 9728, RFC 8414, RFC 7517).

use std::sync::Arc;

use axum::{Json, extract::State, http::header, response::IntoResponse};
use config::Registration;
use serde_json::{Value, json};

use super::grant::GrantType;
use crate::{Authority, Scope};

/// Where the metadata of the protected resource stands: the well-known path put before that of the resource (RFC 9728,
/// section 3.1).
pub(crate) const RESOURCE_PATH: &str = "/.well-known/oauth-protected-resource/mcp";

/// How long clients may keep what does not change while the server runs.
const CACHED: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "max-age=300")];

/// `GET /.well-known/oauth-protected-resource/mcp` (RFC 9728, section 2).
pub(crate) async fn resource(State(authority): State<Arc<Authority>>) -> impl IntoResponse {
    let body = json!({
        "resource": authority.resource(),
        "authorization_servers": [authority.issuer],
        "scopes_supported": Scope::ALL.map(Scope::name),
        "bearer_methods_supported": ["header"],
        "resource_name": "Image Tool",
    });
    (CACHED, Json(body))
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414, section 2).
pub(crate) async fn server(State(authority): State<Arc<Authority>>) -> impl IntoResponse {
    (CACHED, Json(server_metadata(&authority)))
}

/// `GET /.well-known/jwks.json`: public keys; none where tokens are signed with a shared secret (RFC 7517, section 5).
pub(crate) async fn keys(State(authority): State<Arc<Authority>>) -> impl IntoResponse {
    let keys: Vec<&Value> = authority.keys.access().published.iter().collect();
    (CACHED, Json(json!({ "keys": keys })))
}

fn server_metadata(authority: &Authority) -> Value {
    let issuer = &authority.issuer;
    let at = |path: &str| format!("{issuer}{path}");
    let methods = ["none", "client_secret_basic", "client_secret_post"];
    let mut scopes: Vec<&str> = Scope::ALL.map(Scope::name).to_vec();
    // Asked for by clients that want a refresh token, which they get in any case.
    scopes.push("offline_access");
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "revocation_endpoint": at("/oauth/revoke"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "jwks_uri": at("/.well-known/jwks.json"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GrantType::ALL.map(GrantType::name),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "scopes_supported": scopes,
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": authority.settings.registration != Registration::Closed,
    });
    if authority.settings.registration == Registration::Open {
        metadata["registration_endpoint"] = at("/oauth/register").into();
    }
    metadata
}
