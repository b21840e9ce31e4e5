//! The decision of a person: asked every time, because a client id proves nothing (MCP security best practices,
//! confused deputy).

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{Code, Transaction, authorize::answer, error::ErrorCode, redirect_uri};
use crate::{
    Authority, Scope, Scopes,
    keys::{fingerprint, random_secret},
    pages::{Browser, ConsentPage, ConsentScope, Form, PageError, see_other, shown_name},
    people::User,
};

/// The page on which somebody decides; for those who are not signed in, the way there.
pub(super) async fn page(authority: &Authority, browser: &Browser, id: &str) -> Result<Response, PageError> {
    let transaction = waiting(authority, browser, id).await?;
    let Some(signed_in) = &browser.session else { return Ok(to_login(id)) };
    let offered = transaction.scopes.within(&signed_in.user.scopes);
    let redirect_host = redirect_uri::shown_host(&transaction.redirect_uri);
    browser.page(authority, StatusCode::OK, |nonce, code| ConsentPage {
        nonce,
        code,
        transaction: id.to_owned(),
        client_name: transaction.client_name.clone(),
        verified_domain: transaction.verified_domain.clone(),
        loopback: redirect_uri::is_loopback(&transaction.redirect_uri),
        native_scheme: redirect_host.contains("://"),
        redirect_host,
        user_name: signed_in.user.name.clone(),
        scopes: offered.iter().map(ConsentScope::from).collect(),
    })
}

/// `POST /oauth/authorize`: the decision.
pub(crate) async fn decide(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let browser = Browser::that_sent(&form, &authority, &headers).await?;
    let id = form.get("transaction").unwrap_or_default();
    let Some(signed_in) = &browser.session else { return Ok(to_login(id)) };
    waiting(&authority, &browser, id).await?;
    // Of two who press at once, one decides.
    let transaction = authority.transactions.take(id).await?.ok_or_else(expired)?;
    let ticked: Scopes =
        Scope::ALL.into_iter().filter(|scope| form.get(&format!("scope_{}", scope.name())).is_some()).collect();
    let scopes = ticked.within(&transaction.scopes).within(&signed_in.user.scopes);
    let fields = if form.get("decision") == Some("approve") && !scopes.is_empty() {
        tracing::info!(user = %signed_in.user.id.0, client = transaction.client_id, %scopes, "an app was allowed");
        vec![("code", issue(&authority, &transaction, &signed_in.user, scopes).await?)]
    } else {
        tracing::info!(user = %signed_in.user.id.0, client = transaction.client_id, "an app was denied");
        let description = "The person at the browser did not allow it.".to_owned();
        vec![("error", ErrorCode::AccessDenied.name().to_owned()), ("error_description", description)]
    };
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(see_other(&answer(&authority, &transaction.redirect_uri, &fields, transaction.state.as_deref())))
}

/// The request that waits for a decision in this browser.
async fn waiting(authority: &Authority, browser: &Browser, id: &str) -> Result<Transaction, PageError> {
    let transaction = authority.transactions.get(id).await?;
    transaction.filter(|waiting| waiting.browser == browser.fingerprint()).ok_or_else(expired)
}

/// Sends somebody to sign in and back.
fn to_login(id: &str) -> Response {
    see_other(&format!("/login?return_to=/oauth/authorize?transaction={id}"))
}

async fn issue(
    authority: &Authority,
    transaction: &Transaction,
    user: &User,
    scopes: Scopes,
) -> Result<String, PageError> {
    let secret = random_secret()?;
    let code = Code {
        // Its user's id first, under which they are listed.
        grant: format!("{}~{}", user.id.0, random_secret()?),
        user: user.id.clone(),
        epoch: user.epoch,
        client_id: transaction.client_id.clone(),
        client_name: shown_name(&transaction.client_name),
        redirect_uri: transaction.redirect_uri.clone(),
        challenge: transaction.challenge.clone(),
        scopes,
        issued_at: authority.now_ms(),
        spent: false,
    };
    authority.codes.put(&fingerprint(&secret), &code).await?;
    Ok(secret)
}

fn expired() -> PageError {
    let text = "It was decided already, took longer than ten minutes, or began in another browser. Go back to the app \
                and connect it once more.";
    PageError::new(StatusCode::BAD_REQUEST, "This request has expired", text)
}
