//! Boots the real binary, calls it, and checks that it leaves nothing behind.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The binary under test, built beside this test.
pub(crate) fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let binary = folder.join(format!("image-tool{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.exists(), "{} is missing: run tests/run, or cargo build first", binary.display());
    binary
}

/// A folder with `pictures/`, which servers may read, and `data/`, which is theirs.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("pictures")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn picture(&self, name: &str) -> PathBuf {
        self.path("pictures").join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.picture(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The binary with an environment of its own.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path(""))
            .env("DATA_DIR", self.path("data"))
            .env("ALLOWED_DIRS", self.path("pictures"))
            .current_dir(self.path("pictures"));
        command
    }
}

/// A running `image-tool serve`.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    http: reqwest::Client,
    next_id: AtomicU64,
}

impl Server {
    pub(crate) fn start(folder: &Folder) -> Self {
        Self::start_with(folder, &[])
    }

    pub(crate) fn start_with(folder: &Folder, settings: &[(&str, &str)]) -> Self {
        let mut command = folder.command();
        // Most tests are about images; those about sign-in turn it on.
        command
            .env("PORT", "0")
            .env("AUTH", "off")
            .envs(settings.iter().copied())
            .stderr(Stdio::piped())
            .stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .map(|line| line.expect("the server ended before it listened"))
            .find_map(|line| line.strip_prefix("Image Tool listens on ").map(str::to_owned))
            .expect("the server ended before it listened");
        // The pipe is read to its end, or the server would stop at a full one.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url, http: reqwest::Client::new(), next_id: AtomicU64::new(1) }
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as an operator does, and says how it ended.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> std::process::ExitStatus {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap()
    }

    /// The result of a tool call: `structuredContent` and the whole result.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Reply {
        Reply { result: self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await }
    }

    /// The result of a request of MCP.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let answer = self
            .http
            .post(format!("{}/mcp", self.url))
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2025-11-25")
            .json(&request)
            .send()
            .await
            .unwrap();
        let body = answer.text().await.unwrap();
        let message: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(message["id"], id);
        message["result"].clone()
    }

    /// A call that must succeed.
    pub(crate) async fn ok(&self, tool: &str, arguments: Value) -> Value {
        let reply = self.call(tool, arguments).await;
        assert_ne!(reply.result["isError"], true, "{}", reply.text());
        reply.structured()
    }

    /// A call that must fail; the code of its failure and its text.
    pub(crate) async fn fails(&self, tool: &str, arguments: Value) -> (String, String) {
        let reply = self.call(tool, arguments.clone()).await;
        assert_eq!(reply.result["isError"], true, "{tool} {arguments} was accepted: {}", reply.text());
        let kind = reply.structured()["error"]["kind"].as_str().unwrap_or_default().to_owned();
        (kind, reply.text())
    }

    pub(crate) async fn get(&self, url: &str) -> reqwest::Response {
        let url = if url.starts_with('/') { format!("{}{url}", self.url) } else { url.to_owned() };
        self.http.get(url).send().await.unwrap()
    }

    /// Waits for the end of a job.
    pub(crate) async fn finished(&self, job: &str) -> Value {
        for _ in 0..6 {
            let facts = self.ok("get_job", json!({"job_id": job, "wait_seconds": 30})).await;
            if !["queued", "running"].contains(&facts["state"].as_str().unwrap()) {
                return facts;
            }
        }
        panic!("{job} did not end within three minutes");
    }

    /// Fails if anything is left in a queue for ten seconds: what a dead worker was through with stays for a lease.
    pub(crate) async fn assert_idle(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let nothing = json!({"queued": 0, "running": 0, "dead": 0});
        loop {
            let health: Value = self.get("/health").await.json().await.unwrap();
            if ["cpu", "remote"].iter().all(|lane| health["queue"][lane] == nothing) {
                return;
            }
            assert!(Instant::now() < deadline, "{health}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a tool call gave.
pub(crate) struct Reply {
    pub(crate) result: Value,
}

impl Reply {
    pub(crate) fn structured(&self) -> Value {
        self.result["structuredContent"].clone()
    }

    pub(crate) fn text(&self) -> String {
        self.blocks("text").iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn blocks(&self, kind: &str) -> Vec<Value> {
        self.result["content"].as_array().into_iter().flatten().filter(|block| block["type"] == kind).cloned().collect()
    }
}
