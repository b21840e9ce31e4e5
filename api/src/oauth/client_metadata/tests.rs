//! Documents from a real server over TLS, on loopback; the resolver of the test leads there.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use common::Clock;
use futures::{FutureExt, future::BoxFuture};
use reqwest::{
    Certificate,
    dns::{Name, Resolve, Resolving},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};

use super::{
    ClientDocuments,
    fetch::{Fetcher, LONGEST},
    public_dns::{LookUp, PublicDns, System},
};

const HOST: &str = "app.example";
const ID: &str = "https://app.example/client";

/// What the server says to whoever asks: raw, so that it can be wrong in any way.
#[derive(Clone)]
struct Reply {
    bytes: Vec<u8>,
    /// Sends nothing more, and does not hang up.
    hangs: bool,
}

struct Server {
    address: SocketAddr,
    root: Certificate,
    asked: Arc<AtomicUsize>,
    last_request: Arc<Mutex<String>>,
    reply: Arc<Mutex<Reply>>,
}

impl Server {
    async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(vec![HOST.to_owned(), "tool.example".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            root: Certificate::from_der(made.cert.der()).unwrap(),
            asked: Arc::default(),
            last_request: Arc::default(),
            reply: Arc::new(Mutex::new(json_reply("", &document()))),
        };
        let (asked, last, reply) = (server.asked.clone(), server.last_request.clone(), server.reply.clone());
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                asked.fetch_add(1, Ordering::SeqCst);
                let (acceptor, last, reply) = (acceptor.clone(), last.clone(), reply.lock().unwrap().clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(socket).await else { return };
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        request.push(byte);
                    }
                    *last.lock().unwrap() = String::from_utf8(request).unwrap().to_lowercase();
                    let _ = stream.write_all(&reply.bytes).await;
                    let _ = stream.flush().await;
                    if reply.hangs {
                        std::future::pending::<()>().await;
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        server
    }

    fn says(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Documents that come from this server, whatever their host.
    fn documents(&self, clock: &Clock) -> ClientDocuments {
        self.documents_by(To(self.address), clock)
    }

    fn documents_by(&self, resolver: impl Resolve + 'static, clock: &Clock) -> ClientDocuments {
        let fetcher = Fetcher::new(resolver, vec![self.root.clone()], LONGEST);
        ClientDocuments::with("https://tool.example", clock, fetcher)
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

/// Answers that are given one after the other, the last one for ever.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Vec<SocketAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Script {
    fn of(answers: &[&[SocketAddr]]) -> Self {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() }
    }
}

impl LookUp for Script {
    fn look_up(&self, _: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
        async move { Ok(answer) }.boxed()
    }
}

/// The network between: what is dialled at a public address arrives at a server of the test.
struct Network {
    dns: PublicDns,
    server: SocketAddr,
}

impl Resolve for Network {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, server) = (self.dns.resolve(name), self.server);
        Box::pin(async move {
            let arrive = move |address: SocketAddr| if address == PUBLIC { server } else { address };
            Ok(Box::new(found.await?.map(arrive)) as _)
        })
    }
}

const PUBLIC: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34)), 443);

fn document() -> Value {
    json!({"client_id": ID, "client_name": "An app", "redirect_uris": ["https://app.example/callback"]})
}

fn reply(head: &str, body: &[u8]) -> Reply {
    let head = format!("HTTP/1.1 {head}Connection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    Reply { bytes: [head.as_bytes(), body].concat(), hangs: false }
}

fn json_reply(headers: &str, document: &Value) -> Reply {
    reply(&format!("200 OK\r\nContent-Type: application/json\r\n{headers}"), document.to_string().as_bytes())
}

#[tokio::test]
async fn a50_names_that_lead_to_our_own_network_are_refused() {
    let clock = Clock::default();
    let documents = ClientDocuments::new("https://tool.example", &clock);
    assert!(documents.get("https://localhost/client").await.is_err());
    let server = Server::start().await;
    for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "fd00::1", "::ffff:127.0.0.1", "::1"] {
        let dns = PublicDns::over(Script::of(&[&[SocketAddr::new(address.parse().unwrap(), server.address.port())]]));
        let documents = server.documents_by(Network { dns, server: server.address }, &clock);
        assert!(documents.get(ID).await.is_err(), "{address}");
    }
    assert_eq!(server.asked(), 0);
    let name = "localhost".parse().unwrap();
    assert!(PublicDns::over(System).resolve(name).await.is_err());
}

