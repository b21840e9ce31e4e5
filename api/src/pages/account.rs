//! `/account`: the apps that somebody let in, where they are signed in, and their password.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use common::{StoreError, UserId};
use secrecy::ExposeSecret;

use super::{
    Browser, Form, PageError, SignedIn,
    agent::browser_name,
    login::{Budget, right_password},
    moment, see_other, shown_name,
};
use crate::{
    Authority, Scope,
    people::{Role, SHORTEST, complaint},
};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    nonce: String,
    code: String,
    name: String,
    /// What apps are given to connect to.
    address: String,
    owner: bool,
    notice: Option<&'static str>,
    apps: Vec<App>,
    sessions: Vec<Place>,
    /// Whether there is a password to change.
    password: bool,
    shortest: usize,
    error: Option<String>,
}

/// A connected app.
struct App {
    grant: String,
    name: String,
    rights: Vec<&'static str>,
    since: String,
    used: String,
}

/// A browser where somebody is signed in.
struct Place {
    session: String,
    browser: String,
    since: String,
    here: bool,
}

/// `GET /account`.
pub(crate) async fn show(
    State(authority): State<Arc<Authority>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let browser = Browser::of(&authority, &headers).await?;
    let Some(who) = browser.session.clone() else { return to_login(&authority).await };
    let notice = match query.as_deref() {
        Some("done=app") => Some("The app is disconnected."),
        Some("done=session") => Some("Signed out there."),
        Some("done=password") => Some("Your password is changed. Every other browser was signed out."),
        _ => None,
    };
    page(&authority, &browser, &who, StatusCode::OK, notice, None).await
}

/// `POST /account/apps/revoke`.
pub(crate) async fn revoke(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let browser = Browser::of(&authority, &headers).await?;
    let Some(who) = browser.session.clone() else { return to_login(&authority).await };
    browser.check(&authority, &headers, &form)?;
    if let Some(grant) = form.get("grant").filter(|id| is_own(&who.user.id, id)) {
        authority.grants.take(grant).await?;
    }
    Ok(see_other("/account?done=app"))
}

/// `POST /account/sessions/end`.
pub(crate) async fn end_session(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let browser = Browser::of(&authority, &headers).await?;
    let Some(who) = browser.session.clone() else { return to_login(&authority).await };
    browser.check(&authority, &headers, &form)?;
    if form.get("others") == Some("1") {
        authority.end_sessions(&who.user.id, Some(&who.id)).await?;
    } else if form.get("session") == Some(who.id.as_str()) {
        let mut response = see_other("/login");
        browser.sign_out(&authority, &mut response).await?;
        return Ok(response);
    } else if let Some(session) = form.get("session").filter(|id| is_own(&who.user.id, id)) {
        authority.sessions.take(session).await?;
    }
    Ok(see_other("/account?done=session"))
}

/// `POST /account/password`.
pub(crate) async fn change_password(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let browser = Browser::of(&authority, &headers).await?;
    let Some(who) = browser.session.clone() else { return to_login(&authority).await };
    browser.check(&authority, &headers, &form)?;
    let new = form.secret("new");
    let wrong = match complaint(new.expose_secret()) {
        Some(complaint) => Some(complaint),
        None if is_right(&authority, &who, &form).await? => None,
        None => Some("The current password is wrong.".to_owned()),
    };
    if wrong.is_some() {
        return page(&authority, &browser, &who, StatusCode::BAD_REQUEST, None, wrong).await;
    }
    authority.set_password(&who.user.id, &new).await?;
    // Every session has ended; this browser gets a new one.
    let mut response = see_other("/account?done=password");
    if let Some(user) = authority.users.get(&who.user.id.0).await? {
        browser.sign_in(&authority, &headers, &user, &mut response).await?;
    }
    Ok(response)
}

/// Whether the password that a form names as the current one is it.
async fn is_right(authority: &Arc<Authority>, who: &SignedIn, form: &Form) -> Result<bool, PageError> {
    let current = form.secret("current");
    right_password(authority, Budget::known(&who.user.id), current, who.user.password.as_deref()).await
}

/// Sends somebody to sign in; where nobody can yet, to set up.
async fn to_login(authority: &Authority) -> Result<Response, PageError> {
    Ok(see_other(if authority.setup_required().await? { "/setup" } else { "/login" }))
}

/// Whether a record with this id belongs to `user`: ids begin with their user's.
fn is_own(user: &UserId, id: &str) -> bool {
    id.split_once('~').is_some_and(|(owner, _)| owner == user.0)
}

async fn page(
    authority: &Authority,
    browser: &Browser,
    who: &SignedIn,
    status: StatusCode,
    notice: Option<&'static str>,
    error: Option<String>,
) -> Result<Response, PageError> {
    let apps = apps(authority, &who.user.id).await?;
    let sessions = sessions(authority, who).await?;
    browser.page(authority, status, |nonce, code| AccountPage {
        nonce,
        code,
        name: who.user.name.clone(),
        address: authority.resource(),
        owner: who.user.role == Role::Owner,
        notice,
        apps,
        sessions,
        password: who.user.password.is_some() && authority.settings.password_login,
        shortest: SHORTEST,
        error,
    })
}

/// The apps of somebody, the newest first.
async fn apps(authority: &Authority, user: &UserId) -> Result<Vec<App>, StoreError> {
    let mut grants = authority.grants.list(&format!("{}~", user.0)).await?;
    grants.sort_by_key(|(_, grant)| std::cmp::Reverse(grant.created_at));
    let mut apps = Vec::with_capacity(grants.len());
    for (id, grant) in grants {
        let used = authority.last_uses.get(&id).await?;
        apps.push(App {
            name: shown_name(&grant.client_name),
            rights: grant.scopes.iter().map(Scope::meaning).collect(),
            since: moment::day(grant.created_at),
            used: used.map_or_else(
                || "not used yet".to_owned(),
                |at| format!("used {}", moment::ago(at, authority.now_ms())),
            ),
            grant: id,
        });
    }
    Ok(apps)
}

/// Where somebody is signed in: here, then the newest first.
async fn sessions(authority: &Authority, who: &SignedIn) -> Result<Vec<Place>, StoreError> {
    let mut sessions = authority.sessions.list(&format!("{}~", who.user.id.0)).await?;
    sessions.sort_by_key(|(id, session)| (*id != who.id, std::cmp::Reverse(session.created_at)));
    let place = |(id, session): (String, crate::people::Session)| Place {
        browser: browser_name(&session.agent),
        since: moment::ago(session.created_at, authority.now_ms()),
        here: id == who.id,
        session: id,
    };
    Ok(sessions.into_iter().map(place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_somebody_begins_with_their_id() {
        let ann = UserId("usr_a".into());
        assert!(is_own(&ann, "usr_a~x"));
        for foreign in ["usr_b~x", "usr_ab~x", "usr_a", "", "~usr_a"] {
            assert!(!is_own(&ann, foreign), "{foreign}");
        }
    }
}
