//! What the provider says of itself (OpenID Connect Discovery 1.0, sections 3 and 4) and the keys it signs with.

use std::{sync::Arc, time::Duration};

use common::Clock;
use jsonwebtoken::jwk::Jwk;
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{Trouble, trusted};
use crate::outward;

/// The longest that the provider may take to answer.
const LONGEST: Duration = Duration::from_secs(10);

/// The largest answer.
const MOST_BYTES: usize = 256 * 1024;

/// How long what the provider says of itself is believed, in milliseconds.
const METADATA_MS: i64 = 3600 * 1000;

/// How long a provider that did not answer is left alone: not everybody has to wait in vain.
const PAUSE_MS: i64 = 5 * 1000;

/// The provider: asked when it is needed, so that it may be down when we start.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: String,
    /// Whether it is a process of this machine, without TLS.
    local: bool,
    pub(super) http: Client,
    metadata: Lasting<Metadata>,
    keys: Lasting<Vec<Jwk>>,
}

/// What the provider says of itself, as far as it matters.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    jwks_uri: Url,
    /// How it wants to be shown our secret, if it says.
    pub(super) auth_methods: Option<Vec<String>>,
    /// Whether it says with each answer who gives it (RFC 9207).
    pub(super) says_issuer: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct KeySet {
    /// One by one, so that a key of a kind that is not known here spoils none of the others.
    keys: Vec<Value>,
}

impl Provider {
    pub(super) fn new(issuer: &str, clock: &Clock) -> reqwest::Result<Self> {
        let local = issuer.starts_with("http://");
        let http = Client::builder()
            .user_agent(outward::USER_AGENT)
            // What is sent to the provider is for nobody it may point at.
            .redirect(redirect::Policy::none())
            .timeout(LONGEST);
        // No proxy leads to this machine, and there is no TLS to check.
        let http = if local { http.no_proxy().tls_certs_only([]) } else { http.https_only(true) };
        Ok(Self {
            issuer: issuer.to_owned(),
            local,
            http: http.build()?,
            metadata: Lasting::new(clock),
            keys: Lasting::new(clock),
        })
    }

    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, Trouble> {
        self.metadata.get(METADATA_MS, self.discover()).await
    }

    /// The keys, fetched again if they are older than `oldest_ms`.
    pub(super) async fn keys(&self, metadata: &Metadata, oldest_ms: i64) -> Result<Arc<Vec<Jwk>>, Trouble> {
        self.keys.get(oldest_ms, self.fetch_keys(metadata)).await
    }

    async fn discover(&self) -> Result<Metadata, Trouble> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let document: Document = ask(self.http.get(url)).await?;
        if document.issuer != self.issuer {
            return Err(Trouble::Provider("its discovery document names another issuer than OIDC_ISSUER".into()));
        }
        let endpoint = |text: &str| {
            let url = Url::parse(text).ok().filter(|url| trusted(url, self.local));
            url.ok_or_else(|| Trouble::Provider("an address in its discovery document is not https://".into()))
        };
        Ok(Metadata {
            authorization_endpoint: endpoint(&document.authorization_endpoint)?,
            token_endpoint: endpoint(&document.token_endpoint)?,
            jwks_uri: endpoint(&document.jwks_uri)?,
            auth_methods: document.token_endpoint_auth_methods_supported,
            issuer: document.issuer,
            says_issuer: document.authorization_response_iss_parameter_supported,
        })
    }

    async fn fetch_keys(&self, metadata: &Metadata) -> Result<Vec<Jwk>, Trouble> {
        let set: KeySet = ask(self.http.get(metadata.jwks_uri.clone())).await?;
        let keys: Vec<Jwk> = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        if keys.is_empty() { Err(Trouble::Provider("it has no keys".into())) } else { Ok(keys) }
    }
}

/// Sends a request and reads the JSON of the answer.
pub(super) async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Trouble> {
    let failed = |error| Trouble::Provider(outward::reason(error));
    let response = request.header(reqwest::header::ACCEPT, "application/json").send().await.map_err(failed)?;
    let status = response.status();
    let body = outward::body(response, MOST_BYTES).await.map_err(Trouble::Provider)?;
    if status != StatusCode::OK {
        // The code of the error and nothing else: who knows what else they repeat (RFC 6749, section 5.2).
        let error = serde_json::from_slice::<Value>(&body).ok();
        let code = error.and_then(|error| Some(super::word(error.get("error")?.as_str()?))).unwrap_or_default();
        return Err(Trouble::Provider(format!("status {} {code}", status.as_u16())));
    }
    // Without the cause, which may repeat what was read.
    serde_json::from_slice(&body).map_err(|_| Trouble::Provider("its answer is not the JSON it should be".into()))
}

/// Something of the provider's that is fetched when it is needed, by one for all, and kept for a while.
#[derive(Debug)]
struct Lasting<T> {
    clock: Clock,
    last: Mutex<Last<T>>,
}

#[derive(Debug)]
struct Last<T> {
    /// With the moment when it was fetched.
    value: Option<(Arc<T>, i64)>,
    failed_at: Option<i64>,
}

impl<T> Lasting<T> {
    fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), last: Mutex::new(Last { value: None, failed_at: None }) }
    }

    /// What was fetched less than `oldest_ms` ago; else `fetch` gives it.
    async fn get(&self, oldest_ms: i64, fetch: impl Future<Output = Result<T, Trouble>>) -> Result<Arc<T>, Trouble> {
        let mut last = self.last.lock().await;
        let now = self.clock.now_ms();
        if let Some((value, since)) = &last.value
            && now - since < oldest_ms
        {
            return Ok(value.clone());
        }
        if last.failed_at.is_some_and(|failed_at| now - failed_at < PAUSE_MS) {
            return Err(Trouble::Provider("it could not be asked a moment ago".into()));
        }
        match fetch.await {
            Ok(value) => {
                let value = Arc::new(value);
                *last = Last { value: Some((value.clone(), now)), failed_at: None };
                Ok(value)
            }
            Err(trouble) => {
                last.failed_at = Some(self.clock.now_ms());
                Err(trouble)
            }
        }
    }
}
