//! Connections: as many as there is room for, a share of them for each address, and none that stands still for ever.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

/// Connections at once: below the number of files that a process may usually have open. More wait to be accepted.
const MOST: usize = 768;

/// Most of them from one address.
const MOST_OF_ONE: usize = 96;

/// How long a connection may take until it says something at all.
const FIRST_WORD: Duration = Duration::from_secs(10);

/// How long it may take to say what it wants, also between two requests; behind a proxy longer than proxies keep idle
/// connections, so that they, and not this server, give them up.
const SILENCE: Duration = Duration::from_secs(30);
const SILENCE_OF_A_PROXY: Duration = Duration::from_secs(75);

/// How long a reader may take no byte of an answer.
const NOT_READING: Duration = Duration::from_secs(30);

/// Connections of each address.
type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Who is connected, and how many more may be.
struct Places {
    all: Arc<Semaphore>,
    of_each: Counts,
    /// Whether all come through a proxy, which has one address.
    proxied: bool,
}

/// One of the places, free again when it is dropped.
struct Place {
    _one: OwnedSemaphorePermit,
    of: Option<(IpAddr, Counts)>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((peer, of_each)) = &self.of else { return };
        let mut of_each = of_each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of_each.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                of_each.remove(peer);
            }
        }
    }
}

impl Places {
    /// A place for `peer`, once there is one among all; `None` if it has its share already.
    fn place(&self, one: OwnedSemaphorePermit, peer: IpAddr) -> Option<Place> {
        // Programs of this machine may have as many as they like: who runs them could stop the server in other ways.
        if self.proxied || peer.to_canonical().is_loopback() {
            return Some(Place { _one: one, of: None });
        }
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        let count = of_each.entry(peer).or_default();
        if *count >= MOST_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Place { _one: one, of: Some((peer, self.of_each.clone())) })
    }
}

/// Accepts connections until `shutdown`, then waits for those that are being answered. `proxied`: they all come from
/// proxies.
pub(crate) async fn serve(listener: TcpListener, router: Router, proxied: bool, shutdown: &CancellationToken) {
    let places = Places { all: Arc::new(Semaphore::new(MOST)), of_each: Arc::default(), proxied };
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(if proxied { SILENCE_OF_A_PROXY } else { SILENCE });
    while let Some((stream, peer, place)) = next(&listener, &places, shutdown).await {
        let router = router.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let mut router = router.clone();
            async move { Service::call(&mut router, request).await.map_err(|never: Infallible| never) }
        });
        let (http, watcher) = (http.clone(), graceful.watcher());
        tokio::spawn(async move {
            // Nobody waits for a connection that has not asked for anything, so it need not be watched.
            if tokio::time::timeout(FIRST_WORD, stream.readable()).await.is_err() {
                return;
            }
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(NOT_READING));
            let connection = watcher.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), answer));
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// The next connection, when there is room for one; `None` once `shutdown` is told.
async fn next(
    listener: &TcpListener,
    places: &Places,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, Place)> {
    let accepted = async {
        loop {
            let one = places.all.clone().acquire_owned().await.ok()?;
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Who has a share already is sent away, and the place is for the next.
                    let Some(place) = places.place(one, peer.ip()) else { continue };
                    // Answers are written whole; waiting to fill a packet only delays them.
                    let _ = stream.set_nodelay(true);
                    return Some((stream, peer, place));
                }
                Err(error) => {
                    // Out of files, most likely: in a moment some are closed.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    tokio::select! {
        next = accepted => next,
        () = shutdown.cancelled() => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_takes_all_the_places() {
        let places = |proxied| Places { all: Arc::new(Semaphore::new(MOST)), of_each: Arc::default(), proxied };
        let direct = places(false);
        let one =
            async |peer: &str| direct.place(direct.all.clone().acquire_owned().await.unwrap(), peer.parse().unwrap());
        let mut held = Vec::new();
        for _ in 0..MOST_OF_ONE {
            held.push(one("192.0.2.1").await.unwrap());
        }
        assert!(one("192.0.2.1").await.is_none());
        assert!(one("192.0.2.2").await.is_some() && one("127.0.0.1").await.is_some());
        held.pop();
        assert!(one("192.0.2.1").await.is_some());
        drop(held);
        assert!(direct.of_each.lock().unwrap().is_empty(), "nothing is remembered of those who left");
        assert_eq!(direct.all.available_permits(), MOST);
    }
}
