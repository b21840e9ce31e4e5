//! What every store of job records must hold to.

use super::*;
use crate::{
    FailureKind, Recipe,
    job::{Batch, BatchSource, Inspect, Job, Lane, OnConflict, Source},
    outcome::BatchDone,
    test_store::{TestStore, on_every_store},
};

pub(super) struct Bench {
    pub(super) jobs: Jobs,
    pub(super) queue: Queue,
    pub(super) home: TestStore,
}

impl From<TestStore> for Bench {
    fn from(home: TestStore) -> Self {
        let queue = Queue::new(home.store.clone(), Duration::from_secs(30));
        Self { jobs: Jobs::new(home.store.clone(), queue.clone()), queue, home }
    }
}

pub(super) fn inspect(path: &str) -> Work {
    Work::Inspect(Inspect { source: Source::Path(path.into()), sections: vec![], thumbnail: false })
}

pub(super) fn batch(max_failures: Option<u32>) -> Work {
    Work::BatchPlan(Batch {
        source: BatchSource::Images(vec![]),
        recipe: Recipe::default(),
        others: Vec::new(),
        name: crate::naming::DEFAULT.into(),
        on_conflict: OnConflict::Suffix,
        save_to: None,
        strict: false,
        max_failures,
        show: crate::job::Return::default(),
    })
}

pub(super) fn done() -> Outcome {
    Outcome::Batch(BatchDone { manifest: "m".into(), ..BatchDone::default() })
}

pub(super) fn plan(count: u32) -> Vec<PlannedItem> {
    let item = |index| PlannedItem {
        source: Source::Path(format!("/p/{index}.png")),
        label: format!("/p/{index}.png"),
        dir: String::new(),
    };
    (0..count).map(item).collect()
}

pub(super) fn item_done(status: ItemStatus) -> ItemDone {
    let failure = (status == ItemStatus::Failed).then(|| Failure::new(FailureKind::ImageUnreadable, "No picture."));
    ItemDone { status, image: None, failure, bytes_in: 10, bytes_out: 4, sha256: None, ms: 1 }
}

impl Bench {
    pub(super) async fn planned(&self, count: u32, max_failures: Option<u32>) -> JobRecord {
        let id = self.jobs.submit(&UserId::local(), batch(max_failures)).await.unwrap().id;
        self.jobs.start(&id).await.unwrap();
        let record = self.jobs.any(&id).await.unwrap().unwrap();
        self.jobs.plan_batch(&record, &plan(count), &[], 2).await.unwrap();
        record
    }

    async fn tally(&self, id: &JobId) -> Tally {
        self.jobs.any(id).await.unwrap().unwrap().tally
    }

    /// Performs what waits in the cpu lane, until nothing does. Returns how many.
    async fn perform_all(&self, record: &JobRecord, status: ItemStatus, max_failures: Option<u32>) -> u32 {
        let mut performed = 0;
        loop {
            let claimed = self.queue.claim(Lane::Cpu, "w", 1).await.unwrap();
            let Some(entry) = claimed.first() else { return performed };
            let job: Job = serde_json::from_str(&entry.payload).unwrap();
            let Work::BatchItem { index } = job.work else { panic!("not an item") };
            self.jobs.start_item(&record.id, index).await.unwrap().unwrap();
            self.jobs.finish_item(record, index, &item_done(status), max_failures).await.unwrap();
            assert!(self.queue.acknowledge(&entry.id, "w", 1, &crate::queue::Verdict::Done).await.unwrap());
            performed += 1;
        }
    }
}

on_every_store!(
    an_identical_call_joins_until_the_first_is_over,
    somebody_elses_job_looks_like_none,
    the_first_end_stays,
    waiting_hears_of_the_end_at_once_and_hands_back_at_the_deadline,
    an_abandoned_job_goes_on_while_another_waits,
    a_cancel_withdraws_and_stops,
    a_batch_is_fed_in_drips_and_ends_once,
    a_second_delivery_of_an_item_does_nothing,
    too_many_failures_break_a_batch_off,
    a_cancelled_batch_lets_what_runs_come_through,
    an_empty_batch_ends_too,
    a_name_is_claimed_by_one_item_only,
    items_are_paged_and_filtered,
    what_ended_long_ago_is_forgotten_with_all_its_rows,
);

