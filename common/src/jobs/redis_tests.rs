//! What records that many processes share must hold to besides.

use super::{
    tests::{batch, done, inspect, item_done, plan},
    *,
};
use crate::{
    Clock, Redis,
    job::{Job, Lane},
    queue::Verdict,
    redis::test_server::TestServer,
};

/// The stores of one process.
struct Process {
    redis: Redis,
    queue: Queue,
    jobs: Jobs,
}

async fn process(server: &TestServer) -> Process {
    let redis = Redis::open(&server.url, server.clock.clone()).await.unwrap();
    let queue = Queue::new(redis.clone(), Duration::from_secs(30));
    // Until the news can be heard, a change is seen only seconds later.
    let mut news = redis.listen();
    let jobs = Jobs::new(redis.clone(), queue.clone());
    while news.recv().await.unwrap() != crate::redis::News::Reconnected {}
    Process { redis, queue, jobs }
}

impl Process {
    async fn started_batch(&self) -> JobRecord {
        let id = self.jobs.submit(&UserId::local(), batch(None)).await.unwrap().id;
        assert!(self.jobs.start(&id).await.unwrap());
        self.jobs.any(&id).await.unwrap().unwrap()
    }

    /// Performs everything that waits, until nothing does.
    async fn perform_all(&self, record: &JobRecord, slots: usize) {
        loop {
            let claimed = self.queue.claim(Lane::Cpu, "w", slots).await.unwrap();
            if claimed.is_empty() {
                return;
            }
            for entry in claimed {
                let job: Job = serde_json::from_str(&entry.payload).unwrap();
                let Work::BatchItem { index } = job.work else { panic!("not an item") };
                self.jobs.start_item(&record.id, index).await.unwrap().unwrap();
                self.jobs.finish_item(record, index, &item_done(ItemStatus::Ok), None).await.unwrap();
                assert!(self.queue.acknowledge(&entry.id, "w", entry.attempt, &Verdict::Done).await.unwrap());
            }
        }
    }

    async fn keys(&self) -> u64 {
        ::redis::cmd("DBSIZE").query_async(&mut self.redis.connection()).await.unwrap()
    }
}

#[tokio::test]
async fn a_waiter_and_a_worker_in_other_processes_hear_of_the_end() {
    let Some(server) = TestServer::start().await else { return };
    let (web, worker) = (process(&server).await, process(&server).await);
    let id = web.jobs.submit(&UserId::local(), inspect("a")).await.unwrap().id;
    let token = worker.jobs.stop_token(&id);
    let began = std::time::Instant::now();
    let (record, ()) = tokio::join!(web.jobs.wait(&id, Duration::from_secs(60)), async {
        worker.jobs.start(&id).await.unwrap();
        worker.jobs.finish(&id, &Ok(done())).await.unwrap();
    });
    assert_eq!(record.unwrap().state, JobState::Finished);
    assert!(began.elapsed() < Duration::from_secs(4), "the safety net is not the way");
    assert!(token.is_cancelled());
    let id = web.jobs.submit(&UserId::local(), inspect("b")).await.unwrap().id;
    let token = worker.jobs.stop_token(&id);
    web.jobs.cancel(&id).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), token.cancelled()).await.unwrap();
}

#[tokio::test]
async fn a_job_that_another_process_joined_is_not_dropped_with_its_first_caller() {
    let Some(server) = TestServer::start().await else { return };
    let (one, other) = (process(&server).await, process(&server).await);
    let id = one.jobs.submit(&UserId::local(), inspect("a")).await.unwrap().id;
    assert!(other.jobs.submit(&UserId::local(), inspect("a")).await.unwrap().joined);
    assert!(!one.jobs.abandon(&id).await.unwrap());
    assert_eq!(one.jobs.any(&id).await.unwrap().unwrap().state, JobState::Queued);
    let alone = one.jobs.submit(&UserId::local(), inspect("b")).await.unwrap().id;
    assert!(one.jobs.abandon(&alone).await.unwrap());
}

