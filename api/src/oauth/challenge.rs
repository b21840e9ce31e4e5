//! How a request without the right token is answered, so that the client knows where to get one (RFC 6750, section 3;
//! RFC 9728, section 5.1).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::metadata::RESOURCE_PATH;
use crate::{Authority, Scopes};

/// Why there is no right token.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// None was sent.
    NoToken,
    /// The request cannot be understood.
    Malformed(&'static str),
    /// It is not, or no longer, one of ours.
    InvalidToken,
    /// It does not allow enough; these would.
    InsufficientScope(Scopes),
}

/// The answer to a refused request.
pub(crate) fn challenge(authority: &Authority, refusal: &Refusal) -> Response {
    let (status, error, description, scopes) = match refusal {
        // Without an error code: the client did not know (RFC 6750, section 3.1).
        Refusal::NoToken => (StatusCode::UNAUTHORIZED, None, "This resource needs an access token.", Scopes::all()),
        Refusal::Malformed(why) => (StatusCode::BAD_REQUEST, Some("invalid_request"), *why, Scopes::all()),
        Refusal::InvalidToken => (
            StatusCode::UNAUTHORIZED,
            Some("invalid_token"),
            "The access token is expired, revoked or not one of this server.",
            Scopes::all(),
        ),
        Refusal::InsufficientScope(needed) => (
            StatusCode::FORBIDDEN,
            Some("insufficient_scope"),
            "The access token does not allow this; ask for the scopes named here.",
            needed.clone(),
        ),
    };
    let mut fields = String::from("Bearer ");
    if let Some(error) = error {
        fields += &format!("error=\"{error}\", error_description=\"{description}\", ");
    }
    fields += &format!("resource_metadata=\"{}{RESOURCE_PATH}\", scope=\"{scopes}\"", authority.issuer);
    let body = json!({"error": error.unwrap_or("unauthorized"), "error_description": description});
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(fields) = HeaderValue::from_str(&fields) {
        headers.insert(header::WWW_AUTHENTICATE, fields);
    }
    response
}
