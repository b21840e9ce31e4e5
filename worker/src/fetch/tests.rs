//! Pictures from a real server over TLS, on loopback; the resolver of the test leads there.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::FailureKind;
use reqwest::{
    Certificate,
    dns::{Name, Resolve, Resolving},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};

use super::{Fetcher, public_dns::public_only};

const PICTURE: &[u8] = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;";

/// A server that says the same to everybody, however wrong.
struct Server {
    address: SocketAddr,
    root: Certificate,
    asked: Arc<AtomicUsize>,
    request: Arc<Mutex<String>>,
}

impl Server {
    /// `hangs`: it sends nothing more, and does not hang up.
    async fn saying(reply: Vec<u8>, hangs: bool) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["images.example".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (asked, request) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<String>>::default());
        let server = Self {
            address: listener.local_addr().unwrap(),
            root: Certificate::from_der(made.cert.der()).unwrap(),
            asked: asked.clone(),
            request: request.clone(),
        };
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                asked.fetch_add(1, Ordering::SeqCst);
                let (acceptor, reply, last) = (acceptor.clone(), reply.clone(), request.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(socket).await else { return };
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        request.push(byte);
                    }
                    *last.lock().unwrap() = String::from_utf8(request).unwrap().to_lowercase();
                    let _ = stream.write_all(&reply).await;
                    let _ = stream.flush().await;
                    if hangs {
                        std::future::pending::<()>().await;
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        server
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn fetcher(&self) -> Fetcher {
        self.fetcher_within(Duration::from_secs(20))
    }

    fn fetcher_within(&self, longest: Duration) -> Fetcher {
        Fetcher::new(To(self.address), vec![self.root.clone()], longest, 10_000)
    }
}

/// Leads every name to one address.
struct To(SocketAddr);

impl Resolve for To {
    fn resolve(&self, _: Name) -> Resolving {
        let address = self.0;
        Box::pin(async move { Ok(Box::new([address].into_iter()) as _) })
    }
}

fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn moved(to: &str) -> Vec<u8> {
    reply("302 Found", &format!("location: {to}\r\n"), b"")
}

const ADDRESS: &str = "https://images.example/a/cat.gif?size=3";

#[tokio::test]
async fn a_picture_is_fetched_and_nothing_of_ours_is_told() {
    // By its content, whatever its type says.
    let server = Server::saying(reply("200 OK", "content-type: text/plain\r\n", PICTURE), false).await;
    assert_eq!(server.fetcher().fetch(ADDRESS).await.unwrap(), PICTURE);
    let request = server.request.lock().unwrap().clone();
    assert!(request.starts_with("get /a/cat.gif?size=3 "), "{request}");
    for header in ["cookie", "authorization", "referer"] {
        assert!(!request.contains(header), "{request}");
    }
}

#[tokio::test]
async fn addresses_that_may_not_be_asked_are_not() {
    let server = Server::saying(reply("200 OK", "", PICTURE), false).await;
    for address in [
        "http://images.example/a.gif",
        "ftp://images.example/a.gif",
        "file:///etc/passwd",
        "https://127.0.0.1/a.gif",
        "https://2130706433/a.gif",
        "https://0x7f.1/a.gif",
        "https://[::1]/a.gif",
        "https://[::ffff:127.0.0.1]/a.gif",
        "https://169.254.169.254/latest/meta-data",
        "https://images.example:8443/a.gif",
        "https://me@images.example/a.gif",
        "https://me:pw@images.example/a.gif",
        "https://",
        "images.example/a.gif",
    ] {
        let failure = server.fetcher().fetch(address).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::FileNotReachable, "{address}");
        assert!(failure.next.is_some() && failure.allowed.is_some(), "{address}");
    }
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn no_redirect_leads_where_the_first_address_may_not() {
    for to in [
        "http://images.example/b.gif",
        "https://127.0.0.1/b.gif",
        "https://[fd00:ec2::254]/",
        "https://images.example:22/",
        "file:///etc/passwd",
        "gopher://images.example/",
    ] {
        let server = Server::saying(moved(to), false).await;
        let failure = server.fetcher().fetch(ADDRESS).await.unwrap_err();
        assert_eq!((failure.kind, server.asked()), (FailureKind::FileNotReachable, 1), "{to}: {failure}");
    }
    let server = Server::saying(moved("/again"), false).await;
    let failure = server.fetcher().fetch(ADDRESS).await.unwrap_err();
    assert!(failure.message.contains("too often"), "{failure}");
    assert_eq!(server.asked(), 6);
}

#[tokio::test]
async fn names_of_our_own_network_lead_nowhere() {
    let at = |address: &str| SocketAddr::new(address.parse::<IpAddr>().unwrap(), 443);
    let own = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:192.168.1.1"];
    assert!(public_only(own.into_iter().map(at).collect()).is_err());
    let mixed = vec![at("10.0.0.1"), at("93.184.216.34")];
    assert_eq!(public_only(mixed).unwrap().collect::<Vec<_>>(), [at("93.184.216.34")]);
    // The name of this machine, by the resolver that the program uses.
    let fetcher = Fetcher::public(1000);
    let failure = fetcher.fetch("https://localhost/a.gif").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::FileNotReachable);
}

#[tokio::test]
async fn what_is_no_picture_is_told_as_such() {
    let page = reply("200 OK", "content-type: text/html; charset=utf-8\r\n", b"<!doctype html><p>A cat</p>");
    let failure = Server::saying(page, false).await.fetcher().fetch(ADDRESS).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::UnsupportedFormat);
    assert!(failure.message.contains("web page"), "{failure}");
    for (answer, kind) in [
        (reply("404 Not Found", "", PICTURE), FailureKind::FileNotReachable),
        (reply("200 OK", "content-encoding: gzip\r\n", PICTURE), FailureKind::FileNotReachable),
        (reply("200 OK", "", b""), FailureKind::UnsupportedFormat),
        (reply("200 OK", "", &[7; 9000]), FailureKind::UnsupportedFormat),
        (reply("200 OK", "", &[PICTURE, &[0; 10_000]].concat()), FailureKind::TooLarge),
        // Without saying so before.
        ([b"HTTP/1.1 200 OK\r\n\r\n", PICTURE, &[0; 20_000]].concat(), FailureKind::TooLarge),
        // Cut off.
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nGIF89a".to_vec(), FailureKind::FileNotReachable),
        (b"nonsense".to_vec(), FailureKind::FileNotReachable),
    ] {
        let server = Server::saying(answer, false).await;
        let failure = server.fetcher().fetch(ADDRESS).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_or_has_another_name_is_given_up() {
    let server = Server::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nGIF".to_vec(), true).await;
    let failure = server.fetcher_within(Duration::from_millis(300)).fetch(ADDRESS).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::FileNotReachable);
    let server = Server::saying(reply("200 OK", "", PICTURE), false).await;
    let failure = server.fetcher().fetch("https://other.example/a.gif").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::FileNotReachable, "the certificate is of another");
}
