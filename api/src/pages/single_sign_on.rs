//! `/login/oidc`: to another server that signs people in, and back.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{Browser, Form, PageError, own_path, see_other};
use crate::{
    Authority,
    guard::Address,
    limits::Rule,
    people::{Callback, Oidc, Trouble},
};

/// Going to the provider writes a record and may ask the provider something.
const GOING: Rule = Rule { name: "oidc", each: 30, total: Some(600), window: Duration::from_secs(60) };

/// `POST /login/oidc`: to the provider.
pub(crate) async fn begin(
    State(authority): State<Arc<Authority>>,
    Extension(Address(address)): Extension<Address>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let oidc = provider(&authority)?;
    let browser = Browser::that_sent(&form, &authority, &headers).await?;
    authority.limits.attempt(&GOING, &address).await??;
    let return_to = own_path(form.get("return_to").unwrap_or_default());
    let location = oidc.begin(&browser.fingerprint(), return_to).await.map_err(say)?;
    Ok(see_other(&location))
}

/// `GET /login/oidc/callback`: back from the provider.
pub(crate) async fn callback(
    State(authority): State<Arc<Authority>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let oidc = provider(&authority)?;
    let browser = Browser::of(&authority, &headers).await?;
    let query = Form::parse(query.unwrap_or_default().as_bytes())
        .map_err(|_| say(Trouble::Callback("a parameter is there twice".into())))?;
    let callback = Callback {
        state: query.get("state"),
        code: query.get("code"),
        error: query.get("error"),
        issuer: query.get("iss"),
    };
    let (person, return_to) = oidc.finish(&browser.fingerprint(), callback).await.map_err(say)?;
    let Some(user) = oidc.admit(&authority, &person).await? else {
        // The subject, so that the owner can put it on the list; it opens nothing.
        tracing::info!(subject = person.subject, "somebody who is not on the list, or is disabled, was sent away");
        let text = "This account is not on the list of this server.";
        return Err(PageError::new(StatusCode::FORBIDDEN, "You cannot sign in here", text));
    };
    let mut response = see_other(own_path(&return_to));
    browser.sign_in(&authority, &headers, &user, &mut response).await?;
    Ok(response)
}

fn provider(authority: &Authority) -> Result<&Oidc, PageError> {
    let text = "This server does not use single sign-on.";
    authority.oidc.as_ref().ok_or_else(|| PageError::new(StatusCode::NOT_FOUND, "There is nothing here", text))
}

fn say(trouble: Trouble) -> PageError {
    let status = match trouble {
        Trouble::Store(error) => return error.into(),
        Trouble::Callback(cause) => {
            tracing::info!(cause, "single sign-on was refused");
            StatusCode::BAD_REQUEST
        }
        Trouble::Provider(cause) => {
            tracing::warn!(cause, "single sign-on failed");
            StatusCode::BAD_GATEWAY
        }
    };
    let text = "Please go back and try again. If it happens again, tell the owner of this server: its log says why.";
    PageError::new(status, "Single sign-on did not work", text)
}
