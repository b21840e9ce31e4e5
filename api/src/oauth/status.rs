//! `/oauth/status` and `/oauth/test`: whether sign-in works, and whether a token does.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::rfc3339;
use serde_json::{Value, json};

use super::{
    bearer::{self, Bearer},
    challenge::{Refusal, challenge},
};
use crate::{Authority, error::Problem, pages::Page, welcome::prefers_html};

/// `GET /oauth/status`: for everybody, how to sign in; with a token, also what it is good for.
pub(crate) async fn status(State(authority): State<Arc<Authority>>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut body = json!({
        "issuer": authority.issuer,
        "version": env!("CARGO_PKG_VERSION"),
        "resource": authority.resource(),
        "registration": authority.settings.registration.name(),
        "setup_required": authority.setup_required().await?,
        "authenticated": false,
    });
    match bearer::authenticate(&authority, &headers).await? {
        Ok(bearer) => {
            body["authenticated"] = true.into();
            body["token"] = summary(&bearer);
        }
        Err(Refusal::NoToken) => {}
        Err(refusal) => return Ok(challenge(&authority, &refusal)),
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `GET /oauth/test`: "the token works", or the same challenge that `/mcp` gives.
pub(crate) async fn test(State(authority): State<Arc<Authority>>, headers: HeaderMap) -> Result<Response, Problem> {
    let html = prefers_html(&headers);
    match bearer::authenticate(&authority, &headers).await? {
        Ok(bearer) if html => {
            let text = format!("It belongs to {} and allows: {}.", bearer.user.name, bearer.caller().scopes);
            Ok(Page::message(StatusCode::OK, "The token works", &text))
        }
        Ok(bearer) => {
            let body = json!({"message": "token works", "token": summary(&bearer)});
            Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
        }
        Err(refusal) if html => {
            let answer = challenge(&authority, &refusal);
            let text = "This page needs an access token in the Authorization header. An app that is connected has one.";
            let mut page = Page::message(answer.status(), "No token that works", text);
            if let Some(fields) = answer.headers().get(header::WWW_AUTHENTICATE) {
                page.headers_mut().insert(header::WWW_AUTHENTICATE, fields.clone());
            }
            Ok(page)
        }
        Err(refusal) => Ok(challenge(&authority, &refusal)),
    }
}

fn summary(bearer: &Bearer) -> Value {
    json!({
        "sub": bearer.user.id.0,
        "name": bearer.user.name,
        "client_id": bearer.claims.client_id,
        "scope": bearer.caller().scopes,
        "expires_at": rfc3339(bearer.claims.exp * 1000),
    })
}