async fn an_identical_call_joins_until_the_first_is_over(bench: &Bench) {
    let (ann, bob) = (UserId("ann".into()), UserId("bob".into()));
    let first = bench.jobs.submit(&ann, inspect("a")).await.unwrap();
    let second = bench.jobs.submit(&ann, inspect("a")).await.unwrap();
    assert_eq!((second.joined, &second.id), (true, &first.id));
    assert!(!bench.jobs.submit(&ann, inspect("b")).await.unwrap().joined);
    assert!(!bench.jobs.submit(&bob, inspect("a")).await.unwrap().joined);
    bench.jobs.finish(&first.id, &Ok(done())).await.unwrap();
    assert!(!bench.jobs.submit(&ann, inspect("a")).await.unwrap().joined);
    assert_eq!(bench.queue.depth(Lane::Cpu).await.unwrap().queued, 4);
}

async fn somebody_elses_job_looks_like_none(bench: &Bench) {
    let id = bench.jobs.submit(&UserId("ann".into()), inspect("a")).await.unwrap().id;
    assert!(bench.jobs.get(&UserId("ann".into()), &id).await.unwrap().is_some());
    assert!(bench.jobs.get(&UserId("bob".into()), &id).await.unwrap().is_none());
}

async fn the_first_end_stays(bench: &Bench) {
    let id = bench.jobs.submit(&UserId::local(), inspect("a")).await.unwrap().id;
    assert!(bench.jobs.start(&id).await.unwrap());
    bench.jobs.finish(&id, &Err(Failure::new(FailureKind::TooLarge, "Too large."))).await.unwrap();
    bench.jobs.finish(&id, &Ok(done())).await.unwrap();
    let record = bench.jobs.any(&id).await.unwrap().unwrap();
    assert_eq!((record.state, record.outcome, record.tally.failed), (JobState::Failed, None, 1));
    assert!(!bench.jobs.start(&id).await.unwrap());
}

async fn waiting_hears_of_the_end_at_once_and_hands_back_at_the_deadline(bench: &Bench) {
    let id = bench.jobs.submit(&UserId::local(), inspect("a")).await.unwrap().id;
    assert_eq!(bench.jobs.wait(&id, Duration::from_millis(1)).await.unwrap().state, JobState::Queued);
    let (record, ()) = tokio::join!(bench.jobs.wait(&id, Duration::from_secs(60)), async {
        bench.jobs.start(&id).await.unwrap();
        bench.jobs.finish(&id, &Ok(done())).await.unwrap();
    });
    assert_eq!(record.unwrap().state, JobState::Finished);
}

async fn an_abandoned_job_goes_on_while_another_waits(bench: &Bench) {
    let id = bench.jobs.submit(&UserId::local(), inspect("a")).await.unwrap().id;
    let mut other = Box::pin(bench.jobs.wait(&id, Duration::from_secs(60)));
    assert!(futures::poll!(&mut other).is_pending());
    assert!(!bench.jobs.abandon(&id).await.unwrap());
    drop(other);
    assert!(bench.jobs.abandon(&id).await.unwrap());
    assert_eq!(bench.jobs.any(&id).await.unwrap().unwrap().state, JobState::Cancelled);
}

async fn a_cancel_withdraws_and_stops(bench: &Bench) {
    let id = bench.jobs.submit(&UserId::local(), inspect("a")).await.unwrap().id;
    let token = bench.jobs.stop_token(&id);
    let record = bench.jobs.cancel(&id).await.unwrap().unwrap();
    assert_eq!(record.state, JobState::Cancelled);
    assert!(token.is_cancelled());
    assert_eq!(bench.queue.depth(Lane::Cpu).await.unwrap().queued, 0);
}

async fn a_batch_is_fed_in_drips_and_ends_once(bench: &Bench) {
    let record = bench.planned(50, None).await;
    assert_eq!(bench.queue.depth(Lane::Cpu).await.unwrap().queued, 8);
    assert_eq!(bench.perform_all(&record, ItemStatus::Ok, None).await, 50);
    let tally = bench.tally(&record.id).await;
    assert_eq!((tally.total, tally.ok, tally.bytes_in, tally.bytes_out), (50, 50, 500, 200));
    // The plan's own entry, and one for the end.
    assert_eq!(bench.queue.depth(Lane::Remote).await.unwrap().queued, 2);
}

async fn a_second_delivery_of_an_item_does_nothing(bench: &Bench) {
    let record = bench.planned(1, None).await;
    assert!(bench.jobs.start_item(&record.id, 0).await.unwrap().is_some());
    assert!(bench.jobs.start_item(&record.id, 0).await.unwrap().is_some(), "a crashed attempt is repeated");
    bench.jobs.finish_item(&record, 0, &item_done(ItemStatus::Ok), None).await.unwrap();
    assert!(bench.jobs.start_item(&record.id, 0).await.unwrap().is_none());
    bench.jobs.finish_item(&record, 0, &item_done(ItemStatus::Failed), None).await.unwrap();
    assert_eq!(bench.tally(&record.id).await.ok, 1);
}