#[tokio::test]
async fn a50_of_several_addresses_only_the_public_ones_are_dialled() {
    let mixed = ["127.0.0.1:443", "93.184.216.34:443", "10.0.0.1:443", "[fe80::1]:443"];
    let mixed = mixed.map(|address| address.parse().unwrap());
    let dns = PublicDns::over(Script::of(&[&mixed]));
    let found: Vec<_> = dns.resolve(HOST.parse().unwrap()).await.unwrap().collect();
    assert_eq!(found, [PUBLIC]);
}

#[tokio::test]
async fn a51_the_address_that_was_checked_is_the_one_that_is_dialled() {
    let (good, own) = (Server::start().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
    let script = Script::of(&[&[PUBLIC], &[own.local_addr().unwrap()]]);
    let clock = Clock::default();
    let network = Network { dns: PublicDns::over(script.clone()), server: good.address };
    let documents = good.documents_by(network, &clock);
    documents.get(ID).await.unwrap();
    assert_eq!((script.asked.load(Ordering::SeqCst), good.asked()), (1, 1), "one look-up, one connection");
    clock.advance(Duration::from_secs(3601));
    // The name leads to this machine by now.
    assert!(documents.get(ID).await.is_err());
    assert_eq!((script.asked.load(Ordering::SeqCst), good.asked()), (2, 1));
    assert!(own.accept().now_or_never().is_none());
}

#[tokio::test]
async fn a52_answers_that_are_no_document() {
    let server = Server::start().await;
    let documents = server.documents(&Clock::default());
    let whole = document().to_string();
    let mut long = document();
    long["client_name"] = "x".repeat(5 * 1024).into();
    let json_type = "Content-Type: application/json\r\n";
    // Right but for their length, of which they say nothing.
    let endless = format!("HTTP/1.1 200 OK\r\n{json_type}\r\n{}{whole}", " ".repeat(6 * 1024));
    let chunk = "400\r\n".to_owned() + &" ".repeat(1024) + "\r\n";
    let last = format!("{:x}\r\n{whole}\r\n0\r\n\r\n", whole.len());
    let chunked =
        format!("HTTP/1.1 200 OK\r\n{json_type}Transfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(6) + &last);
    let body = whole.as_bytes();
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for (name, reply) in [
        ("redirect", reply(&format!("302 Found\r\nLocation: https://app.example/other\r\n{json_type}"), body)),
        ("redirect to ourselves", reply("308 Moved\r\nLocation: https://127.0.0.1/\r\n", b"")),
        ("not found", reply(&format!("404 Not Found\r\n{json_type}"), body)),
        ("partial", reply(&format!("206 Partial Content\r\n{json_type}"), body)),
        ("created", reply(&format!("201 Created\r\n{json_type}"), body)),
        ("over 5 KB", json_reply("", &long)),
        ("over 5 KB without a length", Reply { bytes: endless.into_bytes(), hangs: false }),
        ("over 5 KB in chunks", Reply { bytes: chunked.into_bytes(), hangs: false }),
        ("gzip", reply(&format!("200 OK\r\n{json_type}Content-Encoding: gzip\r\n"), &gzip)),
        ("brotli, so it says", reply(&format!("200 OK\r\n{json_type}Content-Encoding: br\r\n"), body)),
        ("HTML", reply("200 OK\r\nContent-Type: text/html\r\n", body)),
        ("JavaScript", reply("200 OK\r\nContent-Type: text/json\r\n", body)),
        ("no type", reply("200 OK\r\n", body)),
        ("no JSON", reply(&format!("200 OK\r\n{json_type}"), b"<html>")),
        ("a list", reply(&format!("200 OK\r\n{json_type}"), b"[]")),
        ("half of it", reply(&format!("200 OK\r\n{json_type}"), &body[..body.len() / 2])),
        ("no HTTP", Reply { bytes: b"hello\r\n".to_vec(), hangs: false }),
        ("nothing", Reply { bytes: vec![], hangs: false }),
    ] {
        server.says(reply);
        let asked = server.asked();
        assert!(documents.get(ID).await.is_err(), "{name}");
        assert_eq!(server.asked(), asked + 1, "{name}: one request, none to where it leads");
    }
    server.says(reply("200 OK\r\nContent-Type: Application/Client+JSON; charset=utf-8\r\n", body));
    assert!(documents.get(ID).await.is_ok());
    let request = server.last_request.lock().unwrap().clone();
    assert!(request.contains("accept-encoding: identity") && request.contains("accept: application/json"), "{request}");
    assert!(!request.contains("cookie") && !request.contains("authorization"));
}

#[tokio::test]
async fn a52_a_slow_answer_is_not_waited_for() {
    let server = Server::start().await;
    let fetcher = Fetcher::new(To(server.address), vec![server.root.clone()], Duration::from_millis(400));
    let documents = ClientDocuments::with("https://tool.example", &Clock::default(), fetcher);
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{".to_vec();
    server.says(Reply { bytes: head, hangs: true });
    let begun = Instant::now();
    // More than there are turns: the ones that wait for a turn give up too.
    let ids: Vec<_> = (0..20).map(|number| format!("{ID}/{number}")).collect();
    let answers = futures::future::join_all(ids.iter().map(|id| documents.get(id))).await;
    assert!(answers.iter().all(Result::is_err));
    assert!(server.asked() <= 16 && begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a52_addresses_that_no_client_has_are_not_fetched() {
    let server = Server::start().await;
    let documents = server.documents(&Clock::default());
    for address in [
        "http://app.example/client",
        "https://app.example",
        "https://app.example/",
        "https://user@app.example/client",
        "https://app.example/client#a",
        "https://app.example/a/../client",
        "https://app.example/a/%2e%2e/client",
        "https://tool.example/client",
        "https://127.0.0.1/client",
        "https://app.example:8443/client",
    ] {
        assert!(documents.get(address).await.is_err(), "{address}");
    }
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn a53_the_document_names_its_own_address_and_refusals_are_not_kept() {
    let server = Server::start().await;
    let documents = server.documents(&Clock::default());
    let mut other = document();
    other["client_id"] = "https://app.example/other".into();
    server.says(json_reply("Cache-Control: max-age=3600\r\n", &other));
    assert!(documents.get(ID).await.is_err());
    let mut secret = document();
    secret["client_secret"] = "hunter2".into();
    server.says(json_reply("Cache-Control: max-age=3600\r\n", &secret));
    assert!(documents.get(ID).await.is_err());
    // It is put right, and works at once.
    server.says(json_reply("", &document()));
    assert_eq!(documents.get(ID).await.unwrap().redirect_uris, ["https://app.example/callback"]);
    assert_eq!(server.asked(), 3);
}

#[tokio::test]
async fn a53_a_document_is_kept_as_long_as_its_server_says() {
    let server = Server::start().await;
    let clock = Clock::default();
    let documents = server.documents(&clock);
    server.says(json_reply("Cache-Control: public\r\nCache-Control: max-age=600\r\n", &document()));
    documents.get(ID).await.unwrap();
    clock.advance(Duration::from_secs(590));
    documents.get(ID).await.unwrap();
    assert_eq!(server.asked(), 1);
    clock.advance(Duration::from_secs(20));
    documents.get(ID).await.unwrap();
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a54_a_hundred_at_once_are_one_fetch() {
    let server = Server::start().await;
    let documents = server.documents(&Clock::default());
    let answers = futures::future::join_all((0..100).map(|_| documents.get(ID))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|document| document.domain == HOST)));
    assert_eq!(server.asked(), 1);
    // The same where there is nothing, which is not kept.
    server.says(reply("404 Not Found\r\n", b""));
    let other = "https://app.example/nothing";
    let answers = futures::future::join_all((0..100).map(|_| documents.get(other))).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(server.asked(), 2);
    documents.get(other).await.unwrap_err();
    assert_eq!(server.asked(), 3);
}

#[tokio::test]
async fn a54_whoever_goes_away_spoils_nothing_for_the_rest() {
    let server = Server::start().await;
    let documents = server.documents(&Clock::default());
    assert!(documents.get(ID).now_or_never().is_none(), "it takes its time");
    documents.get(ID).await.unwrap();
    assert_eq!(server.asked(), 1, "the first fetch went on");
}

#[tokio::test]
async fn a54_every_cause_reads_the_same() {
    let server = Server::start().await;
    let documents = server.documents(&Clock::default());
    let mut texts = vec![];
    for reply in [
        reply("404 Not Found\r\n", b""),
        reply("302 Found\r\nLocation: https://10.0.0.1/\r\n", b""),
        reply("200 OK\r\nContent-Type: application/json\r\n", b"no"),
        Reply { bytes: vec![], hangs: false },
    ] {
        server.says(reply);
        texts.push(documents.get(ID).await.unwrap_err().to_string());
    }
    for address in ["https://app.example/", "http://app.example/client", "https://user@app.example/client"] {
        texts.push(documents.get(address).await.unwrap_err().to_string());
    }
    let own = PublicDns::over(Script::of(&[&[server.address]]));
    texts.push(server.documents_by(own, &Clock::default()).get(ID).await.unwrap_err().to_string());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    texts.push(server.documents_by(To(closed), &Clock::default()).get(ID).await.unwrap_err().to_string());
    for text in texts {
        assert_eq!(text, "The client's metadata document at app.example could not be used.");
    }
}

#[tokio::test]
async fn a54_a_server_that_cannot_prove_its_name_is_refused() {
    let (server, other) = (Server::start().await, Server::start().await);
    // Its certificate is its own work, and nobody we believe has signed it.
    let documents = server.documents_by(To(other.address), &Clock::default());
    assert!(documents.get(ID).await.is_err());
    assert!(server.documents(&Clock::default()).get("https://elsewhere.example/client").await.is_err());
}

#[tokio::test]
async fn a55_documents_as_the_great_clients_have_them() {
    let server = Server::start().await;
    let documents = server.documents(&Clock::default());
    let claude = json!({
        "client_id": ID, "client_name": "Claude", "client_uri": "https://claude.ai",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let code = json!({
        "client_id": ID, "client_name": "Claude Code", "client_uri": "https://claude.ai",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let chatgpt = json!({
        "client_id": ID, "client_name": "ChatGPT", "application_type": "web", "logo_uri": "https://chatgpt.com/logo.png",
        "redirect_uris": ["https://chatgpt.com/connector/oauth/abc123"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://chatgpt.com/jwks.json",
    });
    for document in [claude, code, chatgpt] {
        let clock = Clock::default();
        server.says(json_reply("", &document));
        let read = server.documents(&clock).get(ID).await.unwrap();
        assert_eq!(read.name.as_deref(), document["client_name"].as_str());
        assert_eq!(json!(read.redirect_uris), document["redirect_uris"]);
    }
    assert!(documents.get("https://app.example/client?v=2").await.is_err(), "another address is another client");
}
