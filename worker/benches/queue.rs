//! How long a job that does nothing takes from being put in to being acknowledged, and how many pass in a second.
//!
//! `cargo bench -p worker --bench queue`

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use apalis::prelude::{WorkerBuilder, WorkerBuilderExt};
use common::{
    Clock, JobId, Stores, UserId,
    job::{Inspect, Job, Lane, Source, Work},
    queue::{Delivery, Entry, LeaseBackend, Verdict},
};
use tokio::sync::mpsc;

const IDLE: usize = 500;
const BUSY: usize = 10_000;

fn entry() -> anyhow::Result<Entry> {
    let work = Work::Inspect(Inspect { source: Source::Path("a.png".into()), sections: vec![], thumbnail: false });
    Ok(Entry::whole(Job::new(JobId::random()?, UserId::local(), work)))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let stores = Stores::open(folder.path(), Duration::from_secs(30), Clock::default()).await?;
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
    let backend = LeaseBackend::start(stores.queue.clone(), Lane::Cpu, "bench", 16);
    let worker = WorkerBuilder::new("bench").backend(backend).concurrency(16).build(handler);
    let running = tokio::spawn(async move { worker.run().await });

    let mut latencies = Vec::with_capacity(IDLE);
    for index in 0..IDLE {
        tokio::time::sleep(Duration::from_millis(2 + (index as u64 * 7) % 13)).await;
        let started = Instant::now();
        stores.queue.push(&[entry()?]).await?;
        through.recv().await;
        latencies.push(started.elapsed());
    }
    latencies.sort();
    report(&format!("idle put → performed: p50 {:?}, p99 {:?}", latencies[IDLE / 2], latencies[IDLE * 99 / 100]));

    let started = Instant::now();
    for _ in 0..BUSY / 500 {
        let entries: Result<Vec<Entry>, _> = (0..500).map(|_| entry()).collect();
        stores.queue.push(&entries?).await?;
    }
    for _ in 0..BUSY {
        through.recv().await;
    }
    while stores.queue.depth(Lane::Cpu).await?.running > 0 {
        tokio::task::yield_now().await;
    }
    report(&format!("no-op jobs: {:.0} a second, put to acknowledged", BUSY as f64 / started.elapsed().as_secs_f64()));
    assert_eq!(done.load(Ordering::Relaxed), IDLE + BUSY, "each job is performed once");
    running.abort();
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to the person who ran it")]
fn report(line: &str) {
    println!("{line}");
}
