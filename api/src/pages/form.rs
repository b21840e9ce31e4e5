//! Fields of a form or a query, each at most once (RFC 6749, section 3.1: parameters must not be included twice).

use std::{collections::BTreeMap, fmt};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
};
use secrecy::SecretString;
use url::form_urlencoded;

use super::PageError;

/// Fields by name. A field without a value counts as absent, as RFC 6749 says.
#[derive(Clone, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

/// The names only: fields hold passwords.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A field that was given twice.
#[derive(Clone, Debug)]
pub(crate) struct Duplicate(pub(crate) String);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// If a field is given twice.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Duplicate> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            if fields.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Duplicate(name.chars().filter(char::is_ascii_graphic).take(40).collect()));
            }
        }
        fields.retain(|_, value| !value.is_empty());
        Ok(Self(fields))
    }

    /// The value of a field, if it has one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a field that nobody else may see; empty if it has none.
    pub(crate) fn secret(&self, name: &str) -> SecretString {
        SecretString::from(self.get(name).unwrap_or_default())
    }
}

/// The body of a request to a page. How large it may be and how long it may take, `guard.rs` has seen to.
impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let unreadable = |text: String| PageError::new(StatusCode::BAD_REQUEST, "This form cannot be read", text);
        let body = Bytes::from_request(request, state).await.map_err(|error| unreadable(error.body_text()))?;
        Self::parse(&body).map_err(|Duplicate(name)| unreadable(format!("The field \"{name}\" is given twice.")))
    }
}
