//! The browser at the other end: which one it is, who is signed in there, and that a form came from our own page.

use std::fmt;

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::UserId;

use super::{Form, Page, PageError};
use crate::{
    authority::Authority,
    keys::{Purpose, fingerprint, random_secret, same},
    people::{Session, User},
};

/// How long somebody stays signed in.
const SESSION_SECONDS: i64 = 8 * 3600;

/// How long a browser that is not signed in is known again.
const BROWSER_SECONDS: i64 = 24 * 3600;

/// How long a browser counts as one that somebody has signed in in.
const KNOWN_SECONDS: i64 = 180 * 24 * 3600;

/// The browser at the other end.
#[derive(Clone)]
pub(crate) struct Browser {
    /// The secret in its cookie; forms and authorization requests are bound to it.
    id: String,
    /// Whether it has the cookie already.
    known: bool,
    /// What it was given when somebody signed in in it before.
    trusted: Option<String>,
    /// Who is signed in.
    pub(crate) session: Option<SignedIn>,
}

/// Never the secret in the cookie.
impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").field("known", &self.known).field("session", &self.session).finish_non_exhaustive()
    }
}

/// Somebody who is signed in in this browser.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    /// The id of the record of the session.
    pub(crate) id: String,
    pub(crate) user: User,
}

impl Browser {
    /// Reads the cookies of a request and looks up who is signed in.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn of(authority: &Authority, headers: &HeaderMap) -> Result<Self, PageError> {
        let jar = CookieJar::from_headers(headers);
        let value = |name| jar.get(&cookie_name(authority, name)).map(|cookie| cookie.value().to_owned());
        let session = match value("session") {
            Some(cookie) => signed_in(authority, &cookie).await?,
            None => None,
        };
        // Whatever somebody plants there, it is as long as ours or it is not ours.
        let known = value("browser").filter(|id| id.len() == 43);
        Ok(match known {
            Some(id) => Self { id, known: true, trusted: value("known"), session },
            None => Self { id: random_secret()?, known: false, trusted: value("known"), session },
        })
    }

    /// The browser that sent `form`, from a page of ours.
    ///
    /// # Errors
    /// As [`Browser::of`] and [`Browser::check`].
    pub(crate) async fn that_sent(form: &Form, authority: &Authority, headers: &HeaderMap) -> Result<Self, PageError> {
        let browser = Self::of(authority, headers).await?;
        browser.check(authority, headers, form)?;
        Ok(browser)
    }

    /// Whether `user` has signed in in this browser before. Strangers who try passwords cannot say so.
    ///
    /// # Errors
    /// If there can be no code.
    pub(crate) fn knows(&self, authority: &Authority, user: &UserId) -> Result<bool, PageError> {
        let code = known_code(authority, user)?;
        Ok(self.trusted.as_ref().is_some_and(|given| same(given.as_bytes(), code.as_bytes())))
    }

    /// The fingerprint under which this browser is remembered.
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&self.id)
    }

    /// What the forms of this browser carry, to show that they come from our own page. It changes with the session.
    pub(crate) fn form_code(&self, authority: &Authority) -> Result<String, PageError> {
        let session = self.session.as_ref().map_or("", |session| session.id.as_str());
        Ok(URL_SAFE_NO_PAD.encode(authority.keys.code(Purpose::Form, &[&self.id, session])?))
    }

    /// A page with a form, made from a fresh nonce and the code that its forms carry. The browser gets the cookie that
    /// it needs to send them.
    ///
    /// # Errors
    /// If there can be no code.
    pub(crate) fn page<T: Template>(
        &self,
        authority: &Authority,
        status: StatusCode,
        template: impl FnOnce(String, String) -> T,
    ) -> Result<Response, PageError> {
        let code = self.form_code(authority)?;
        let mut response = Page::render(status, |nonce| template(nonce, code));
        self.remember(authority, &mut response);
        Ok(response)
    }

    /// The same for a page with a script.
    ///
    /// # Errors
    /// As [`Browser::page`].
    pub(crate) fn scripted<T: Template>(
        &self,
        authority: &Authority,
        status: StatusCode,
        template: impl FnOnce(String, String) -> T,
    ) -> Result<Response, PageError> {
        let code = self.form_code(authority)?;
        let mut response = Page::scripted(status, |nonce| template(nonce, code));
        self.remember(authority, &mut response);
        Ok(response)
    }

    /// Refuses a form that no page of ours in this browser has sent.
    ///
    /// # Errors
    /// 403 if the `Origin` is not ours or the field `code` is not that of this browser and session.
    pub(crate) fn check(&self, authority: &Authority, headers: &HeaderMap, form: &Form) -> Result<(), PageError> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let own = origins.next().is_some_and(|origin| origin == authority.issuer.as_str()) && origins.next().is_none();
        let code = self.form_code(authority)?;
        if own && self.known && same(code.as_bytes(), form.get("code").unwrap_or_default().as_bytes()) {
            return Ok(());
        }
        let text = "The form did not come from a page of this server, or the page was too old. Go back, load it \
                    again, and send it once more.";
        Err(PageError::new(StatusCode::FORBIDDEN, "This form was not accepted", text))
    }

    /// Sets the cookie by which this browser is known again, if it has none yet.
    pub(crate) fn remember(&self, authority: &Authority, response: &mut Response) {
        if !self.known {
            set(response, cookie(authority, "browser", &self.id, BROWSER_SECONDS));
        }
    }

    /// Signs `user` in: under a new id, whatever was there before. The browser gets the cookie with `response`.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) async fn sign_in(
        &self,
        authority: &Authority,
        headers: &HeaderMap,
        user: &User,
        response: &mut Response,
    ) -> Result<(), PageError> {
        if let Some(before) = &self.session {
            authority.sessions.take(&before.id).await?;
        }
        let secret = random_secret()?;
        let created_at = authority.now_ms();
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown");
        let agent = agent.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(120).collect();
        // The epoch of the user as they were before their password was checked: one that has changed since is closed.
        let session = Session { agent, epoch: user.epoch, created_at, ends_at: created_at + SESSION_SECONDS * 1000 };
        authority.sessions.put(&session_id(&user.id, &secret), &session).await?;
        set(response, cookie(authority, "session", &format!("{}~{secret}", user.id.0), SESSION_SECONDS));
        set(response, cookie(authority, "known", &known_code(authority, &user.id)?, KNOWN_SECONDS));
        Ok(())
    }

    /// Signs out, here and in the records.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) async fn sign_out(&self, authority: &Authority, response: &mut Response) -> Result<(), PageError> {
        if let Some(session) = &self.session {
            authority.sessions.take(&session.id).await?;
        }
        set(response, cookie(authority, "session", "", 0));
        Ok(())
    }
}

