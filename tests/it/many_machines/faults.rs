//! What is killed, stalled or told to stop, and what comes of it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::json;

use super::all_there;
use crate::{
    fleet::{Fleet, LEASE, through},
    images::jpeg,
};

/// Slots of each worker.
const SLOTS: [(&str, &str); 1] = [("WORKER_CONCURRENCY", "2")];

/// What a slow machine may add to a time that is given.
const SLACK: Duration = Duration::from_secs(8);

#[tokio::test]
async fn a_worker_that_is_killed_loses_nothing() {
    let Some(fleet) = Fleet::start(&SLOTS) else { return };
    let web = fleet.web();
    let first = fleet.worker();
    let job = fleet.batch(&web, 500).await;
    through(&web, &job, 100).await;
    first.kill();
    let killed = Instant::now();
    let at_the_kill = web.ok("get_job", json!({"job_id": job})).await;
    let (done, running) = (at_the_kill["ok"].as_f64().unwrap(), at_the_kill["running"].as_f64().unwrap());
    assert!(running <= 2.0, "{at_the_kill}");
    let second = fleet.worker();
    while second.redelivered().await < running {
        assert!(killed.elapsed() < LEASE + Duration::from_secs(1) + SLACK, "what was in flight is still not begun");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    all_there(&fleet, &web, &job, 500).await;
    let (pictures, begun_again) = (second.pictures().await, second.redelivered().await);
    assert!(begun_again <= 2.0, "only what was in flight is begun again");
    // What was done, but not yet off the queue, counts as an attempt that finds it done.
    let left = 500.0 - done;
    assert!((left..=left + begun_again - running).contains(&pictures), "{pictures} attempts at {left} pictures");
}

#[tokio::test]
async fn a_worker_that_is_killed_beside_another_loses_nothing() {
    let Some(fleet) = Fleet::start(&SLOTS) else { return };
    let web = fleet.web();
    let (first, second) = (fleet.worker(), fleet.worker());
    let job = fleet.batch(&web, 120).await;
    through(&web, &job, 20).await;
    first.kill();
    all_there(&fleet, &web, &job, 120).await;
    assert!(second.redelivered().await <= 2.0);
}

#[tokio::test]
async fn a_worker_that_slept_leaves_alone_what_was_done_meanwhile() {
    let Some(fleet) = Fleet::start(&SLOTS) else { return };
    let web = fleet.web();
    let sleeper = fleet.worker();
    let job = fleet.large_batch(&web, 12).await;
    through(&web, &job, 2).await;
    sleeper.signal("STOP");
    let other = fleet.worker();
    all_there(&fleet, &web, &job, 12).await;
    assert!(other.redelivered().await >= 1.0, "the sleeper held something");
    // Somebody wants the same files otherwise, later.
    let otherwise = json!({"source": {"folder": "in"}, "width": 20, "save_to": "out", "on_conflict": "overwrite"});
    let later = web.ok("batch_process", otherwise).await["job_id"].as_str().unwrap().to_owned();
    assert_eq!(web.finished(&later).await["ok"], 12);
    let files = || -> BTreeMap<_, _> {
        let entries = std::fs::read_dir(fleet.folder.picture("out")).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    };
    let before = files();
    sleeper.signal("CONT");
    // When it has told what it did, it has written whatever it would write.
    while sleeper.figure("image_tool_jobs_running", "").await > 0.0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(sleeper.terminate().success());
    assert!(files() == before, "the files are those of the later job");
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_gives_back_what_it_has_not_begun() {
    let Some(fleet) = Fleet::start(&SLOTS) else { return };
    let web = fleet.web();
    let first = fleet.worker();
    let job = fleet.batch(&web, 80).await;
    through(&web, &job, 5).await;
    let told = Instant::now();
    assert!(first.terminate().success());
    // A picture of this batch takes a fraction of a second.
    assert!(told.elapsed() < Duration::from_secs(1) + SLACK);
    let afterwards = web.ok("get_job", json!({"job_id": job})).await;
    assert_eq!(afterwards["running"], 0, "what was begun was finished: {afterwards}");
    let second = fleet.worker();
    all_there(&fleet, &web, &job, 80).await;
    assert_eq!(second.pictures().await, 80.0 - afterwards["ok"].as_f64().unwrap());
    assert_eq!(second.redelivered().await, 0.0, "what was not begun counts no attempt");
}

/// Kills Redis as a crash does, for so long, while pictures are being worked on.
async fn without_redis(seconds: u64) {
    let Some(mut fleet) = Fleet::start(&SLOTS) else { return };
    let web = fleet.web();
    let mut worker = fleet.worker();
    let job = fleet.batch(&web, 120).await;
    through(&web, &job, 10).await;
    fleet.redis.kill();
    // Longer than a lease: what is being worked on must not be taken for lost when the server is back.
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let (kind, _) = web.fails("list_images", json!({})).await;
    assert_eq!(kind, "unavailable");
    fleet.redis.start_again();
    all_there(&fleet, &web, &job, 120).await;
    assert!(worker.is_alive());
    assert_eq!((worker.pictures().await, worker.redelivered().await), (120.0, 0.0), "each was done once");
}

#[tokio::test]
async fn redis_may_be_killed_and_come_back() {
    without_redis(LEASE.as_secs() + 1).await;
}

#[tokio::test]
#[ignore = "long"]
async fn redis_may_be_away_for_eight_seconds() {
    without_redis(8).await;
}

#[tokio::test]
async fn redis_may_be_restarted() {
    let Some(mut fleet) = Fleet::start(&SLOTS) else { return };
    let web = fleet.web();
    let mut worker = fleet.worker();
    let job = fleet.batch(&web, 120).await;
    for round in 1..4 {
        through(&web, &job, round * 10).await;
        fleet.redis.shut_down();
        fleet.redis.start_again();
    }
    all_there(&fleet, &web, &job, 120).await;
    assert!(worker.is_alive());
    assert_eq!((worker.pictures().await, worker.redelivered().await), (120.0, 0.0), "each was done once");
}

/// Stalls Redis for 700 ms, `stalls` times, `between` one and the next.
async fn stalls(count: u32, between: Duration) {
    let Some(fleet) = Fleet::start(&SLOTS) else { return };
    let web = fleet.web();
    let mut worker = fleet.worker();
    let (mut done, mut stalled) = (0, 0);
    while stalled < count {
        let _ = std::fs::remove_dir_all(fleet.folder.picture("out"));
        let job = fleet.batch(&web, 150).await;
        while stalled < count && !web.ok("get_job", json!({"job_id": job})).await["state"].eq("finished") {
            tokio::time::sleep(between).await;
            fleet.redis.stall(0.7);
            stalled += 1;
        }
        all_there(&fleet, &web, &job, 150).await;
        done += 150;
    }
    assert!(worker.is_alive());
    assert_eq!((worker.pictures().await, worker.redelivered().await), (f64::from(done), 0.0), "each was done once");
}

#[tokio::test]
async fn redis_may_hang_again_and_again() {
    stalls(4, Duration::from_millis(400)).await;
}

#[tokio::test]
#[ignore = "long"]
async fn redis_may_hang_for_a_minute() {
    stalls(12, Duration::from_secs(5)).await;
}

/// The real thing that kills workers is a picture too large for the machine; here it is the test.
#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up() {
    let Some(fleet) = Fleet::start(&[("WORKER_CONCURRENCY", "1")]) else { return };
    let web = fleet.web();
    fleet.folder.put("in/heavy.jpg", &jpeg(4000, 3000));
    fleet.folder.put("light.jpg", &jpeg(40, 30));
    let steps = json!([{"op": "blur", "sigma": 80}, {"op": "blur", "sigma": 90}, {"op": "blur", "sigma": 100}]);
    let arguments = json!({"source": {"folder": "in"}, "steps": steps, "wait_seconds": 0});
    let job = web.ok("batch_process", arguments).await["job_id"].as_str().unwrap().to_owned();
    for attempt in 1..=3 {
        let worker = fleet.worker();
        while worker.figure("image_tool_jobs_running", "").await < 1.0
            || worker.redelivered().await < f64::from(attempt > 1)
            || web.ok("get_job", json!({"job_id": job})).await["running"] != 1
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        worker.kill();
    }
    let _worker = fleet.worker();
    let made = web.ok("transform_image", json!({"image": "light.jpg", "width": 8})).await;
    assert_eq!(made["width"], 8, "others go on");
    let facts = web.finished(&job).await;
    assert_eq!((&facts["state"], &facts["failed"]), (&json!("finished"), &json!(1)), "{facts}");
    assert!(facts["errors"].to_string().contains("the worker died 3 times"), "{facts}");
    let health: serde_json::Value = web.get("/health").await.json().await.unwrap();
    assert_eq!(health["queue"]["cpu"]["dead"], 1, "it is put aside for a person to look at: {health}");
}

/// The clocks of machines differ; that of Redis is the only one that counts.
#[tokio::test]
async fn clocks_that_differ_do_no_harm() {
    // The program itself waits for its child, which would outlive it: its library is used without it.
    let Ok(library) = std::process::Command::new("faketime").args(["-f", "+0s", "printenv", "LD_PRELOAD"]).output()
    else {
        println!("SKIPPED: faketime is not installed, so clocks that differ were not tested");
        return;
    };
    let library = String::from_utf8(library.stdout).unwrap();
    let Some(fleet) = Fleet::start(&SLOTS) else { return };
    let web = fleet.web();
    let workers = ["-60s", "+60s"].map(|skew| fleet.worker_with(&[("LD_PRELOAD", library.trim()), ("FAKETIME", skew)]));
    let job = fleet.batch(&web, 100).await;
    all_there(&fleet, &web, &job, 100).await;
    let [one, other] = &workers;
    assert_eq!(one.pictures().await + other.pictures().await, 100.0);
    assert_eq!(one.redelivered().await + other.redelivered().await, 0.0);
    assert!(one.pictures().await > 0.0 && other.pictures().await > 0.0, "both took part");
}

#[tokio::test]
#[ignore = "long"]
async fn two_thousand_pictures_pass_through_one_slot() {
    let Some(fleet) = Fleet::start(&[("WORKER_CONCURRENCY", "1")]) else { return };
    let web = fleet.web();
    let worker = fleet.worker();
    let job = fleet.batch(&web, 2000).await;
    all_there(&fleet, &web, &job, 2000).await;
    assert_eq!((worker.pictures().await, worker.redelivered().await), (2000.0, 0.0));
}
