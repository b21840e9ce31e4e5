//! Signing in through another server: OpenID Connect Core 1.0, the authorization code flow (section 3.1).

mod id_token;
mod membership;
mod provider;
mod token_request;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Clock, Failure, FailureKind, State, StoreError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    keys::{fingerprint, random_secret, same},
    outward,
    records::Records,
};
use id_token::{Expected, Unfit};
use provider::{Metadata, Provider};

pub(crate) use id_token::Person;

/// How long somebody may take to sign in at the provider, in milliseconds.
const ATTEMPT_MS: i64 = 10 * 60 * 1000;

/// Keys as they usually are: an hour old at most.
const KEYS_MS: i64 = 3600 * 1000;

/// Keys when one is missing: the provider is asked again, but not more than once a minute.
const NEW_KEYS_MS: i64 = 60 * 1000;

/// The OpenID provider.
#[derive(Debug)]
pub(crate) struct Oidc {
    settings: config::Oidc,
    redirect_uri: String,
    provider: Provider,
    /// By the fingerprint of the state.
    attempts: Records<Attempt>,
    clock: Clock,
}

/// Somebody went to the provider to sign in there.
#[derive(Deserialize, Serialize)]
struct Attempt {
    /// The fingerprint of the browser that went.
    browser: String,
    nonce: String,
    /// What proves at the exchange that the code was meant for us (RFC 7636).
    verifier: String,
    return_to: String,
    /// Milliseconds since 1970 (UTC).
    ends_at: i64,
}

/// What the browser brings back from the provider (RFC 6749, section 4.1.2; RFC 9207).
#[derive(Clone, Copy)]
pub(crate) struct Callback<'a> {
    pub(crate) state: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    pub(crate) error: Option<&'a str>,
    pub(crate) issuer: Option<&'a str>,
}

/// Why somebody could not be signed in; for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// What the browser brought is not right.
    #[error("{0}")]
    Callback(String),
    /// The provider is not there, or does not do what it should.
    #[error("the OpenID provider: {0}")]
    Provider(String),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Store(failure.into())
    }
}

impl Oidc {
    /// The provider as it is set. It is not asked anything before somebody wants to sign in there.
    ///
    /// # Errors
    /// If there can be no HTTP client.
    pub(crate) fn new(settings: &config::Oidc, issuer: &str, state: &State, clock: &Clock) -> Result<Self, Failure> {
        let provider = Provider::new(&settings.issuer, clock).map_err(|error| {
            let message = format!("Signing in through OIDC_ISSUER is not possible: {}.", outward::reason(error));
            Failure::new(FailureKind::Unavailable, message)
        })?;
        Ok(Self {
            settings: settings.clone(),
            redirect_uri: format!("{issuer}/login/oidc/callback"),
            provider,
            attempts: Records::new(state, clock, "oidc-attempt", |attempt: &Attempt| Some(attempt.ends_at)),
            clock: clock.clone(),
        })
    }

    /// Where a browser goes to sign in; it comes back for `return_to`. `browser` is its fingerprint.
    ///
    /// # Errors
    /// If the provider is not there, or the store cannot be written.
    pub(crate) async fn begin(&self, browser: &str, return_to: &str) -> Result<String, Trouble> {
        let metadata = self.provider.metadata().await?;
        let (state, nonce, verifier) = (random_secret()?, random_secret()?, random_secret()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", "openid email profile")
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let attempt = Attempt {
            browser: browser.to_owned(),
            nonce,
            verifier,
            return_to: return_to.to_owned(),
            ends_at: self.clock.now_ms() + ATTEMPT_MS,
        };
        self.attempts.put(&fingerprint(&state), &attempt).await?;
        Ok(url.into())
    }

    /// Who came back, and what for. An attempt ends with this, whatever comes of it.
    ///
    /// # Errors
    /// If what the browser brings is not right, or the provider does not confirm it.
    pub(crate) async fn finish(&self, browser: &str, callback: Callback<'_>) -> Result<(Person, String), Trouble> {
        let wrong = |cause: &str| Trouble::Callback(cause.to_owned());
        let state = callback.state.ok_or_else(|| wrong("no state"))?;
        let attempt = self.attempts.take(&fingerprint(state)).await?;
        let attempt = attempt.ok_or_else(|| wrong("the state is unknown, used or too old"))?;
        if !same(attempt.browser.as_bytes(), browser.as_bytes()) {
            return Err(wrong("another browser began"));
        }
        let metadata = self.provider.metadata().await?;
        check_issuer(&metadata, callback.issuer)?;
        if let Some(error) = callback.error {
            return Err(Trouble::Callback(format!("the provider says {}", word(error))));
        }
        let code = callback.code.ok_or_else(|| wrong("neither a code nor an error"))?;
        let token = self.exchange(&metadata, code, &attempt.verifier).await?;
        let person = self.person(&metadata, &token, &attempt.nonce).await?;
        Ok((person, attempt.return_to))
    }

    /// Whom the token is about, once it is proven to be from the provider, for us, and for this attempt.
    async fn person(&self, metadata: &Metadata, token: &str, nonce: &str) -> Result<Person, Trouble> {
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce,
            now: self.clock.now_ms() / 1000,
        };
        let keys = self.provider.keys(metadata, KEYS_MS).await?;
        let read = match id_token::read(token, &expected, &keys) {
            Err(Unfit::UnknownKey) => {
                let newer = self.provider.keys(metadata, NEW_KEYS_MS).await?;
                if Arc::ptr_eq(&keys, &newer) {
                    return Err(Trouble::Provider(Unfit::UnknownKey.to_string()));
                }
                id_token::read(token, &expected, &newer)
            }
            read => read,
        };
        read.map_err(|unfit| Trouble::Provider(unfit.to_string()))
    }
}

/// Refuses what another provider has sent (RFC 9207, section 2.4).
fn check_issuer(metadata: &Metadata, issuer: Option<&str>) -> Result<(), Trouble> {
    match issuer {
        Some(issuer) if issuer != metadata.issuer => Err(Trouble::Callback("another issuer answered".into())),
        None if metadata.says_issuer => Err(Trouble::Callback("the answer does not say who gives it".into())),
        _ => Ok(()),
    }
}

/// A word of somebody else's for the log: an error code is short and plain (RFC 6749, section 4.1.2.1).
fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).take(60).collect()
}

/// Whether it is safe to send secrets there: over TLS, or within this machine where the provider itself is there.
fn trusted(url: &Url, local: bool) -> bool {
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if local { url.scheme() == "http" && loopback } else { url.scheme() == "https" }
}
