//! How long a job that does nothing takes from being put in to being performed, and how many pass in a second: on SQLite
//! and, where redis-server is installed, on Redis.
//!
//! `cargo bench -p worker --bench queue`

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use apalis::prelude::{WorkerBuilder, WorkerBuilderExt};
use common::{
    Clock, Db, JobId, Queue, Redis, UserId,
    job::{Inspect, Job, Lane, Source, Work},
    queue::{Delivery, Entry, LeaseBackend, Verdict},
};
use tokio::sync::mpsc;

const IDLE: usize = 500;
const BUSY: usize = 20_000;
const LEASE: Duration = Duration::from_secs(30);

/// What was seen of one store.
struct Seen {
    p50: Duration,
    p99: Duration,
    a_second: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let slots = 64;
    let db = Db::open(folder.path(), Clock::default()).await?;
    let mut columns = vec![("SQLite", measure(Queue::new(db, LEASE), slots).await?)];
    if let Ok(_server) = Server::start(folder.path()) {
        let redis = connect(folder.path()).await?;
        columns.push(("Redis", measure(Queue::new(redis, LEASE), slots).await?));
    }
    report(&format!("one worker, {slots} slots; {:25}p50        p99   no-op jobs a second, put to acknowledged", ""));
    for (name, seen) in columns {
        let (p50, p99) = (seen.p50.as_secs_f64() * 1e3, seen.p99.as_secs_f64() * 1e3);
        report(&format!("{name:7} idle, put → performed: {:16}{p50:6.2} ms  {p99:6.2} ms   {:.0}", "", seen.a_second));
    }
    Ok(())
}

async fn measure(queue: Queue, slots: usize) -> anyhow::Result<Seen> {
    let (performed, mut through) = mpsc::unbounded_channel();
    let done = Arc::new(AtomicUsize::new(0));
    let counter = done.clone();
    let handler = move |_: Delivery| {
        let (performed, counter) = (performed.clone(), counter.clone());
        async move {
            counter.fetch_add(1, Ordering::Relaxed);
            performed.send(()).map(|()| Verdict::Done)
        }
    };
    let backend = LeaseBackend::start(queue.clone(), Lane::Cpu, "bench", slots);
    let worker = WorkerBuilder::new("bench").backend(backend).concurrency(slots).build(handler);
    let running = tokio::spawn(async move { worker.run().await });

    let mut latencies = Vec::with_capacity(IDLE);
    for index in 0..IDLE {
        tokio::time::sleep(Duration::from_millis(2 + (index as u64 * 7) % 13)).await;
        let started = Instant::now();
        queue.push(&[entry()?]).await?;
        through.recv().await;
        latencies.push(started.elapsed());
    }
    latencies.sort();

    let started = Instant::now();
    for _ in 0..BUSY / 500 {
        let entries: Result<Vec<Entry>, _> = (0..500).map(|_| entry()).collect();
        queue.push(&entries?).await?;
    }
    for _ in 0..BUSY {
        through.recv().await;
    }
    while queue.depth(Lane::Cpu).await?.running > 0 {
        tokio::task::yield_now().await;
    }
    let a_second = BUSY as f64 / started.elapsed().as_secs_f64();
    assert_eq!(done.load(Ordering::Relaxed), IDLE + BUSY, "each job is performed once");
    running.abort();
    Ok(Seen { p50: latencies[IDLE / 2], p99: latencies[IDLE * 99 / 100], a_second })
}

fn entry() -> anyhow::Result<Entry> {
    let work = Work::Inspect(Inspect { source: Source::Path("a.png".into()), sections: vec![], thumbnail: false });
    Ok(Entry::whole(Job::new(JobId::random()?, UserId::local(), work)))
}

/// A server of the benchmark's own, which writes down what it is told, as it must where it is used.
struct Server(Child);

impl Server {
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

async fn connect(folder: &Path) -> anyhow::Result<Redis> {
    let socket = folder.join("redis.sock");
    while !socket.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(Redis::open(&format!("redis+unix://{}", socket.display()), Clock::default()).await?)
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to the person who ran it")]
fn report(line: &str) {
    println!("{line}");
}
