//! How a page is sent: with the headers that keep it from being framed, cached or scripted.

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{Failure, StoreError};

use crate::{keys::random_secret, limits::TooOften};

/// A page. Templates have the field `nonce`, which their one `<style nonce="…">` carries.
pub(crate) struct Page;

impl Page {
    /// Renders a template with a fresh nonce.
    pub(crate) fn render<T: Template>(status: StatusCode, template: impl FnOnce(String) -> T) -> Response {
        Self::with_policy(status, |_| String::new(), template)
    }

    /// The same for a template whose one `<script nonce="…" src="…">` may ask this server.
    pub(crate) fn scripted<T: Template>(status: StatusCode, template: impl FnOnce(String) -> T) -> Response {
        Self::with_policy(status, |nonce| format!("; script-src 'nonce-{nonce}'; connect-src 'self'"), template)
    }

    fn with_policy<T: Template>(
        status: StatusCode,
        more: impl FnOnce(&str) -> String,
        template: impl FnOnce(String) -> T,
    ) -> Response {
        let made = random_secret().map_err(|error| error.message).and_then(|nonce| {
            let html = template(nonce.clone()).render().map_err(|error| error.to_string())?;
            Ok((nonce, html))
        });
        let (nonce, html) = match made {
            Ok(made) => made,
            Err(error) => {
                tracing::error!(error, "a page could not be made");
                return (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be made.").into_response();
            }
        };
        let mut response = (status, Body::from(html)).into_response();
        // No form-action: Chromium checks it along the whole chain of redirects after a form, and the callback of a
        // client may go on to an address of its own (claude://).
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'{}",
            more(&nonce)
        );
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        protect(headers);
        // Not no-referrer: browsers would then send `Origin: null` with our own forms.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        response
    }

    /// A page that says one thing.
    pub(crate) fn message(status: StatusCode, title: &str, text: &str) -> Response {
        Self::render(status, |nonce| Message { nonce, title, text, link: None })
    }

    /// A page that says one thing and where to go: an address and its name.
    pub(crate) fn signpost(status: StatusCode, title: &str, text: &str, link: (&str, &str)) -> Response {
        Self::render(status, |nonce| Message { nonce, title, text, link: Some(link) })
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    nonce: String,
    title: &'a str,
    text: &'a str,
    link: Option<(&'a str, &'a str)>,
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
}

/// Sends a browser on with GET (303): 307 and 308 would repeat the form at the next address.
pub(crate) fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return PageError::internal(&"an address that is no header").into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What goes wrong on a page, said to a person.
#[derive(Debug)]
pub(crate) struct PageError {
    status: StatusCode,
    title: String,
    text: String,
    too_often: Option<TooOften>,
}

impl PageError {
    pub(crate) fn new(status: StatusCode, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { status, title: title.into(), text: text.into(), too_often: None }
    }

    /// Our own mistake; the cause goes to the log.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(cause = %cause, "internal failure");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", "The details are in the server's log.")
    }
}

impl From<TooOften> for PageError {
    fn from(too_often: TooOften) -> Self {
        let text = format!("Please wait {} seconds, then try again.", too_often.seconds());
        Self { too_often: Some(too_often), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many tries", text) }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl From<Failure> for PageError {
    fn from(failure: Failure) -> Self {
        let status = if failure.kind.retryable() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST };
        Self::new(status, "The server cannot do this now", failure.message)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = Page::message(self.status, &self.title, &self.text);
        if let Some(too_often) = self.too_often {
            too_often.tell(response.headers_mut());
        }
        response
    }
}
