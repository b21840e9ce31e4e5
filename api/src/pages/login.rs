//! `/login` and `/logout`.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use common::UserId;
use secrecy::SecretString;

use super::{Browser, Form, Page, PageError, own_path, see_other};
use crate::{
    Authority,
    guard::Address,
    limits::{self, Rule},
    people::OWNER,
};

const WRONG: &str = "Name or password is wrong.";

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    nonce: String,
    code: String,
    name: String,
    return_to: String,
    error: Option<&'static str>,
    password_login: bool,
    /// Whether another server signs people in too.
    oidc: bool,
    /// Whether there is no owner yet, so that the password of nobody is right.
    unowned: bool,
    /// Who is signed in already.
    signed_in: Option<String>,
}

/// `GET /login`.
pub(crate) async fn show(
    State(authority): State<Arc<Authority>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    if authority.setup_required().await? {
        return Ok(see_other("/setup"));
    }
    let query = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let browser = Browser::of(&authority, &headers).await?;
    page(&authority, &browser, StatusCode::OK, &query, None).await
}

/// `POST /login`.
pub(crate) async fn submit(
    State(authority): State<Arc<Authority>>,
    Extension(Address(address)): Extension<Address>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let browser = Browser::that_sent(&form, &authority, &headers).await?;
    if !authority.settings.password_login {
        let (title, text) = ("Nobody signs in by password here", "Please go back and use single sign-on.");
        return Ok(Page::signpost(StatusCode::FORBIDDEN, title, text, ("/login", "Sign in")));
    }
    let user = authority.user_named(form.get("name").unwrap_or_default()).await?;
    let hash = user.as_ref().and_then(|user| user.password.as_deref());
    let budget = match &user {
        Some(user) if browser.knows(&authority, &user.id)? => Budget::known(&user.id),
        _ => Budget::stranger(&address),
    };
    let right = right_password(&authority, budget, form.secret("password"), hash).await?;
    // Whoever is kept out learns no more than a stranger.
    let Some(user) = user.filter(|user| right && !user.disabled) else {
        return page(&authority, &browser, StatusCode::FORBIDDEN, &form, Some(WRONG)).await;
    };
    let mut response = see_other(own_path(form.get("return_to").unwrap_or_default()));
    browser.sign_in(&authority, &headers, &user, &mut response).await?;
    Ok(response)
}

/// `POST /logout`.
pub(crate) async fn sign_out(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let browser = Browser::that_sent(&form, &authority, &headers).await?;
    let mut response = see_other("/login");
    browser.sign_out(&authority, &mut response).await?;
    Ok(response)
}

/// Whose wrong passwords count together.
pub(super) struct Budget {
    rule: &'static Rule,
    whose: String,
}

impl Budget {
    /// Those of an address.
    fn stranger(address: &str) -> Self {
        Self { rule: &limits::PASSWORD, whose: address.to_owned() }
    }

    /// Those of browsers in which `user` has signed in before: however many strangers try, these are not kept out.
    pub(super) fn known(user: &UserId) -> Self {
        Self { rule: &limits::PASSWORD_KNOWN, whose: user.0.clone() }
    }
}

/// Checks a password under the limits of wrong ones. Without a hash it is wrong, after the same time. It is counted even
/// if whoever asked has gone away by then.
pub(super) async fn right_password(
    authority: &Arc<Authority>,
    budget: Budget,
    password: SecretString,
    hash: Option<&str>,
) -> Result<bool, PageError> {
    let (authority, hash) = (authority.clone(), hash.map(str::to_owned));
    let checked = tokio::spawn(async move {
        let Budget { rule, whose } = budget;
        authority.limits.allowed(rule, &whose).await??;
        if !authority.passwords.verify(&password, hash.as_deref()).await? {
            // The try that reaches the limit is still answered; the next is not.
            let _ = authority.limits.attempt(rule, &whose).await?;
            return Ok(false);
        }
        // Those that came at the same time had not been counted when this one was let in.
        authority.limits.allowed(rule, &whose).await??;
        Ok(true)
    });
    checked.await.map_err(|error| PageError::internal(&error))?
}

async fn page(
    authority: &Authority,
    browser: &Browser,
    status: StatusCode,
    fields: &Form,
    error: Option<&'static str>,
) -> Result<Response, PageError> {
    let unowned = authority.settings.password_login && authority.owner().await?.is_none();
    browser.page(authority, status, |nonce, code| LoginPage {
        nonce,
        code,
        name: fields.get("name").unwrap_or(OWNER).chars().take(100).collect(),
        return_to: own_path(fields.get("return_to").unwrap_or_default()).to_owned(),
        error,
        password_login: authority.settings.password_login,
        oidc: authority.oidc.is_some(),
        unowned,
        signed_in: browser.session.as_ref().map(|session| session.user.name.clone()),
    })
}
