//! `/setup`: whoever runs the server becomes its owner, with the code from its log.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use secrecy::ExposeSecret;

use super::{Browser, Form, Page, PageError, see_other};
use crate::{
    Authority,
    guard::Address,
    limits,
    people::{CODE_MINUTES, OWNER, SHORTEST, SetUp, complaint},
};

const WRONG: &str =
    "This code is wrong or too old. After five wrong tries there is a new one, at the end of the server's log.";

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    nonce: String,
    code: String,
    owner: String,
    /// Whether there is an owner, who gets a new password.
    reset: bool,
    shortest: usize,
    minutes: u16,
    /// As it was typed before.
    setup_code: String,
    error: Option<Complaint>,
}

/// What is wrong, and with which field.
enum Complaint {
    Code(&'static str),
    Password(String),
}

impl SetupPage {
    fn wrong_code(&self) -> Option<&str> {
        if let Some(Complaint::Code(text)) = &self.error { Some(text) } else { None }
    }

    fn wrong_password(&self) -> Option<&str> {
        if let Some(Complaint::Password(text)) = &self.error { Some(text) } else { None }
    }
}

/// `GET /setup`.
pub(crate) async fn show(State(authority): State<Arc<Authority>>, headers: HeaderMap) -> Result<Response, PageError> {
    if !authority.setup_open().await? {
        return Ok(closed());
    }
    let browser = Browser::of(&authority, &headers).await?;
    page(&authority, &browser, StatusCode::OK, "", None).await
}

/// `POST /setup`.
pub(crate) async fn submit(
    State(authority): State<Arc<Authority>>,
    Extension(Address(address)): Extension<Address>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let browser = Browser::that_sent(&form, &authority, &headers).await?;
    let (typed, password) = (form.get("setup_code").unwrap_or_default(), form.secret("password"));
    if let Some(text) = complaint(password.expose_secret()) {
        let error = Some(Complaint::Password(text));
        return page(&authority, &browser, StatusCode::BAD_REQUEST, typed, error).await;
    }
    authority.limits.allowed(&limits::SETUP, &address).await??;
    match authority.set_up(typed, &password).await? {
        SetUp::Done => {
            let mut response = see_other("/account");
            if let Some(owner) = authority.owner().await? {
                browser.sign_in(&authority, &headers, &owner, &mut response).await?;
            }
            Ok(response)
        }
        SetUp::WrongCode => {
            // The try that reaches the limit is still answered; the next is not.
            let _ = authority.limits.attempt(&limits::SETUP, &address).await?;
            page(&authority, &browser, StatusCode::FORBIDDEN, "", Some(Complaint::Code(WRONG))).await
        }
        SetUp::Closed => Ok(closed()),
    }
}

fn closed() -> Response {
    let text = "This server is already set up. If you are its owner and lost the password, run \"image-tool owner \
                reset\" where it runs.";
    Page::signpost(StatusCode::GONE, "Already set up", text, ("/account", "Go to your account"))
}

async fn page(
    authority: &Authority,
    browser: &Browser,
    status: StatusCode,
    typed: &str,
    error: Option<Complaint>,
) -> Result<Response, PageError> {
    let owner = authority.owner().await?;
    browser.page(authority, status, |nonce, code| SetupPage {
        nonce,
        code,
        reset: owner.is_some(),
        owner: owner.map_or_else(|| OWNER.to_owned(), |owner| owner.name),
        shortest: SHORTEST,
        minutes: CODE_MINUTES,
        setup_code: typed.chars().take(40).collect(),
        error,
    })
}
