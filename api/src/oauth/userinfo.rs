//! `/oauth/userinfo`: whose token it is (in the shape of OpenID Connect Core 1.0, section 5.3.2).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{bearer, challenge::challenge};
use crate::{Authority, error::Problem};

/// `GET` and `POST /oauth/userinfo`.
pub(crate) async fn userinfo(State(authority): State<Arc<Authority>>, headers: HeaderMap) -> Result<Response, Problem> {
    let bearer = match bearer::authenticate(&authority, &headers).await? {
        Ok(bearer) => bearer,
        Err(refusal) => return Ok(challenge(&authority, &refusal)),
    };
    let body = json!({
        "sub": bearer.user.id.0,
        "name": bearer.user.name,
        "preferred_username": bearer.user.name,
        "scope": bearer.caller().scopes,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
