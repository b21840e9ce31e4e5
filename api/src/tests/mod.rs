//! The web over a real socket, with real stores and no worker.

mod files;
mod mcp;
mod oidc;
mod pages;
mod setup;
mod visitor;
mod web;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use common::{
    Blobs, Clock, Facts, Format, ImageId, ImageRecord, JobId, Stores, UserId,
    outcome::{Before, Outcome, PreviewRef, Transformed},
};
use config::{Config, Surroundings, Way};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub(crate) use visitor::Visitor;

use crate::{
    Authority,
    serve::{ServeError, serve},
};

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) config: Config,
    /// How the world reaches it.
    pub(crate) issuer: String,
    pub(crate) stores: Stores,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
    folder: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// The values of `Set-Cookie`.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The messages of a stream of events.
    pub(crate) fn events(&self) -> Vec<Value> {
        assert_eq!(self.headers["content-type"], "text/event-stream", "{}", self.body);
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
    }
}

impl House {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[("AUTH", "off")]).await
    }

    /// One with these settings.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings).await
    }

    /// One with these settings and what an earlier one left in its folder.
    pub(crate) async fn start_in(folder: tempfile::TempDir, settings: &[(&str, &str)]) -> Self {
        let around = Surroundings {
            way: Way::Serve,
            start_dir: folder.path().into(),
            home_dir: None,
            data_home: folder.path().join("home"),
            cores: 1,
            read_file: |path| std::fs::read_to_string(path),
        };
        let settings = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let config = Config::read(&settings, &around).unwrap();
        let blobs = Blobs::open(&config.storage.url, &config.storage.s3).unwrap();
        let stores =
            Stores::open(&config.storage.data_dir, blobs, Duration::from_secs(30), Clock::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = config.web.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let shutdown = CancellationToken::new();
        let (kept, set, stop) = (stores.clone(), config.clone(), shutdown.clone());
        let serving = tokio::spawn(async move { serve(&set, kept, listener, stop).await });
        Self { address, config, issuer, stores, shutdown, serving, folder }
    }

    /// Another process with the same settings and stores, as the shell commands are.
    pub(crate) async fn authority(&self) -> Authority {
        Authority::open(&self.config, &self.stores, self.address).await.unwrap()
    }

    /// Stops, and leaves its folder to the next.
    pub(crate) async fn move_out(self) -> tempfile::TempDir {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
        self.stores.close().await;
        self.folder
    }

    /// Why it did not start.
    pub(crate) async fn start_error(self) -> String {
        self.serving.await.unwrap().unwrap_err().to_string()
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
    }

    /// One request on a connection of its own. `Host` is right unless it is among `headers`.
    pub(crate) async fn http(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = self.send(method, path, headers, body).await;
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).await.unwrap();
        answer(&raw)
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            let host = self.issuer.split_once("://").unwrap().1;
            head.push_str(&format!("Host: {host}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        stream
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.http("GET", path, &[], "").await
    }

    pub(crate) async fn post_mcp(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        let usual = [("Accept", "application/json, text/event-stream"), ("Content-Type", "application/json")];
        let headers: Vec<_> = usual.into_iter().chain(headers.iter().copied()).collect();
        self.http("POST", "/mcp", &headers, body).await
    }

    /// Calls a tool and returns its result.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.post_mcp(&[], &call_of(tool, arguments).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["result"].clone()
    }

    /// The record of a picture of `length` bytes, which are not there yet.
    pub(crate) fn record(&self, owner: &UserId, length: u64) -> ImageRecord {
        let id = ImageId::random().unwrap();
        ImageRecord {
            blob: format!("{id}.png"),
            owner: owner.clone(),
            tool: "transform_image".into(),
            job: JobId::random().unwrap(),
            parent: None,
            source: Some("cat.png".into()),
            name: "kätzchen.png".into(),
            recipe: None,
            by_model: None,
            facts: Facts {
                width: 2,
                height: 1,
                format: Format::Png,
                bytes: length,
                sha256: "ab".repeat(32),
                alpha: false,
                bit_depth: 8,
            },
            created_at: self.stores.clock.now_ms(),
            id,
        }
    }

    /// A stored picture as a worker would have made it.
    pub(crate) async fn store(&self, owner: &UserId, bytes: &[u8]) -> ImageRecord {
        let record = self.record(owner, bytes.len() as u64);
        self.stores.blobs.put(&record.blob, bytes.to_vec()).await.unwrap();
        self.stores.images.put(&record).await.unwrap();
        record
    }

    /// What a worker would have written into the record of a transform.
    pub(crate) async fn transformed(&self) -> Outcome {
        let image = self.store(&UserId::local(), b"picture").await;
        let preview = PreviewRef { blob: image.blob.clone(), media_type: "image/png".into() };
        Outcome::Transformed(Box::new(Transformed {
            before: Before { width: 4, height: 2, format: Format::Tga, bytes: 99 },
            applied: vec!["resize to 2 × 1".into()],
            ignored: vec![],
            warnings: vec![],
            preview: Some(preview),
            saved_to: None,
            image,
        }))
    }
}

pub(crate) fn call_of(tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

fn answer(raw: &[u8]) -> Answer {
    let split = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("a complete head");
    let head = String::from_utf8(raw[..split].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let pairs: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let cookies = pairs.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.clone()).collect();
    let headers: BTreeMap<String, String> = pairs.into_iter().collect();
    let body = &raw[split + 4..];
    let chunked = headers.get("transfer-encoding").is_some_and(|encoding| encoding == "chunked");
    let body = if chunked { unchunked(body) } else { body.to_vec() };
    Answer { status, headers, cookies, body: String::from_utf8_lossy(&body).into_owned() }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
    whole
}
