//! What every queue must hold to, whatever it is stored in.

use super::*;
use crate::{
    UserId,
    job::{Batch, BatchSource, OnConflict, Work},
    recipe::Recipe,
    test_store::{TestStore, on_every_store},
};

pub(super) const LEASE: Duration = Duration::from_secs(30);

struct Bench {
    queue: Queue,
    home: TestStore,
}

impl From<TestStore> for Bench {
    fn from(home: TestStore) -> Self {
        Self { queue: Queue::new(home.store.clone(), LEASE), home }
    }
}

pub(super) fn entry(id: &str, priority: Priority) -> Entry {
    let job = Job::new(JobId::random().unwrap(), UserId::local(), Work::BatchItem { index: 0 });
    Entry { id: id.into(), priority, job }
}

impl Bench {
    async fn push(&self, ids: &[&str]) {
        let entries: Vec<Entry> = ids.iter().map(|id| entry(id, Priority::Interactive)).collect();
        self.queue.push(&entries).await.unwrap();
    }

    async fn claim(&self, worker: &str, most: usize) -> Vec<(String, u32)> {
        let claimed = self.queue.claim(Lane::Cpu, worker, most).await.unwrap();
        claimed.into_iter().map(|entry| (entry.id, entry.attempt)).collect()
    }

    async fn depth(&self) -> (u64, u64, u64) {
        let depth = self.queue.depth(Lane::Cpu).await.unwrap();
        (depth.queued, depth.running, depth.dead)
    }
}

fn taken(entries: &[(&str, u32)]) -> Vec<(String, u32)> {
    entries.iter().map(|(id, attempt)| ((*id).into(), *attempt)).collect()
}

on_every_store!(
    first_in_first_out_within_a_priority,
    the_same_id_is_queued_once,
    done_is_gone_and_dead_is_kept,
    a_retry_waits_and_counts,
    a_release_does_not_count,
    a_silent_worker_loses_its_entries_and_a_late_answer_changes_nothing,
    a_heartbeat_keeps_entries_and_a_sleeper_does_not_rob_itself,
    what_waits_can_be_withdrawn,
    a_payload_comes_out_as_it_went_in,
);

async fn first_in_first_out_within_a_priority(bench: &Bench) {
    bench.queue.push(&[entry("b1", Priority::Batch), entry("b2", Priority::Batch)]).await.unwrap();
    bench.push(&["i1", "i2"]).await;
    assert_eq!(bench.claim("w", 3).await, taken(&[("i1", 1), ("i2", 1), ("b1", 1)]));
    assert_eq!(bench.claim("w", 3).await, taken(&[("b2", 1)]));
    assert!(bench.claim("w", 3).await.is_empty());
    assert!(bench.queue.claim(Lane::Remote, "w", 3).await.unwrap().is_empty());
}

async fn the_same_id_is_queued_once(bench: &Bench) {
    bench.push(&["a", "a"]).await;
    bench.push(&["a"]).await;
    assert_eq!(bench.depth().await, (1, 0, 0));
}

async fn done_is_gone_and_dead_is_kept(bench: &Bench) {
    bench.push(&["a", "b"]).await;
    bench.claim("w", 2).await;
    assert!(bench.queue.acknowledge("a", "w", 1, &Verdict::Done).await.unwrap());
    assert!(bench.queue.acknowledge("b", "w", 1, &Verdict::Dead { reason: "why".into() }).await.unwrap());
    assert_eq!(bench.depth().await, (0, 0, 1));
}

async fn a_retry_waits_and_counts(bench: &Bench) {
    bench.push(&["a"]).await;
    bench.claim("w", 1).await;
    let after = Duration::from_secs(5);
    assert!(bench.queue.acknowledge("a", "w", 1, &Verdict::Retry { after }).await.unwrap());
    assert!(bench.claim("w", 1).await.is_empty());
    assert!((1..=5000).contains(&bench.queue.next_due(Lane::Cpu).await.unwrap().unwrap()));
    bench.home.clock.advance(after);
    assert_eq!(bench.claim("w", 1).await, taken(&[("a", 2)]));
}

async fn a_release_does_not_count(bench: &Bench) {
    bench.push(&["a"]).await;
    bench.claim("w", 1).await;
    assert!(bench.queue.acknowledge("a", "w", 1, &Verdict::Release).await.unwrap());
    assert_eq!(bench.claim("w", 1).await, taken(&[("a", 1)]));
}

