//! The transitions of an entry on Redis, each one Lua script, so that it happens as a whole.

use std::sync::LazyLock;

use redis::{FromRedisValue, Script};

use super::{Claimed, Depth, Entry, MAX_ATTEMPTS, Verdict};
use crate::{JobId, Redis, StoreError, job::Lane};

/// Most entries that one script moves: the server does nothing else meanwhile.
const CHUNK: usize = 500;

/// A script of the queue or of the jobs; it can use what the prelude names.
pub(crate) fn script(body: &str) -> Script {
    Script::new(&[include_str!("lua/prelude.lua"), body].concat())
}

static PUSH: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/push.lua")));
static CLAIM: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/claim.lua")));
static ACKNOWLEDGE: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/acknowledge.lua")));
static HOLDS: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/holds.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/renew.lua")));
static REAP: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/reap.lua")));
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/give_back.lua")));
static GIVE_BACK_LOST: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/give_back_lost.lua")));
static WITHDRAW: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/withdraw.lua")));
static PRESSURE: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/pressure.lua")));
static NEXT_DUE: LazyLock<Script> = LazyLock::new(|| script(include_str!("lua/next_due.lua")));

/// The entries in Redis.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    pub(super) redis: Redis,
    pub(super) lease_ms: i64,
}

/// An entry that was worked on, and what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) id: String,
    pub(super) attempt: u32,
    pub(super) verdict: Verdict,
}

impl Entries {
    async fn run<T: FromRedisValue>(&self, script: &Script, arguments: &[String]) -> Result<T, StoreError> {
        let ahead = self.redis.clock().ahead_ms().to_string();
        self.redis.run(script, &[Redis::key("")], (ahead, arguments)).await
    }

    pub(super) async fn push(&self, entries: &[Entry]) -> Result<(), StoreError> {
        for lane in Lane::ALL {
            let of_lane: Vec<&Entry> = entries.iter().filter(|entry| entry.job.work.lane() == lane).collect();
            for chunk in of_lane.chunks(CHUNK) {
                let mut arguments = vec![lane.queue_name().to_owned(), MAX_ATTEMPTS.to_string()];
                for entry in chunk {
                    let priority = (entry.priority as i64).to_string();
                    let payload = serde_json::to_string(&entry.job)?;
                    arguments.extend([entry.id.clone(), entry.job.id.to_string(), priority, payload]);
                }
                let () = self.run(&PUSH, &arguments).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn claim(&self, lane: Lane, worker: &str, most: usize) -> Result<Vec<Claimed>, StoreError> {
        let (most, lease) = (most.min(CHUNK).to_string(), self.lease_ms.to_string());
        let arguments = [lane.queue_name().to_owned(), worker.to_owned(), most, lease];
        let claimed: Vec<(String, String, u32, u32)> = self.run(&CLAIM, &arguments).await?;
        let entry = |(id, payload, attempt, max_attempts)| Claimed { id, payload, attempt, max_attempts };
        Ok(claimed.into_iter().map(entry).collect())
    }

    pub(super) async fn next_due(&self, lane: Lane) -> Result<Option<u64>, StoreError> {
        let ms: i64 = self.run(&NEXT_DUE, &[lane.queue_name().to_owned()]).await?;
        Ok(u64::try_from(ms).ok())
    }

    /// Ends attempts of `worker`. Returns for each whether it still held the entry.
    pub(super) async fn acknowledge(&self, worker: &str, ended: &[Ended]) -> Result<Vec<bool>, StoreError> {
        let mut arguments = vec![worker.to_owned()];
        for Ended { id, attempt, verdict } in ended {
            let (name, more) = match verdict {
                Verdict::Done => ("done", String::new()),
                Verdict::Retry { after } => ("retry", after.as_millis().to_string()),
                Verdict::Dead { reason } => ("dead", reason.clone()),
                Verdict::Release => ("release", String::new()),
            };
            arguments.extend([id.clone(), attempt.to_string(), name.to_owned(), more]);
        }
        self.run(&ACKNOWLEDGE, &arguments).await
    }

    pub(super) async fn holds(&self, id: &str, worker: &str, attempt: u32) -> Result<bool, StoreError> {
        let ahead = self.redis.clock().ahead_ms().to_string();
        self.redis.run_again(&HOLDS, &[Redis::key("")], &(ahead, id, worker, attempt)).await
    }

    pub(super) async fn renew(&self, worker: &str) -> Result<u64, StoreError> {
        self.run(&RENEW, &[worker.to_owned(), self.lease_ms.to_string()]).await
    }

    pub(super) async fn reap(&self, worker: &str) -> Result<u64, StoreError> {
        let mut reaped = 0;
        for lane in Lane::ALL {
            loop {
                let some: u64 = self.run(&REAP, &[lane.queue_name().to_owned(), worker.to_owned()]).await?;
                reaped += some;
                if some < CHUNK as u64 {
                    break;
                }
            }
        }
        Ok(reaped)
    }

    pub(super) async fn give_back(&self, worker: &str) -> Result<u64, StoreError> {
        let [cpu, remote] = Lane::ALL.map(|lane| lane.queue_name().to_owned());
        self.run(&GIVE_BACK, &[worker.to_owned(), cpu, remote]).await
    }

    /// Gives back what `worker` holds in `lane` besides `known`.
    pub(super) async fn give_back_lost(&self, lane: Lane, worker: &str, known: Vec<String>) -> Result<u64, StoreError> {
        let mut arguments = vec![worker.to_owned(), lane.queue_name().to_owned()];
        arguments.extend(known);
        self.run(&GIVE_BACK_LOST, &arguments).await
    }

    pub(super) async fn withdraw(&self, job: &JobId) -> Result<u64, StoreError> {
        self.run(&WITHDRAW, &[job.to_string()]).await
    }

    pub(super) async fn depth(&self, lane: Lane) -> Result<Depth, StoreError> {
        let key = |part: &str| Redis::key(&format!("queue:v1:{}:{part}", lane.queue_name()));
        let mut pipe = redis::pipe();
        for part in ["waiting:0", "waiting:1", "due", "running", "dead"] {
            pipe.zcard(key(part));
        }
        let counts: [u64; 5] = pipe.query_async(&mut self.redis.connection()).await?;
        let [first, second, due, running, dead] = counts;
        Ok(Depth { queued: first + second + due, running, dead })
    }

    /// How many entries wait that somebody waits for, and how many milliseconds the first has.
    pub(super) async fn pressure(&self) -> Result<(u64, u64), StoreError> {
        self.run(&PRESSURE, &Lane::ALL.map(|lane| lane.queue_name().to_owned())).await
    }
}
