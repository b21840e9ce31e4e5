//! Pictures from https addresses that callers name: from the public internet only, and no more of them than is allowed.
//! Every hop of a redirect is judged as the first address is, and connects to what its own look-up gave.

mod public_dns;
#[cfg(test)]
mod tests;

use std::{error::Error, fmt, sync::Arc, time::Duration};

use common::{Failure, FailureKind};
use reqwest::{
    Certificate, Client, Response, StatusCode, Url,
    dns::Resolve,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING},
    redirect::{Attempt, Policy},
};
use tokio::{sync::OnceCell, time::timeout};

use self::public_dns::PublicDns;
use crate::engine;

/// The longest that a fetch may take, from the look-up of the name to the last byte.
const LONGEST: Duration = Duration::from_secs(30);

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How often an address may lead to another.
const MOST_REDIRECTS: usize = 5;

/// Enough of a file to tell its format.
const HEAD: usize = 4096;

/// What may be sent.
const ALLOWED: &str = "an https:// address of the public internet, on port 443, that leads to an image";

/// Fetches pictures. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Fetcher {
    resolver: Arc<dyn Resolve>,
    /// Whom to believe besides those that the system believes.
    roots: Vec<Certificate>,
    longest: Duration,
    most_bytes: u64,
    /// Made when it is first needed: a machine that knows no certificate authorities can do everything else.
    client: Arc<OnceCell<Client>>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("most_bytes", &self.most_bytes).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// From the public internet, files of at most `most_bytes`.
    pub(crate) fn public(most_bytes: u64) -> Self {
        Self::new(PublicDns, Vec::new(), LONGEST, most_bytes)
    }

    fn new(resolver: impl Resolve + 'static, roots: Vec<Certificate>, longest: Duration, most_bytes: u64) -> Self {
        Self { resolver: Arc::new(resolver), roots, longest, most_bytes, client: Arc::default() }
    }

    /// The file at `address`, which begins as an image does. Dropping the future ends the request.
    ///
    /// # Errors
    /// `file_not_reachable` for an address that may not be asked, or gives no file; `too_large` for more bytes than are
    /// allowed; `unsupported_format` for what is no image.
    pub(crate) async fn fetch(&self, address: &str) -> Result<Vec<u8>, Failure> {
        let url = Url::parse(address).map_err(|_| unreachable("It is no address."))?;
        check(&url).map_err(unreachable)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        match timeout(self.longest, self.ask(url)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(unreachable(&format!("{host} did not send it within {} seconds.", self.longest.as_secs()))),
        }
    }

    async fn ask(&self, url: Url) -> Result<Vec<u8>, Failure> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let unanswered = |error: reqwest::Error| {
            let reason = told(&error);
            tracing::info!(host, error = why(error), "a picture could not be fetched");
            unreachable(&reason.unwrap_or_else(|| format!("{host} did not answer.")))
        };
        let client =
            self.client.get_or_try_init(async || self.build()).await.map_err(|error| Failure::internal(&error))?;
        let request = client.get(url).header(ACCEPT, "image/*").header(ACCEPT_ENCODING, "identity");
        let mut response = request.send().await.map_err(unanswered)?;
        self.check_answer(&response, &host)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unanswered)? {
            if bytes.len() as u64 + chunk.len() as u64 > self.most_bytes {
                return Err(self.too_large());
            }
            let told = bytes.len() >= HEAD;
            bytes.extend_from_slice(&chunk);
            // A film or a disk image is not read to its end.
            if !told && bytes.len() >= HEAD && !engine::is_picture(&bytes) {
                break;
            }
        }
        if engine::is_picture(&bytes) { Ok(bytes) } else { Err(no_picture(&response, &host)) }
    }

    fn check_answer(&self, response: &Response, host: &str) -> Result<(), Failure> {
        if response.status() != StatusCode::OK {
            let status = response.status().as_u16();
            return Err(unreachable(&format!("{host} answers with status {status}.")));
        }
        if response.headers().get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
            return Err(unreachable(&format!("{host} sends the file compressed, which was not asked for.")));
        }
        if response.content_length().is_some_and(|length| length > self.most_bytes) {
            return Err(self.too_large());
        }
        Ok(())
    }

    fn build(&self) -> reqwest::Result<Client> {
        Client::builder()
            .user_agent(concat!("image-tool/", env!("CARGO_PKG_VERSION")))
            .https_only(true)
            .connect_timeout(CONNECT)
            .redirect(Policy::custom(follow))
            // The address that led here is nobody's business.
            .referer(false)
            // A proxy would look names up by itself.
            .no_proxy()
            .dns_resolver(self.resolver.clone())
            .tls_certs_merge(self.roots.iter().cloned())
            // Each fetch looks its name up and is judged by that.
            .pool_max_idle_per_host(0)
            .build()
    }

    fn too_large(&self) -> Failure {
        Failure::new(FailureKind::TooLarge, "The file at this address is too large.")
            .allowed(format!("files of at most {} MiB", self.most_bytes >> 20))
            .next("Use a smaller file, or raise MAX_FILE_MB.")
    }
}

/// Whether an address may be asked at all. Names are judged again by what they lead to, in [`PublicDns`].
fn check(url: &Url) -> Result<(), &'static str> {
    match (url.scheme(), url.host()) {
        ("https", Some(url::Host::Domain(_))) => {}
        ("https", _) => return Err("Its host is an IP address, not a name."),
        ("http", _) => return Err("It is not https."),
        _ => return Err("It is no https:// address."),
    }
    if url.port().is_some() {
        return Err("Its port is not 443.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("It holds a user name or a password.");
    }
    Ok(())
}

/// Why a redirect is not followed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(&'static str);

fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error(Refused("It is redirected too often."));
    }
    match check(attempt.url()) {
        Ok(()) => attempt.follow(),
        Err(_) => attempt.error(Refused("It is redirected to an address that may not be asked.")),
    }
}

/// What of `error` is ours to tell.
fn told(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(Refused(reason)) = error.downcast_ref() {
            return Some((*reason).to_owned());
        }
        cause = error.source();
    }
    None
}

/// For the log: with its causes, without the address, which may be signed.
fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn unreachable(reason: &str) -> Failure {
    Failure::new(FailureKind::FileNotReachable, format!("The address cannot be fetched. {reason}"))
        .allowed(ALLOWED)
        .next("Check the address in a browser, or give an image_id or a path instead.")
}

fn no_picture(response: &Response, host: &str) -> Failure {
    let kind = response.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let message = match kind.as_str() {
        "text/html" => format!("{host} sends a web page, not an image."),
        _ => format!("What {host} sends is no image."),
    };
    Failure::new(FailureKind::UnsupportedFormat, message)
        .allowed(ALLOWED)
        .next("Give the address of the image itself: open it in a browser alone and copy what the address bar shows.")
}
