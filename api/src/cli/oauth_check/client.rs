//! The program that wants to be connected: its requests to the server.

use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Response, StatusCode, header, redirect};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use crate::keys::random_secret;

/// A client that knows nothing but the address of the server, and finds the rest.
pub(super) struct Client {
    pub(super) base: String,
    pub(super) http: reqwest::Client,
    /// What discovery gave.
    pub(super) endpoints: Value,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    /// Where a browser comes back to.
    pub(super) callback: Option<TcpListener>,
}

/// An authorization request, and what belongs to it.
pub(super) struct Request {
    pub(super) url: String,
    pub(super) verifier: String,
    pub(super) state: String,
}

/// Tokens as the server gave them.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) scope: String,
    pub(super) expires_in: i64,
}

impl Client {
    pub(super) fn new(base: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(15))
            .user_agent(concat!("image-tool-oauth-check/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            base: base.to_owned(),
            http,
            endpoints: Value::Null,
            client_id: String::new(),
            redirect_uri: String::new(),
            callback: None,
        })
    }

    pub(super) async fn get(&self, url: &str) -> anyhow::Result<Response> {
        self.http.get(url).send().await.with_context(|| format!("{url} cannot be reached"))
    }

    /// The JSON at an address.
    pub(super) async fn json(&self, url: &str) -> anyhow::Result<Value> {
        let response = self.get(url).await?;
        ensure!(response.status() == StatusCode::OK, "{url} answers {}", response.status());
        response.json().await.with_context(|| format!("{url} is not JSON"))
    }

    /// One message to the MCP endpoint.
    pub(super) async fn mcp(&self, token: Option<&str>, method: &str, params: Value) -> anyhow::Result<Response> {
        let mut request = self
            .http
            .post(format!("{}/mcp", self.base))
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25")
            .json(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.with_context(|| format!("{}/mcp cannot be reached", self.base))
    }

    /// A form to an endpoint that discovery named.
    pub(super) async fn post(&self, endpoint: &str, fields: &[(&str, &str)]) -> anyhow::Result<Response> {
        let url = self.endpoints[endpoint].as_str().ok_or_else(|| anyhow!("the metadata names no {endpoint}"))?;
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        request.send().await.with_context(|| format!("{url} cannot be reached"))
    }

    /// Asks for a scope, with a proof key of its own.
    pub(super) fn request(&self, scope: &str) -> anyhow::Result<Request> {
        let (verifier, state) = (random_secret()?, format!("{} &#\"<", random_secret()?));
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let endpoint = self.endpoints["authorization_endpoint"].as_str().unwrap_or_default();
        let mut url = Url::parse(endpoint).context("authorization_endpoint is no URL")?;
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", &format!("{}/mcp", self.base)),
            ("scope", scope),
        ]);
        Ok(Request { url: url.into(), verifier, state })
    }

    pub(super) async fn redeem(&self, code: &str, verifier: &str) -> anyhow::Result<Response> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ];
        self.post("token_endpoint", &fields).await
    }

    pub(super) async fn refresh(&self, token: &str) -> anyhow::Result<Response> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &self.client_id)];
        self.post("token_endpoint", &fields).await
    }
}

impl Tokens {
    /// The tokens of a successful answer.
    pub(super) async fn of(response: Response) -> anyhow::Result<Self> {
        let status = response.status();
        let body: Value = response.json().await.unwrap_or_default();
        ensure!(status == StatusCode::OK, "the token endpoint answers {status}: {}", body["error_description"]);
        let text = |name: &str| body[name].as_str().map(str::to_owned).ok_or_else(|| anyhow!("{name} is missing"));
        ensure!(body["token_type"] == "Bearer", "token_type is {}", body["token_type"]);
        let expires_in = body["expires_in"].as_i64().unwrap_or_default();
        Ok(Self { access: text("access_token")?, refresh: text("refresh_token")?, scope: text("scope")?, expires_in })
    }
}

/// The code of a failed answer to a program (RFC 6749, section 5.2).
pub(super) async fn error_of(response: Response) -> String {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap_or_default();
    format!("{status} {}", body["error"].as_str().unwrap_or("without an error code"))
}
