//! An S3 server over HTTP of a test's own; it checks signatures.

use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

/// The secret of its key `me`.
const SECRET: &str = "hunter2hunter2";

pub(crate) struct Bucket {
    endpoint: String,
    folder: tempfile::TempDir,
    serving: JoinHandle<()>,
}

impl Bucket {
    /// With an empty bucket `pictures`.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("pictures")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single("me", SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let connection = hyper::server::conn::http1::Builder::new();
                connections.spawn(connection.serve_connection(TokioIo::new(socket), service.clone()));
            }
        });
        Self { endpoint, folder, serving }
    }

    /// The settings of programs that use it.
    pub(crate) fn settings(&self) -> [(&'static str, &str); 4] {
        [
            ("STORAGE_URL", "s3://pictures/of/tests"),
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_ACCESS_KEY_ID", "me"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ]
    }

    /// How many objects are in it.
    pub(crate) fn objects(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("pictures/of/tests")).map_or(0, Iterator::count)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
