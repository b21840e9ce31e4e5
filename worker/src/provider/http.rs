//! The one way to the provider: its address, its key, its time, and how much is read of what it says.

use std::{error::Error, fmt, fmt::Write as _, time::Duration};

use bytes::Bytes;
use common::{Failure, FailureKind};
use config::OpenAi;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use secrecy::ExposeSecret;
use tokio::time::Instant;
use url::Url;

use super::{
    errors::{self, Complaint},
    retry::{self, Purpose, Refused},
};

/// The most that is read of an error.
const MOST_ERROR_BYTES: usize = 256 * 1024;

/// A connection that cannot be made within this is not there.
const CONNECT: Duration = Duration::from_secs(5);

/// A picture behind a link is made already: it needs no more time than this.
const DOWNLOAD: Duration = Duration::from_secs(60);

/// How the provider is reached.
pub(super) struct Http {
    client: Client,
    base: Url,
    /// The key and who pays. Sent with requests to `base` and with nothing else.
    headers: HeaderMap,
    url_hosts: Vec<String>,
}

/// Without the headers, which hold the key.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// The beginning of a good answer.
pub(super) struct Answered {
    response: Response,
    pub(super) request_id: Option<String>,
}

impl Http {
    /// # Errors
    /// `internal` where the system has no usable TLS, or a setting cannot be sent.
    pub(super) fn new(settings: &OpenAi) -> Result<Self, Failure> {
        let client = Client::builder()
            .user_agent(concat!("image-tool/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            // A redirected request would carry the key and the prompt elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            // A connection that was idle may be closed just when a request is written to it: whether that was read, and
            // paid for, nobody knows. A new connection costs nothing beside a picture.
            .pool_max_idle_per_host(0)
            // Whether to ask once more is decided in retry.rs alone.
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| Failure::internal(&reason(error)))?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &settings.api_key {
            headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", key.expose_secret()))?);
        }
        for (name, value) in [("openai-organization", &settings.organization), ("openai-project", &settings.project)] {
            if let Some(value) = value {
                headers.insert(name, secret(value)?);
            }
        }
        Ok(Self { client, base: settings.base_url.clone(), headers, url_hosts: settings.url_hosts.clone() })
    }

    /// Whether requests would be refused for want of a key. A backend of one's own may need none.
    pub(super) fn lacks_key(&self) -> bool {
        self.headers.get(AUTHORIZATION).is_none() && self.base.host_str() == Some("api.openai.com")
    }

    /// `path` below the base, whose own path is kept.
    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base.as_str().trim_end_matches('/'))
    }

    /// Posts what `fill` puts into a request, once. `fill` is called for every attempt: the parts of a form are used up
    /// by sending them.
    ///
    /// # Errors
    /// What came instead of a good answer, and whether it may be sent once more.
    pub(super) async fn post(
        &self,
        purpose: Purpose,
        path: &str,
        left: Duration,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answered, Refused> {
        let started = Instant::now();
        let request = self.client.post(self.url(path)).headers(self.headers.clone()).timeout(left);
        let sent = fill(request).send().await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let response = sent.map_err(|error| unanswered(purpose, path, duration_ms, error))?;
        let (status, request_id) = (response.status(), request_id(&response));
        let id = request_id.as_deref().unwrap_or("none");
        tracing::info!(path, status = status.as_u16(), request_id = id, duration_ms, "the provider answered");
        if status.is_success() {
            return Ok(Answered { response, request_id });
        }
        let (again_by_headers, after) = (response.headers().clone(), retry::after(response.headers()));
        // An error whose text cannot be read is an error still.
        let body = body(response, MOST_ERROR_BYTES).await.unwrap_or_default();
        let complaint = Complaint::read(&body);
        tracing::warn!(
            request_id = id,
            kind = complaint.kind.as_deref(),
            code = complaint.code.as_deref(),
            param = complaint.param.as_deref(),
            "the provider complains"
        );
        Err(Refused {
            failure: errors::with_request_id(errors::failure(purpose, status, &complaint), request_id.as_deref()),
            again: purpose.may_repeat(status, &again_by_headers, &complaint),
            after,
            complaint: Some(complaint),
        })
    }

    /// Asks for what is below the base, once.
    ///
    /// # Errors
    /// What came instead of a good answer.
    pub(super) async fn get(&self, path: &str, left: Duration) -> Result<Answered, Failure> {
        let request = self.client.get(self.url(path)).headers(self.headers.clone()).timeout(left);
        let sent = request.send().await;
        let response = sent.map_err(|error| unanswered(Purpose::Look, path, 0, error).failure)?;
        let (status, request_id) = (response.status(), request_id(&response));
        if status.is_success() {
            return Ok(Answered { response, request_id });
        }
        let complaint = Complaint::read(&body(response, MOST_ERROR_BYTES).await.unwrap_or_default());
        Err(errors::with_request_id(errors::failure(Purpose::Look, status, &complaint), request_id.as_deref()))
    }

    /// The picture behind a link of an answer: absolute on an allowed host, or relative to the provider. The key stays
    /// here.
    ///
    /// # Errors
    /// In words that say what is wrong with the link; not the link itself, which may be signed.
    pub(super) async fn download(&self, link: &str, most: usize) -> Result<Bytes, String> {
        let base = Url::parse(&self.url("images/")).map_err(|error| error.to_string())?;
        let url = base.join(link).map_err(|_| "It links to a picture in a way that cannot be read.".to_owned())?;
        let named = url.host_str().is_some_and(|host| self.url_hosts.iter().any(|allowed| allowed == host));
        if !matches!(url.scheme(), "http" | "https") || !(url.origin() == base.origin() || named) {
            return Err("It links to a picture on a host that is not allowed (setting OPENAI_URL_HOSTS).".into());
        }
        let unreachable = |error| {
            tracing::warn!(reason = reason(error), "a picture that the provider links to cannot be fetched");
            "The picture that it links to cannot be fetched.".to_owned()
        };
        let response = self.client.get(url).timeout(DOWNLOAD).send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(format!("The picture that it links to is not there (status {}).", response.status().as_u16()));
        }
        body(response, most).await
    }
}

