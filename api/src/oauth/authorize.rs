//! `GET /oauth/authorize`: an app asks for leave to act for somebody (RFC 6749, section 4.1.1; OAuth 2.1).
//!
//! The request is checked and put away; from then on the browser carries its id only. What is wrong is told to the app
//! at its registered address, or, where that address is not sure, to the person on a page.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use url::form_urlencoded;

use super::{Transaction, clients, consent, error::ErrorCode, redirect_uri, resource::is_ours};
use crate::{
    Authority, Scopes,
    guard::Address,
    keys::random_secret,
    limits,
    pages::{Browser, Form, PageError, see_other},
};

/// How long somebody may take to sign in and decide: ten minutes.
const TRANSACTION_MS: i64 = 10 * 60 * 1000;

/// The longest `state` that is carried through.
const LONGEST_STATE: usize = 4096;

/// `GET /oauth/authorize`: a new request of an app, or one that waits for its decision (`?transaction=`).
pub(crate) async fn authorize(
    State(authority): State<Arc<Authority>>,
    Extension(Address(address)): Extension<Address>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let query = Form::parse(query.unwrap_or_default().as_bytes())
        .map_err(|duplicate| refuse(format!("The request names \"{}\" twice.", duplicate.0)))?;
    if authority.setup_required().await? {
        let text = format!("Its owner has to finish setting it up first, at {}/setup.", authority.issuer);
        return Err(PageError::new(StatusCode::SERVICE_UNAVAILABLE, "This server is not set up yet", text));
    }
    let browser = Browser::of(&authority, &headers).await?;
    if let Some(transaction) = query.get("transaction") {
        return consent::page(&authority, &browser, transaction).await;
    }
    authority.limits.attempt(&limits::AUTHORIZE, &address).await??;
    let (client_id, client, redirect_uri) = client_of(&authority, &query).await?;
    let state = query.get("state").map(str::to_owned);
    let asked = match checked(&authority, &query) {
        Ok(asked) => asked,
        Err((code, description)) => {
            let fields = [("error", code.name()), ("error_description", description)];
            return Ok(see_other(&answer(&authority, &redirect_uri, &fields, state.as_deref())));
        }
    };
    let transaction = Transaction {
        browser: browser.fingerprint(),
        client_id,
        client_name: client.name,
        verified_domain: client.verified_domain,
        redirect_uri,
        state,
        scopes: asked.scopes,
        challenge: asked.challenge,
        ends_at: authority.now_ms() + TRANSACTION_MS,
    };
    let id = random_secret()?;
    authority.transactions.put(&id, &transaction).await?;
    let mut response = see_other(&format!("/oauth/authorize?transaction={id}"));
    browser.remember(&authority, &mut response);
    Ok(response)
}

fn refuse(text: impl Into<String>) -> PageError {
    PageError::new(StatusCode::BAD_REQUEST, "This app cannot be connected", text)
}

/// The client and the address it wants to be answered at. Nothing is sent anywhere before both are sure.
async fn client_of(authority: &Authority, query: &Form) -> Result<(String, clients::KnownClient, String), PageError> {
    let id = query.get("client_id").ok_or_else(|| refuse("The request does not say which app it is for."))?;
    let client = clients::find(authority, id).await?.map_err(refuse)?;
    let uri = query.get("redirect_uri").ok_or_else(|| refuse("The request does not say where to go back to."))?;
    let registered = client.redirect_uris.iter().any(|registered| redirect_uri::matches(registered, uri));
    if !registered || redirect_uri::acceptable(uri, &authority.issuer).is_err() {
        let text = "The address it wants to be answered at is not one that it registered. Connect it anew; if that \
                    does not help, the app is at fault, or somebody is trying to trick you.";
        return Err(refuse(text));
    }
    Ok((id.to_owned(), client, uri.to_owned()))
}

/// What a sound request asks for.
struct Asked {
    scopes: Scopes,
    challenge: String,
}

fn checked(authority: &Authority, query: &Form) -> Result<Asked, (ErrorCode, &'static str)> {
    let bad = |description| (ErrorCode::InvalidRequest, description);
    match query.get("response_type") {
        Some("code") => {}
        None => return Err(bad("response_type is missing; it must be code.")),
        Some(_) => return Err((ErrorCode::UnsupportedResponseType, "response_type must be code.")),
    }
    if query.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(bad("response_mode must be query."));
    }
    if query.get("request").is_some() || query.get("request_uri").is_some() {
        return Err(bad("Request objects are not supported."));
    }
    if query.get("state").is_some_and(|state| state.len() > LONGEST_STATE) {
        return Err(bad("state is over 4096 bytes."));
    }
    let challenge = query.get("code_challenge").ok_or(bad("code_challenge is missing; PKCE is needed."))?;
    if query.get("code_challenge_method") != Some("S256") {
        return Err(bad("code_challenge_method must be S256."));
    }
    // A SHA-256 in base64url is 43 characters (RFC 7636, section 4.2).
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if challenge.len() != 43 || !challenge.bytes().all(base64url) {
        return Err(bad("code_challenge is not a SHA-256 in base64url without padding."));
    }
    if query.get("resource").is_some_and(|resource| !is_ours(authority, resource)) {
        return Err((ErrorCode::InvalidTarget, "resource is not one of this server."));
    }
    // Nothing that we know of: whatever there is, is offered.
    let scopes = Scopes::parse(query.get("scope").unwrap_or_default());
    let scopes = if scopes.is_empty() { Scopes::all() } else { scopes };
    Ok(Asked { scopes, challenge: challenge.to_owned() })
}

/// The address of the app with the answer in its query, our `iss` (RFC 9207) and its `state` included.
pub(super) fn answer(
    authority: &Authority,
    redirect_uri: &str,
    fields: &[(&str, &str)],
    state: Option<&str>,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", &authority.issuer);
    let join = match redirect_uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    // As percent-escapes, which every reader of a query takes for a space; not every one takes a plus.
    format!("{redirect_uri}{join}{}", query.finish().replace('+', "%20"))
}