async fn a_silent_worker_loses_its_entries_and_a_late_answer_changes_nothing(bench: &Bench) {
    bench.push(&["a"]).await;
    bench.claim("silent", 1).await;
    assert_eq!(bench.queue.reap("other").await.unwrap(), 0);
    assert!(bench.queue.holds("a", "silent", 1).await.unwrap());
    bench.home.clock.advance(LEASE);
    assert_eq!(bench.queue.reap("other").await.unwrap(), 1);
    assert!(!bench.queue.holds("a", "silent", 1).await.unwrap(), "it waits");
    assert_eq!(bench.claim("other", 1).await, taken(&[("a", 2)]));
    assert!(!bench.queue.holds("a", "silent", 1).await.unwrap() && !bench.queue.holds("a", "other", 1).await.unwrap());
    assert!(bench.queue.holds("a", "other", 2).await.unwrap());
    for verdict in [
        Verdict::Done,
        Verdict::Release,
        Verdict::Retry { after: Duration::ZERO },
        Verdict::Dead { reason: "late".into() },
    ] {
        assert!(!bench.queue.acknowledge("a", "silent", 1, &verdict).await.unwrap(), "{verdict:?}");
    }
    assert_eq!(bench.depth().await, (0, 1, 0));
    assert!(bench.queue.acknowledge("a", "other", 2, &Verdict::Done).await.unwrap());
}

async fn a_heartbeat_keeps_entries_and_a_sleeper_does_not_rob_itself(bench: &Bench) {
    bench.push(&["a"]).await;
    bench.claim("w", 1).await;
    bench.home.clock.advance(LEASE / 2);
    assert_eq!(bench.queue.renew("w").await.unwrap(), 1);
    bench.home.clock.advance(LEASE / 2);
    assert_eq!(bench.queue.reap("other").await.unwrap(), 0);
    bench.home.clock.advance(LEASE * 100);
    assert_eq!(bench.queue.reap("w").await.unwrap(), 0);
}

#[tokio::test]
async fn a_dead_process_is_recovered_at_once_and_a_living_one_is_not() {
    let bench = Bench::from(TestStore::sqlite().await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("workers");
    let dead = Presence::announce(&folder).unwrap();
    let alive = Presence::announce(&folder).unwrap();
    let own = Presence::announce(&folder).unwrap();
    bench.push(&["of the dead", "of the living"]).await;
    bench.claim(dead.name(), 1).await;
    bench.claim(alive.name(), 1).await;
    // What a kill leaves behind: the file without its lock.
    let left = folder.join(format!("{}.lock", dead.name()));
    drop(dead);
    std::fs::write(&left, "").unwrap();
    assert_eq!(own.recover(&bench.queue).await.unwrap(), 1);
    assert!(!left.exists());
    assert_eq!(bench.claim(own.name(), 2).await, taken(&[("of the dead", 2)]));
}

async fn what_waits_can_be_withdrawn(bench: &Bench) {
    let (running, waiting) = (entry("running", Priority::Interactive), entry("waiting", Priority::Interactive));
    let job = waiting.job.id.clone();
    bench.queue.push(&[running, waiting]).await.unwrap();
    bench.claim("w", 1).await;
    assert_eq!(bench.queue.withdraw(&job).await.unwrap(), 1);
    assert_eq!(bench.depth().await, (0, 1, 0));
}

async fn a_payload_comes_out_as_it_went_in(bench: &Bench) {
    let work = Work::BatchPlan(Batch {
        source: BatchSource::Folder { folder: "a".into(), glob: "*".into(), recursive: true },
        recipe: Recipe::default(),
        others: Vec::new(),
        name: crate::naming::DEFAULT.into(),
        on_conflict: OnConflict::Skip,
        save_to: None,
        strict: false,
        max_failures: Some(3),
        show: Default::default(),
    });
    let job = Job::new(JobId::random().unwrap(), UserId::local(), work);
    bench.queue.push(&[Entry::whole(job.clone())]).await.unwrap();
    let claimed = bench.queue.claim(Lane::Remote, "w", 1).await.unwrap();
    assert_eq!(serde_json::from_str::<Job>(&claimed[0].payload).unwrap(), job);
    assert_eq!(claimed[0].max_attempts, MAX_ATTEMPTS);
}

#[tokio::test]
async fn a_name_taken_anywhere_is_unique_and_recovers_nothing() {
    let bench = Bench::from(TestStore::sqlite().await.unwrap());
    let (one, other) = (Presence::anywhere().unwrap(), Presence::anywhere().unwrap());
    assert_ne!(one.name(), other.name());
    assert_eq!(one.recover(&bench.queue).await.unwrap(), 0);
}