impl Answered {
    /// The whole answer.
    ///
    /// # Errors
    /// In words, where it breaks off or is too long.
    pub(super) async fn body(self, most: usize) -> Result<Bytes, String> {
        body(self.response, most).await
    }

    /// The next piece of an answer that comes in pieces.
    ///
    /// # Errors
    /// In words, where it breaks off.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        self.response.chunk().await.map_err(broken_off)
    }

    /// Whether it is a stream of events.
    pub(super) fn is_events(&self) -> bool {
        let value = self.response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
    }
}

fn secret(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|error| Failure::internal(&error))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What became of a request that was not answered.
fn unanswered(purpose: Purpose, path: &str, duration_ms: u64, error: reqwest::Error) -> Refused {
    let (unconnected, unsendable) = (error.is_connect(), error.is_builder());
    let reason = reason(error);
    if unsendable {
        return Refused::finally(Failure::internal(&reason));
    }
    tracing::warn!(path, duration_ms, reason, "the provider did not answer");
    if unconnected {
        let failure = Failure::new(FailureKind::UpstreamFailed, "The provider cannot be reached; nothing was sent.")
            .next("Try again later; if it lasts, ask the operator to check OPENAI_BASE_URL and the network.");
        return Refused { again: true, ..Refused::finally(failure) };
    }
    let failure = errors::lost(purpose, "The provider has the request and did not answer it.");
    Refused { again: purpose == Purpose::Look, ..Refused::finally(failure) }
}

/// As the provider's people ask for it, if it looks like one.
fn request_id(response: &Response) -> Option<String> {
    let id = response.headers().get("x-request-id")?.to_str().ok()?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    ((1..=100).contains(&id.len()) && plain).then(|| id.to_owned())
}

/// A body of at most `most` bytes: what is longer is not read.
async fn body(mut response: Response, most: usize) -> Result<Bytes, String> {
    let too_long = || format!("Its answer is over {} MB.", most / 1_048_576);
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken_off)? {
        if body.len() + chunk.len() > most {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

fn broken_off(error: reqwest::Error) -> String {
    tracing::warn!(reason = reason(error), "an answer of the provider breaks off");
    "Its answer breaks off.".into()
}

/// Why a request failed, for the log: with its causes, without the address.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