#[tokio::test]
async fn identical_calls_at_the_same_time_make_one_job() {
    let Some(server) = TestServer::start().await else { return };
    let (one, other) = (process(&server).await, process(&server).await);
    let calls = (0..40).map(|call| {
        let jobs = if call % 2 == 0 { &one.jobs } else { &other.jobs };
        async { jobs.submit(&UserId::local(), inspect("a")).await.unwrap() }
    });
    let submitted = futures::future::join_all(calls).await;
    assert_eq!(submitted.iter().filter(|call| !call.joined).count(), 1);
    assert!(submitted.iter().all(|call| call.id == submitted[0].id));
    assert_eq!(one.queue.depth(Lane::Cpu).await.unwrap().queued, 1);
}

#[tokio::test]
async fn two_thousand_pictures_come_through_on_one_slot() {
    let Some(server) = TestServer::start().await else { return };
    let process = process(&server).await;
    let record = process.started_batch().await;
    process.jobs.plan_batch(&record, &plan(2000), &["2 hidden".into()], 1).await.unwrap();
    // A second attempt at the plan, by a worker that was taken for dead.
    process.jobs.plan_batch(&record, &plan(3), &[], 1).await.unwrap();
    assert_eq!(process.queue.depth(Lane::Cpu).await.unwrap().queued, 4);
    process.perform_all(&record, 1).await;
    let after = process.jobs.any(&record.id).await.unwrap().unwrap();
    assert_eq!((after.tally.total, after.tally.ok, after.tally.running), (2000, 2000, 0));
    assert_eq!((after.tally.bytes_in, after.notes), (20_000, vec!["2 hidden".to_owned()]));
    let all = process.jobs.items(&record.id, &ItemFilter { limit: 5000, ..ItemFilter::default() }).await.unwrap();
    assert_eq!(all.iter().map(|item| item.index).collect::<Vec<_>>(), (0..2000).collect::<Vec<_>>());
}

#[tokio::test]
async fn more_workers_than_planned_for_get_more_pictures() {
    let Some(server) = TestServer::start().await else { return };
    let process = process(&server).await;
    let record = process.started_batch().await;
    process.jobs.plan_batch(&record, &plan(200), &[], 2).await.unwrap();
    let claimed = process.queue.claim(Lane::Cpu, "w", 20).await.unwrap();
    assert_eq!(claimed.len(), 8);
    for index in 0..8 {
        process.jobs.start_item(&record.id, index).await.unwrap().unwrap();
    }
    process.jobs.finish_item(&record, 0, &item_done(ItemStatus::Ok), None).await.unwrap();
    assert_eq!(process.queue.depth(Lane::Cpu).await.unwrap().queued, 4 * 7);
}

#[tokio::test]
async fn what_a_cancel_leaves_out_is_listed_as_cancelled() {
    let Some(server) = TestServer::start().await else { return };
    let process = process(&server).await;
    let record = process.started_batch().await;
    process.jobs.plan_batch(&record, &plan(1200), &[], 1).await.unwrap();
    process.jobs.start_item(&record.id, 0).await.unwrap().unwrap();
    process.jobs.cancel(&record.id).await.unwrap();
    let listed = async |status, from, limit| {
        let filter = ItemFilter { status: Some(status), from, limit };
        let items = process.jobs.items(&record.id, &filter).await.unwrap();
        assert!(items.iter().all(|item| item.status == status));
        items.into_iter().map(|item| item.index).collect::<Vec<_>>()
    };
    assert_eq!(listed(ItemStatus::Cancelled, 0, 9999).await, (1..1200).collect::<Vec<_>>());
    assert_eq!(listed(ItemStatus::Cancelled, 3, 3).await, [3, 4, 5]);
    assert_eq!(listed(ItemStatus::Pending, 0, 9).await, [0; 0]);
    assert_eq!(listed(ItemStatus::Running, 0, 9).await, [0]);
    // Planned only after the cancel, as when it came while pictures were looked for.
    let late = process.started_batch().await;
    process.jobs.cancel(&late.id).await.unwrap();
    process.jobs.plan_batch(&late, &plan(7), &[], 1).await.unwrap();
    assert_eq!(process.jobs.any(&late.id).await.unwrap().unwrap().tally.cancelled, 7);
    assert_eq!(process.queue.depth(Lane::Cpu).await.unwrap().queued, 0);
}