async fn too_many_failures_break_a_batch_off(bench: &Bench) {
    let record = bench.planned(50, Some(3)).await;
    assert_eq!(bench.perform_all(&record, ItemStatus::Failed, Some(3)).await, 3);
    let tally = bench.tally(&record.id).await;
    assert_eq!((tally.failed, tally.skipped, tally.done()), (3, 47, 50));
    assert_eq!(bench.queue.depth(Lane::Remote).await.unwrap().queued, 2);
}

async fn a_cancelled_batch_lets_what_runs_come_through(bench: &Bench) {
    let record = bench.planned(20, None).await;
    bench.queue.claim(Lane::Cpu, "w", 1).await.unwrap();
    bench.jobs.start_item(&record.id, 0).await.unwrap();
    let cancelled = bench.jobs.cancel(&record.id).await.unwrap().unwrap();
    assert_eq!((cancelled.tally.cancelled, cancelled.tally.running), (19, 1));
    bench.jobs.finish_item(&record, 0, &item_done(ItemStatus::Ok), None).await.unwrap();
    let tally = bench.tally(&record.id).await;
    assert_eq!((tally.ok, tally.cancelled), (1, 19));
    assert_eq!(bench.queue.depth(Lane::Remote).await.unwrap().queued, 1, "the manifest is still written");
}

async fn an_empty_batch_ends_too(bench: &Bench) {
    bench.planned(0, None).await;
    assert_eq!(bench.queue.depth(Lane::Remote).await.unwrap().queued, 2);
}

async fn a_name_is_claimed_by_one_item_only(bench: &Bench) {
    let id = bench.planned(2, None).await.id;
    assert!(bench.jobs.claim_name(&id, 0, "a.png").await.unwrap());
    assert!(bench.jobs.claim_name(&id, 0, "a.png").await.unwrap());
    assert!(!bench.jobs.claim_name(&id, 1, "a.png").await.unwrap());
    assert!(bench.jobs.is_source(&id, "/p/1.png").await.unwrap());
    assert!(!bench.jobs.is_source(&id, "/p/2.png").await.unwrap());
}

async fn items_are_paged_and_filtered(bench: &Bench) {
    let record = bench.planned(30, None).await;
    bench.jobs.start_item(&record.id, 3).await.unwrap();
    bench.jobs.finish_item(&record, 3, &item_done(ItemStatus::Failed), None).await.unwrap();
    let page = bench.jobs.items(&record.id, &ItemFilter { status: None, from: 10, limit: 5 }).await.unwrap();
    assert_eq!(page.iter().map(|item| item.index).collect::<Vec<_>>(), [10, 11, 12, 13, 14]);
    let failed = bench
        .jobs
        .items(&record.id, &ItemFilter { status: Some(ItemStatus::Failed), from: 0, limit: 50 })
        .await
        .unwrap();
    assert_eq!(failed[0].error.as_ref().unwrap().kind, FailureKind::ImageUnreadable);
    assert_eq!(failed.len(), 1);
}

async fn what_ended_long_ago_is_forgotten_with_all_its_rows(bench: &Bench) {
    let record = bench.planned(3, None).await;
    bench.perform_all(&record, ItemStatus::Ok, None).await;
    let running = bench.jobs.submit(&UserId::local(), inspect("a")).await.unwrap().id;
    let before = bench.home.clock.now_ms();
    bench.jobs.finish(&record.id, &Ok(done())).await.unwrap();
    let now = bench.home.clock.now_ms();
    assert!(bench.jobs.ended_before(before, 10).await.unwrap().is_empty());
    assert_eq!(bench.jobs.ended_before(now + 1, 10).await.unwrap(), std::slice::from_ref(&record.id));
    bench.jobs.forget(&record.id).await.unwrap();
    assert!(bench.jobs.any(&record.id).await.unwrap().is_none());
    assert!(bench.jobs.items(&record.id, &ItemFilter { limit: 9, ..ItemFilter::default() }).await.unwrap().is_empty());
    assert!(bench.jobs.any(&running).await.unwrap().is_some());
    assert_eq!(bench.queue.depth(Lane::Remote).await.unwrap().queued, 0);
}
