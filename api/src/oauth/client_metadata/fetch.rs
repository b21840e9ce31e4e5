//! Fetching a document that a stranger named: how much it may cost, and what it must look like.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Certificate, Client, Response, StatusCode,
    dns::Resolve,
    header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING},
    redirect,
};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::timeout,
};
use url::Url;

use super::{
    ClientDocument, document,
    kept::keep_for,
    public_dns::{PublicDns, System},
};
use crate::outward;

/// The largest document, as the draft recommends.
const MOST_BYTES: usize = 5 * 1024;

/// The longest that a fetch may take, from the look-up of the name to the last byte.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// Fetches at once. More have to wait, and for no longer than a fetch takes.
const AT_ONCE: usize = 8;

/// Fetches documents. Clones share their limit.
#[derive(Clone)]
pub(super) struct Fetcher {
    resolver: Arc<dyn Resolve>,
    /// Whom to believe besides those that the system believes.
    roots: Vec<Certificate>,
    longest: Duration,
    /// Made when it is first needed: a machine that knows no certificate authorities can do everything else.
    client: Arc<OnceCell<Client>>,
    turns: Arc<Semaphore>,
}

impl Fetcher {
    /// From the public internet.
    pub(super) fn public() -> Self {
        Self::new(PublicDns::over(System), Vec::new(), LONGEST)
    }

    /// By way of `resolver`, from servers that `roots` or those of the system vouch for, within `longest`.
    pub(super) fn new(resolver: impl Resolve + 'static, roots: Vec<Certificate>, longest: Duration) -> Self {
        let (client, turns) = (Arc::default(), Arc::new(Semaphore::new(AT_ONCE)));
        Self { resolver: Arc::new(resolver), roots, longest, client, turns }
    }

    /// The document of `client_id`, and how long it may be kept. `url` is `client_id`, checked.
    ///
    /// # Errors
    /// With the cause, for the log.
    pub(super) async fn fetch(&self, client_id: &str, url: &Url) -> Result<(ClientDocument, Duration), String> {
        let turn =
            timeout(self.longest, self.turns.acquire()).await.map_err(|_| "too many others are being fetched")?;
        let fetched = timeout(self.longest, self.ask(url)).await.map_err(|_| "it took too long")?;
        drop(turn);
        let (body, keep_for) = fetched?;
        let document = document::read(&body, client_id, url.host_str().unwrap_or_default())?;
        Ok((document, keep_for))
    }

    async fn ask(&self, url: &Url) -> Result<(Vec<u8>, Duration), String> {
        let client = self.client.get_or_try_init(async || self.build()).await.map_err(outward::reason)?;
        let request = client.get(url.clone()).header(ACCEPT, "application/json").header(ACCEPT_ENCODING, "identity");
        let response = request.send().await.map_err(outward::reason)?;
        acceptable(&response)?;
        let values = response.headers().get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        let keep_for = keep_for(&values.collect::<Vec<_>>().join(","));
        Ok((outward::body(response, MOST_BYTES).await?, keep_for))
    }

    fn build(&self) -> reqwest::Result<Client> {
        Client::builder()
            .user_agent(outward::USER_AGENT)
            .https_only(true)
            // Another address would have to be judged anew, and would not be the one that vouches.
            .redirect(redirect::Policy::none())
            // A proxy would look names up by itself.
            .no_proxy()
            .dns_resolver(self.resolver.clone())
            .tls_certs_merge(self.roots.iter().cloned())
            // Each fetch looks its name up and is judged by that.
            .pool_max_idle_per_host(0)
            .build()
    }
}

fn acceptable(response: &Response) -> Result<(), String> {
    if response.status() != StatusCode::OK {
        return Err(format!("the answer has the status {}", response.status().as_u16()));
    }
    if response.headers().get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        return Err("the answer is compressed".into());
    }
    let media_type = outward::media_type(response);
    if media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json")) {
        Ok(())
    } else {
        Err("the answer is not JSON".into())
    }
}
