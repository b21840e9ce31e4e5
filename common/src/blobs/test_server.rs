//! A real S3 server over HTTP, for tests; it checks signatures.

use std::net::SocketAddr;

use config::{S3, StorageUrl};
use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::Blobs;

pub(super) const SECRET: &str = "hunter2hunter2";

pub(super) struct TestServer {
    pub(super) address: SocketAddr,
    /// The bucket `pictures` is a folder in it.
    pub(super) folder: tempfile::TempDir,
    serving: JoinHandle<()>,
}

impl TestServer {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("pictures")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single("me", SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let connection = hyper::server::conn::http1::Builder::new();
                connections.spawn(connection.serve_connection(TokioIo::new(socket), service.clone()));
            }
        });
        Self { address, folder, serving }
    }

    /// Ends at once, with all its connections.
    pub(super) async fn kill(&mut self) {
        self.serving.abort();
        assert!((&mut self.serving).await.unwrap_err().is_cancelled());
    }

    pub(super) fn settings(&self) -> S3 {
        settings(self.address)
    }

    /// Its bucket, below `prefix`.
    pub(super) fn blobs(&self, prefix: &str) -> Blobs {
        open("pictures", prefix, &self.settings())
    }

    /// What lies around of uploads that were not completed.
    pub(super) fn left_over(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload")).collect()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// How a server at `address` is reached.
pub(super) fn settings(address: SocketAddr) -> S3 {
    S3 {
        access_key_id: Some("me".into()),
        secret_access_key: Some(SECRET.to_owned().into()),
        region: None,
        endpoint: Some(format!("http://{address}")),
        force_path_style: true,
        presigned_downloads: true,
    }
}

pub(super) fn open(bucket: &str, prefix: &str, settings: &S3) -> Blobs {
    Blobs::open(&StorageUrl::S3 { bucket: bucket.into(), prefix: prefix.into() }, settings).unwrap()
}

/// The address of a server that always gives the same answer.
pub(super) async fn answering(status: &str, body: &str) -> SocketAddr {
    let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut asked).await.unwrap(), 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

/// Fetches a URL as anybody would: the status and the body.
pub(super) async fn fetch(url: &str) -> (u16, Vec<u8>) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await.unwrap();
    let head = raw.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let status = std::str::from_utf8(&raw[9..12]).unwrap().parse().unwrap();
    (status, raw.split_off(head))
}
