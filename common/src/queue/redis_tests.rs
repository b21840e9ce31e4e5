//! What a queue that many processes share must hold to besides.

use std::{collections::HashSet, time::Instant};

use super::{
    tests::{LEASE, entry},
    *,
};
use crate::{Clock, redis::test_server::TestServer};

fn entries(count: usize) -> Vec<Entry> {
    (0..count).map(|index| entry(&format!("e{index}"), Priority::Batch)).collect()
}

#[tokio::test]
async fn twenty_thousand_due_at_once_drain_without_holding_anybody_up() {
    const MANY: usize = 20_000;
    let Some(server) = TestServer::start().await else { return };
    let queue = Queue::new(server.redis.clone(), LEASE);
    queue.push(&entries(MANY)).await.unwrap();
    let Kept::Redis(kept) = &queue.kept else { panic!("not on Redis") };
    // All fail at the same time and become due at the same time.
    let after = Duration::from_secs(60);
    loop {
        let claimed = queue.claim(Lane::Cpu, "w", 500).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        let ended = claimed.into_iter().map(|entry| redis::Ended {
            id: entry.id,
            attempt: entry.attempt,
            verdict: Verdict::Retry { after },
        });
        kept.acknowledge("w", &ended.collect::<Vec<_>>()).await.unwrap();
    }
    server.clock.advance(after + Duration::from_secs(1));
    let (mut drained, mut slowest) = (0, Duration::ZERO);
    loop {
        let began = Instant::now();
        let claimed = queue.claim(Lane::Cpu, "w", 16).await.unwrap();
        slowest = slowest.max(began.elapsed());
        if claimed.is_empty() {
            break;
        }
        drained += claimed.len();
        let ended = claimed.into_iter().map(|entry| redis::Ended {
            id: entry.id,
            attempt: entry.attempt,
            verdict: Verdict::Done,
        });
        kept.acknowledge("w", &ended.collect::<Vec<_>>()).await.unwrap();
    }
    assert_eq!(drained, MANY);
    assert_eq!(queue.depth(Lane::Cpu).await.unwrap(), Depth::default());
    assert!(slowest < Duration::from_secs(1), "a claim took {slowest:?}");
}

#[tokio::test]
async fn a_server_without_memory_takes_nothing_from_anybody() {
    let Some(server) = TestServer::start().await else { return };
    let queue = Queue::new(server.redis.clone(), LEASE);
    queue.push(&entries(2)).await.unwrap();
    queue.claim(Lane::Cpu, "w", 1).await.unwrap();
    let memory = async |bytes: &str| {
        let mut command = ::redis::cmd("CONFIG");
        command.arg("SET").arg("maxmemory").arg(bytes);
        command.query_async::<()>(&mut server.redis.connection()).await.unwrap();
    };
    memory("1").await;
    server.clock.advance(LEASE * 2);
    assert!(queue.renew("w").await.is_err());
    assert!(queue.renew("idle").await.is_err(), "it must not think that the others could renew");
    assert!(queue.reap("idle").await.is_err());
    assert!(queue.claim(Lane::Cpu, "idle", 1).await.is_err());
    memory("0").await;
    assert_eq!(queue.renew("w").await.unwrap(), 1);
    assert_eq!(queue.reap("idle").await.unwrap(), 0);
    assert!(queue.holds("e0", "w", 1).await.unwrap());
    assert_eq!(queue.claim(Lane::Cpu, "idle", 2).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_never_get_the_same_entry() {
    const MANY: usize = 4000;
    let Some(server) = TestServer::start().await else { return };
    let mut running = Vec::new();
    for process in 0..2 {
        let redis = Redis::open(&server.url, Clock::default()).await.unwrap();
        let queue = Queue::new(redis, LEASE);
        for task in 0..4 {
            let (queue, worker) = (queue.clone(), format!("w{process}-{task}"));
            running.push(tokio::spawn(async move {
                let mut got = Vec::new();
                let deadline = Instant::now() + Duration::from_secs(30);
                while Instant::now() < deadline {
                    let claimed = queue.claim(Lane::Cpu, &worker, 7).await.unwrap();
                    if claimed.is_empty() && queue.depth(Lane::Cpu).await.unwrap().dead > 0 {
                        break;
                    }
                    for entry in claimed {
                        let last = entry.id == format!("e{}", MANY - 1);
                        let verdict = if last { Verdict::Dead { reason: "the last".into() } } else { Verdict::Done };
                        assert!(queue.acknowledge(&entry.id, &worker, entry.attempt, &verdict).await.unwrap());
                        got.push(entry.id);
                    }
                }
                got
            }));
        }
    }
    Queue::new(server.redis.clone(), LEASE).push(&entries(MANY)).await.unwrap();
    let got: Vec<String> = futures::future::join_all(running).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(got.len(), MANY);
    assert_eq!(got.into_iter().collect::<HashSet<_>>().len(), MANY);
}

#[tokio::test]
async fn an_entry_wakes_a_worker_of_another_process() {
    let Some(server) = TestServer::start().await else { return };
    let other = Queue::new(Redis::open(&server.url, Clock::default()).await.unwrap(), LEASE);
    let wake = other.wakes[Lane::Cpu as usize].clone();
    // The first is that the news can be heard.
    wake.notified().await;
    Queue::new(server.redis.clone(), LEASE).push(&entries(1)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), wake.notified()).await.unwrap();
}

#[tokio::test]
async fn a_killed_server_loses_nothing_and_an_acknowledgement_waits_for_it() {
    let Some(mut server) = TestServer::durable().await else { return };
    let queue = Queue::new(server.redis.clone(), LEASE);
    queue.push(&entries(10)).await.unwrap();
    let claimed = queue.claim(Lane::Cpu, "w", 3).await.unwrap();
    server.kill();
    let acknowledged = tokio::spawn({
        let queue = queue.clone();
        async move {
            while queue.acknowledge(&claimed[0].id, "w", claimed[0].attempt, &Verdict::Done).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    server.revive().await;
    acknowledged.await.unwrap();
    let depth = queue.depth(Lane::Cpu).await.unwrap();
    assert_eq!((depth.queued, depth.running), (7, 2));
}

#[tokio::test]
async fn what_a_lost_answer_left_with_a_worker_is_given_back() {
    let Some(server) = TestServer::start().await else { return };
    let queue = Queue::new(server.redis.clone(), LEASE);
    queue.push(&entries(3)).await.unwrap();
    let known = queue.claim(Lane::Cpu, "w", 1).await.unwrap().remove(0).id;
    drop(queue.claim(Lane::Cpu, "w", 1).await.unwrap());
    assert_eq!(queue.give_back_lost(Lane::Remote, "w", vec![]).await.unwrap(), 0);
    assert_eq!(queue.give_back_lost(Lane::Cpu, "w", vec![known]).await.unwrap(), 1);
    let again = queue.claim(Lane::Cpu, "w", 1).await.unwrap().remove(0);
    assert_eq!((again.id.as_str(), again.attempt), ("e1", 1));
}