fn known_code(authority: &Authority, user: &UserId) -> Result<String, PageError> {
    Ok(URL_SAFE_NO_PAD.encode(authority.keys.code(Purpose::Form, &["known", &user.0])?))
}

fn session_id(user: &UserId, secret: &str) -> String {
    format!("{}~{}", user.0, fingerprint(secret))
}

async fn signed_in(authority: &Authority, cookie: &str) -> Result<Option<SignedIn>, PageError> {
    let Some((user, secret)) = cookie.split_once('~') else { return Ok(None) };
    let user = UserId(user.to_owned());
    let id = session_id(&user, secret);
    let Some(session) = authority.sessions.get(&id).await? else { return Ok(None) };
    let user = authority.users.get(&user.0).await?.filter(|user| !user.disabled && user.epoch == session.epoch);
    Ok(user.map(|user| SignedIn { id, user }))
}

/// With the prefix that browsers keep for cookies of this one host over TLS (RFC 6265bis, section 4.1.3.2).
fn cookie_name(authority: &Authority, name: &str) -> String {
    let prefix = if authority.secure() { "__Host-" } else { "" };
    format!("{prefix}it_{name}")
}

fn cookie(authority: &Authority, name: &str, value: &str, seconds: i64) -> Cookie<'static> {
    let mut cookie = Cookie::new(cookie_name(authority, name), value.to_owned());
    cookie.set_http_only(true);
    cookie.set_path("/");
    // Lax: the client's site sends people here, and they must be known then.
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(authority.secure());
    cookie.set_max_age(time::Duration::seconds(seconds));
    cookie
}

fn set(response: &mut Response, cookie: Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
