//! A Redis server of a test's own, behind a socket in a temporary folder: no port, so none can be taken.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::Redis;
use crate::Clock;

pub(crate) struct TestServer {
    pub(crate) redis: Redis,
    pub(crate) clock: Clock,
    pub(crate) url: String,
    server: Child,
    durable: bool,
    folder: tempfile::TempDir,
}

impl TestServer {
    /// A fresh server; `None`, said loudly, where redis-server is not installed.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with(false).await
    }

    /// A fresh server that writes down what it is told, and so can be restarted.
    pub(crate) async fn durable() -> Option<Self> {
        Self::start_with(true).await
    }

    async fn start_with(durable: bool) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let server = spawn(folder.path(), durable).await?;
        let socket = folder.path().join("redis.sock");
        let (url, clock) = (format!("redis+unix://{}", socket.display()), Clock::default());
        let redis = Redis::open(&url, clock.clone()).await.unwrap();
        Some(Self { redis, clock, url, server, durable, folder })
    }

    /// Kills the server.
    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        std::fs::remove_file(self.folder.path().join("redis.sock")).unwrap();
    }

    /// Starts it again after [`Self::kill`].
    pub(crate) async fn revive(&mut self) {
        self.server = spawn(self.folder.path(), self.durable).await.unwrap();
    }
}

async fn spawn(folder: &Path, durable: bool) -> Option<Child> {
    let socket = folder.join("redis.sock");
    let server = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", if durable { "yes" } else { "no" }, "--unixsocket"])
        .arg(&socket)
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn();
    let Ok(server) = server else {
        println!("SKIPPED: redis-server is not installed, so this was not tested on Redis");
        return None;
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while !socket.exists() {
        assert!(Instant::now() < deadline, "redis-server does not start");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Some(server)
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test]
async fn news_reach_everybody() {
    use super::News;
    use crate::{JobId, job::Lane};
    let Some(server) = TestServer::start().await else { return };
    let other = Redis::open(&server.url, Clock::default()).await.unwrap();
    let mut heard = other.listen();
    let told = [News::Wake(Lane::Cpu), News::Over(JobId::random().unwrap()), News::Changed(JobId::random().unwrap())];
    // The listener connects on its own; until then nobody hears.
    while heard.recv().await.unwrap() != News::Reconnected {}
    for news in &told {
        server.redis.tell(news).await.unwrap();
    }
    for news in &told {
        assert_eq!(heard.recv().await.unwrap(), *news);
    }
}
