//! Many machines in small: web and worker programs that share nothing but a Redis server and a store for images.

mod bucket;
mod redis;
mod round_robin;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

pub(crate) use self::{bucket::Bucket, redis::RedisServer, round_robin::RoundRobin};
use crate::{
    harness::{Folder, Server, binary},
    images::jpeg,
};

/// How long a silent worker keeps its jobs here.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// A running `image-tool-worker`.
pub(crate) struct Worker {
    child: Child,
    status: String,
}

impl Worker {
    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as an operator does, and says how it ended.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap()
    }

    /// Sends a signal, such as `STOP`: to sleep as a machine does that is suspended.
    pub(crate) fn signal(&self, name: &str) {
        let told = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The most memory that it has had, in MB (Linux).
    pub(crate) fn peak_memory_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    pub(crate) fn port(&self) -> String {
        self.status.rsplit(':').next().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("{}{path}", self.status)).await.unwrap()
    }

    /// The sum of a figure of `/metrics` over all its labels that hold `label`.
    pub(crate) async fn figure(&self, name: &str, label: &str) -> f64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        let of_it = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']) && rest.contains(label))
        };
        text.lines().filter(of_it).map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    }

    /// How many pictures of batches it has done.
    pub(crate) async fn pictures(&self) -> f64 {
        self.figure("image_tool_jobs_total", "kind=\"batch_item\"").await
    }

    /// How many attempts were not the first.
    pub(crate) async fn redelivered(&self) -> f64 {
        self.figure("image_tool_jobs_redelivered_total", "").await
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Programs that share a Redis server and a folder.
pub(crate) struct Fleet {
    pub(crate) folder: Folder,
    pub(crate) redis: RedisServer,
    settings: BTreeMap<String, String>,
}

impl Fleet {
    /// `None` where there is no redis-server. `settings` are for all programs, and go before the usual ones.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Option<Self> {
        let folder = Folder::new();
        let redis = RedisServer::start(&folder.path(""))?;
        let storage = format!("file://{}", folder.path("store").display());
        let lease = LEASE.as_secs().to_string();
        let usual = [("REDIS_URL", redis.url.as_str()), ("STORAGE_URL", &storage), ("QUEUE_LEASE_SECS", &lease)];
        let all = usual.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = all.collect();
        Some(Self { folder, redis, settings })
    }

    /// The settings of all programs.
    pub(crate) fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    pub(crate) fn web(&self) -> Server {
        Server::start_with(&self.folder, &self.settings())
    }

    pub(crate) fn worker(&self) -> Worker {
        self.worker_with(&[])
    }

    pub(crate) fn worker_with(&self, settings: &[(&str, &str)]) -> Worker {
        let mut command = Command::new(worker_binary());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ALLOWED_DIRS", self.folder.path("pictures"))
            .env("METRICS_PORT", "0")
            .envs(&self.settings)
            .envs(settings.iter().copied())
            .current_dir(self.folder.path("pictures"))
            .stderr(Stdio::piped())
            .stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.by_ref().find_map(|line| Some(line.split_once("status=")?.1.to_owned()));
        let address = address.expect("the worker ended before it worked");
        let status = format!("http://{}", address.split(' ').next().unwrap());
        // The pipe is read to its end, or the program would stop at a full one.
        std::thread::spawn(move || lines.for_each(drop));
        Worker { child, status }
    }

    /// Starts a batch that blurs `count` pictures, and returns its id.
    pub(crate) async fn batch(&self, web: &Server, count: usize) -> String {
        self.batch_of(web, count, jpeg(160, 120)).await
    }

    /// The same with pictures that take long to blur, so that a worker is found blurring at any time.
    pub(crate) async fn large_batch(&self, web: &Server, count: usize) -> String {
        self.batch_of(web, count, jpeg(1600, 1200)).await
    }

    async fn batch_of(&self, web: &Server, count: usize, picture: Vec<u8>) -> String {
        for index in 0..count {
            self.folder.put(&format!("in/{index:05}.jpg"), &picture);
        }
        let steps = json!([{"op": "blur", "sigma": 3}]);
        let arguments = json!({"source": {"folder": "in"}, "steps": steps, "save_to": "out", "wait_seconds": 0});
        web.ok("batch_process", arguments).await["job_id"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn worker_binary() -> std::path::PathBuf {
    binary().with_file_name(format!("image-tool-worker{}", std::env::consts::EXE_SUFFIX))
}

/// Waits until so many pictures of a batch are through; how it is then.
pub(crate) async fn through(web: &Server, job: &str, count: u64) -> Value {
    loop {
        let facts = web.ok("get_job", json!({"job_id": job})).await;
        if facts["ok"].as_u64().unwrap_or_default() >= count {
            return facts;
        }
        assert_ne!(facts["state"], "failed", "{facts}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for something that another program does.
pub(crate) fn wait_until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not within 30 seconds");
        std::thread::sleep(Duration::from_millis(5));
    }
}