#[tokio::test]
async fn five_thousand_jobs_leave_nothing_behind() {
    let Some(server) = TestServer::start().await else { return };
    let process = process(&server).await;
    // The counter of entries is there from the first one on.
    let first = process.jobs.submit(&UserId::local(), inspect("first")).await.unwrap().id;
    process.jobs.cancel(&first).await.unwrap();
    process.jobs.forget(&first).await.unwrap();
    let before = process.keys().await;
    for chunk in 0..10 {
        let submit = (0..500).map(|index| {
            let work = inspect(&format!("{chunk}-{index}"));
            async { process.jobs.submit(&UserId::local(), work).await.unwrap() }
        });
        futures::future::join_all(submit).await;
        let claimed = process.queue.claim(Lane::Cpu, "w", 500).await.unwrap();
        let perform = claimed.iter().map(async |entry| {
            let job: Job = serde_json::from_str(&entry.payload).unwrap();
            process.jobs.start(&job.id).await.unwrap();
            process.jobs.finish(&job.id, &Ok(done())).await.unwrap();
            assert!(process.queue.acknowledge(&entry.id, "w", entry.attempt, &Verdict::Done).await.unwrap());
        });
        futures::future::join_all(perform).await;
    }
    let record = process.started_batch().await;
    process.jobs.plan_batch(&record, &plan(700), &[], 4).await.unwrap();
    process.perform_all(&record, 16).await;
    process.jobs.claim_name(&record.id, 0, "a.png").await.unwrap();
    process.jobs.finish(&record.id, &Ok(done())).await.unwrap();
    let ended = process.jobs.ended_before(Clock::default().now_ms() + 60_000, 9999).await.unwrap();
    assert_eq!(ended.len(), 5001);
    for id in &ended {
        process.jobs.forget(id).await.unwrap();
    }
    assert_eq!(process.keys().await, before);
}

#[tokio::test]
async fn an_end_that_is_written_while_the_server_is_away_is_written() {
    let Some(mut server) = TestServer::durable().await else { return };
    let process = process(&server).await;
    let id = process.jobs.submit(&UserId::local(), inspect("a")).await.unwrap().id;
    process.jobs.start(&id).await.unwrap();
    server.kill();
    let end = tokio::spawn({
        let (jobs, id) = (process.jobs.clone(), id.clone());
        async move { jobs.finish(&id, &Ok(done())).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.revive().await;
    end.await.unwrap().unwrap();
    assert_eq!(process.jobs.any(&id).await.unwrap().unwrap().state, JobState::Finished);
}

/// What the server has in use, in bytes.
async fn memory(process: &Process) -> f64 {
    let info: String = ::redis::cmd("INFO").arg("memory").query_async(&mut process.redis.connection()).await.unwrap();
    info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().parse().unwrap()
}

/// Puts in, performs and ends so many jobs; then forgets them, as the janitor does when their time is over.
async fn come_and_go(process: &Process, clock: &Clock, count: usize) {
    for chunk in 0..count / 100 {
        let submit = (0..100).map(|index| async move {
            let work = inspect(&format!("{chunk}/{index}.png"));
            process.jobs.submit(&UserId::local(), work).await.unwrap();
        });
        futures::future::join_all(submit).await;
        let claimed = process.queue.claim(Lane::Cpu, "w", 100).await.unwrap();
        assert_eq!(claimed.len(), 100);
        let perform = claimed.iter().map(|entry| async move {
            let id = JobId::parse(&entry.id).unwrap();
            assert!(process.jobs.start(&id).await.unwrap());
            process.jobs.finish(&id, &Ok(done())).await.unwrap();
            assert!(process.queue.acknowledge(&entry.id, "w", entry.attempt, &Verdict::Done).await.unwrap());
        });
        futures::future::join_all(perform).await;
    }
    clock.advance(Duration::from_secs(3600));
    loop {
        let old = process.jobs.ended_before(i64::MAX, 1000).await.unwrap();
        if old.is_empty() {
            return;
        }
        for id in &old {
            process.jobs.forget(id).await.unwrap();
        }
    }
}

#[tokio::test]
#[ignore = "long"]
async fn a_hundred_thousand_jobs_leave_nothing_behind() {
    let Some(server) = TestServer::start().await else { return };
    let process = process(&server).await;
    come_and_go(&process, &server.clock, 1000).await;
    let (keys, before) = (process.keys().await, memory(&process).await);
    come_and_go(&process, &server.clock, 100_000).await;
    assert_eq!(process.keys().await, keys);
    let after = memory(&process).await;
    assert!(after < before * 1.05, "{before} bytes before, {after} after");
}
