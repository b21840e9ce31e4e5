//! How long a job that does nothing takes from being put in to its result, and how many pass in a second: on SQLite within
//! one process, and, where redis-server is installed, on Redis with the worker in a process of its own.
//!
//! `cargo bench -p worker --bench queue`; beside BullMQ: `benches/queue/run`

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use apalis::prelude::{WorkerBuilder, WorkerBuilderExt};
use common::{
    Clock, Db, Failure, FailureKind, JobId, Jobs, Queue, Redis, Store, UserId,
    job::{Inspect, Job, Lane, Source, Work},
    queue::{Delivery, Entry, LeaseBackend, Verdict},
};
use tokio::task::JoinHandle;

const IDLE: usize = 500;
const BUSY: usize = 20_000;
const SLOTS: usize = 64;
const LEASE: Duration = Duration::from_secs(30);

/// Jobs under this name want a result; others only want to be through.
const ASKED: &str = "asked";

/// The address of the Redis server, for a process that is to be the worker.
const ROLE: &str = "BENCH_WORKER_OF";

/// What was seen of one store.
struct Seen {
    p50: Duration,
    p99: Duration,
    a_second: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if let Ok(url) = env::var(ROLE) {
        let redis = Redis::open(&url, Clock::default()).await?;
        let (queue, jobs) = open(redis.into());
        let working = work(queue, jobs);
        report("working");
        return Ok(working.await?);
    }
    let folder = tempfile::tempdir()?;
    let store = Store::from(Db::open(folder.path(), Clock::default()).await?);
    let (queue, jobs) = open(store);
    let working = work(queue.clone(), jobs.clone());
    let mut columns = vec![("SQLite", measure(queue, jobs).await?)];
    working.abort();
    if let Ok(_server) = Server::start(folder.path()) {
        let url = format!("redis+unix://{}", folder.path().join("redis.sock").display());
        while !folder.path().join("redis.sock").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let _worker = Server(worker(&url)?);
        let (queue, jobs) = open(Redis::open(&url, Clock::default()).await?.into());
        columns.push(("Redis", measure(queue, jobs).await?));
    }
    report("              call → result: p50         p99   no-op jobs a second");
    for (name, seen) in columns {
        let (p50, p99) = (seen.p50.as_secs_f64() * 1e3, seen.p99.as_secs_f64() * 1e3);
        report(&format!("{name:20} {p50:8.2} ms {p99:8.2} ms   {:19.0}", seen.a_second));
    }
    Ok(())
}

/// What a process shares among all who ask and work in it.
fn open(store: Store) -> (Queue, Arc<Jobs>) {
    let queue = Queue::new(store.clone(), LEASE);
    (queue.clone(), Arc::new(Jobs::new(store, queue)))
}

/// A worker that does nothing.
fn work(queue: Queue, jobs: Arc<Jobs>) -> JoinHandle<()> {
    let handler = move |delivery: Delivery| {
        let jobs = jobs.clone();
        async move {
            if let Ok(Job { id, work: Work::Inspect(Inspect { source: Source::Path(path), .. }), .. }) = &delivery.job
                && path.starts_with(ASKED)
            {
                jobs.finish(id, &Err(Failure::new(FailureKind::NotFound, "Nothing."))).await?;
            }
            Ok::<_, common::StoreError>(Verdict::Done)
        }
    };
    let backend = LeaseBackend::start(queue, Lane::Cpu, &format!("bench-{}", std::process::id()), SLOTS);
    let worker = WorkerBuilder::new("bench").backend(backend).concurrency(SLOTS).build(handler);
    tokio::spawn(async move {
        let _ = worker.run().await;
    })
}

async fn measure(queue: Queue, jobs: Arc<Jobs>) -> anyhow::Result<Seen> {
    let mut latencies = Vec::with_capacity(IDLE);
    for index in 0..IDLE {
        tokio::time::sleep(Duration::from_millis(2 + (index as u64 * 7) % 13)).await;
        let started = Instant::now();
        let submitted = jobs.submit(&UserId::local(), inspect(&format!("{ASKED}-{index}"))).await?;
        let record = jobs.wait(&submitted.id, Duration::from_secs(10)).await?;
        latencies.push(started.elapsed());
        anyhow::ensure!(record.state.is_final(), "there is no result");
    }
    latencies.sort();

    let started = Instant::now();
    for _ in 0..BUSY / 500 {
        let entry = || Ok(Entry::whole(Job::new(JobId::random()?, UserId::local(), inspect("a.png"))));
        let entries: anyhow::Result<Vec<Entry>> = (0..500).map(|_| entry()).collect();
        queue.push(&entries?).await?;
    }
    loop {
        let depth = queue.depth(Lane::Cpu).await?;
        if depth.queued + depth.running == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let a_second = BUSY as f64 / started.elapsed().as_secs_f64();
    Ok(Seen { p50: latencies[IDLE / 2], p99: latencies[IDLE * 99 / 100], a_second })
}

fn inspect(path: &str) -> Work {
    Work::Inspect(Inspect { source: Source::Path(path.into()), sections: vec![], thumbnail: false })
}

/// This program again, as the worker on the server at `url`.
fn worker(url: &str) -> anyhow::Result<Child> {
    let mut child = Command::new(env::current_exe()?).env(ROLE, url).stdout(Stdio::piped()).spawn()?;
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut String::new())?;
    }
    Ok(child)
}

/// A process of the benchmark's own.
struct Server(Child);

impl Server {
    /// A redis-server that writes down what it is told, as it must where it is used.
    fn start(folder: &Path) -> std::io::Result<Self> {
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "yes", "--unixsocket", "redis.sock"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
            .map(Self)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to the person who ran it")]
fn report(line: &str) {
    println!("{line}");
}
