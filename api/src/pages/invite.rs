//! `/invite/{secret}`: a new member chooses a password.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use secrecy::ExposeSecret;

use super::{Browser, Form, Page, PageError, see_other};
use crate::{
    Authority,
    guard::Address,
    limits,
    people::{SHORTEST, complaint},
};

#[derive(Template)]
#[template(path = "invite.html")]
struct InvitePage {
    nonce: String,
    code: String,
    name: String,
    shortest: usize,
    error: Option<String>,
}

/// `GET /invite/{secret}`.
pub(crate) async fn show(
    State(authority): State<Arc<Authority>>,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(name) = invited(&authority, &secret).await? else { return Ok(gone()) };
    let browser = Browser::of(&authority, &headers).await?;
    page(&authority, &browser, StatusCode::OK, name, None)
}

/// `POST /invite/{secret}`.
pub(crate) async fn submit(
    State(authority): State<Arc<Authority>>,
    Extension(Address(address)): Extension<Address>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let browser = Browser::that_sent(&form, &authority, &headers).await?;
    // Counted here and not when it is shown: any web page can have any address fetched.
    authority.limits.allowed(&limits::PASSWORD, &address).await??;
    let Some(name) = invited(&authority, &secret).await? else {
        let _ = authority.limits.attempt(&limits::PASSWORD, &address).await?;
        return Ok(gone());
    };
    let password = form.secret("password");
    if let Some(text) = complaint(password.expose_secret()) {
        return page(&authority, &browser, StatusCode::BAD_REQUEST, name, Some(text));
    }
    let Some(user) = authority.take_up(&secret, &password).await? else { return Ok(gone()) };
    let mut response = see_other("/account");
    browser.sign_in(&authority, &headers, &user, &mut response).await?;
    Ok(response)
}

/// The name of who is invited.
async fn invited(authority: &Authority, secret: &str) -> Result<Option<String>, PageError> {
    // Where nobody signs in by password, a new one would open nothing.
    let user = authority.invited(secret).await?.filter(|_| authority.settings.password_login);
    Ok(user.map(|user| user.name))
}

fn gone() -> Response {
    let text = "Each link works once, for seven days. Please ask the owner of this server for a new one. If you have \
                chosen your password already, sign in.";
    Page::signpost(StatusCode::GONE, "This link does not work any more", text, ("/login", "Sign in"))
}

fn page(
    authority: &Authority,
    browser: &Browser,
    status: StatusCode,
    name: String,
    error: Option<String>,
) -> Result<Response, PageError> {
    browser.page(authority, status, |nonce, code| InvitePage { nonce, code, name, shortest: SHORTEST, error })
}
