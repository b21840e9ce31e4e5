//! Clients known by a document at their own address (draft-ietf-oauth-client-id-metadata-document).
//!
//! The address comes from whoever sends the browser here, so fetching it is a stranger's request in our name: `address`
//! says which addresses may be asked at all, `public_dns` keeps names from leading to our own network, `fetch` limits
//! what an answer may cost, `document` believes only what the address vouches for.

mod address;
mod document;
mod fetch;
mod kept;
mod public_dns;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use common::Clock;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};

pub(crate) use document::ClientDocument;
use fetch::Fetcher;
use kept::Kept;

/// The document of a client cannot be used. Whatever the cause, it reads the same: causes would tell strangers what
/// there is in our network. The log has them.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("The client's metadata document at {host} could not be used.")]
pub(crate) struct Refused {
    host: String,
}

type Outcome = Result<Arc<ClientDocument>, Refused>;

/// The documents of clients, fetched when they are needed and kept for a while. Clones share them.
#[derive(Clone)]
pub(crate) struct ClientDocuments {
    /// The host of our own address, which is nobody's client.
    own_host: String,
    clock: Clock,
    fetcher: Fetcher,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    kept: Kept,
    /// What is being fetched at this moment: whoever wants the same waits for the same answer.
    under_way: HashMap<String, Shared<BoxFuture<'static, Outcome>>>,
}

impl ClientDocuments {
    /// No documents yet; they are looked for in the public internet only. `issuer` is our own address.
    pub(crate) fn new(issuer: &str, clock: &Clock) -> Self {
        Self::with(issuer, clock, Fetcher::public())
    }

    fn with(issuer: &str, clock: &Clock, fetcher: Fetcher) -> Self {
        let own_host = url::Url::parse(issuer).ok().and_then(|url| Some(url.host_str()?.to_owned()));
        Self { own_host: own_host.unwrap_or_default(), clock: clock.clone(), fetcher, shelf: Arc::default() }
    }

    /// The document at `client_id`.
    ///
    /// # Errors
    /// If the address is none that a client may have, or there is no document there that can be used.
    pub(crate) async fn get(&self, client_id: &str) -> Outcome {
        let url = match address::check(client_id, &self.own_host) {
            Ok(url) => url,
            Err(cause) => return Err(refuse(&address::host(client_id), &cause)),
        };
        let flight = {
            let mut shelf = self.shelf();
            if let Some(document) = shelf.kept.get(client_id, self.clock.now_ms()) {
                return Ok(document);
            }
            let join = shelf.under_way.get(client_id).cloned();
            join.unwrap_or_else(|| {
                let flight = self.depart(client_id.to_owned(), url);
                shelf.under_way.insert(client_id.to_owned(), flight.clone());
                flight
            })
        };
        flight.await
    }

    /// Begins to fetch. As a task of its own, it ends whether or not somebody still waits for it.
    fn depart(&self, client_id: String, url: url::Url) -> Shared<BoxFuture<'static, Outcome>> {
        let (documents, host) = (self.clone(), address::host(&client_id));
        let lost = Refused { host: host.clone() };
        let task = tokio::spawn(async move {
            let landing = Landing { documents: &documents, client_id: &client_id };
            let (document, keep_for) =
                documents.fetcher.fetch(&client_id, &url).await.map_err(|cause| refuse(&host, &cause))?;
            let document = Arc::new(document);
            let now = documents.clock.now_ms();
            documents.shelf().kept.put(&client_id, document.clone(), now, keep_for);
            drop(landing);
            Ok(document)
        });
        async move { task.await.unwrap_or(Err(lost)) }.boxed().shared()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whatever becomes of a fetch, the next who asks begins anew.
struct Landing<'a> {
    documents: &'a ClientDocuments,
    client_id: &'a str,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.documents.shelf().under_way.remove(self.client_id);
    }
}

fn refuse(host: &str, cause: &dyn fmt::Display) -> Refused {
    tracing::info!(host, %cause, "the metadata document of a client was refused");
    Refused { host: host.to_owned() }
}

impl fmt::Debug for ClientDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientDocuments").field("own_host", &self.own_host).finish_non_exhaustive()
    }
}
