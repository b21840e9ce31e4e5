//! The queue: put a job in, take jobs out.
//!
//! At least once: an entry is delivered again when its worker dies, so whatever performs it must be idempotent by
//! its id. Attempts are counted when an entry is claimed; a lease that is not renewed runs out and the entry goes to
//! another worker; an acknowledgement by anyone but the present holder changes nothing.

mod backend;
mod keeper;
mod presence;
pub(crate) mod redis;
pub(crate) mod sqlite;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

pub use self::{
    backend::{Delivery, Hold, LeaseBackend},
    presence::Presence,
};
use crate::redis::News;
use crate::{JobId, Redis, Store, StoreError, job::Job, job::Lane};

/// Most attempts at one entry, crashes included.
pub const MAX_ATTEMPTS: u32 = 3;

/// What stands first in its lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Priority {
    /// Somebody waits for it.
    Interactive = 0,
    /// Part of a batch.
    Batch = 1,
}

/// An entry to put in.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Unique; putting the same id in twice changes nothing.
    pub id: String,
    /// Who comes first.
    pub priority: Priority,
    /// What is to be done.
    pub job: Job,
}

impl Entry {
    /// The one entry of a job.
    #[must_use]
    pub fn whole(job: Job) -> Self {
        Self { id: job.id.to_string(), priority: Priority::Interactive, job }
    }
}

/// An entry as it was taken out.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) id: String,
    pub(crate) payload: String,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
}

/// What becomes of an entry that was worked on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Through, well or not; the record says which.
    Done,
    /// Once more, not before `after`.
    Retry {
        /// How long to wait.
        after: Duration,
    },
    /// Put aside for a person to look at.
    Dead {
        /// Why.
        reason: String,
    },
    /// Not begun: give it back as it was.
    Release,
}

/// How full a lane is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Depth {
    /// Entries waiting.
    pub queued: u64,
    /// Entries being worked on.
    pub running: u64,
    /// Entries put aside.
    pub dead: u64,
}

/// How much waits for a worker that somebody waits for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pressure {
    /// Entries, in both lanes.
    pub waiting: u64,
    /// How long the first of them has been waiting.
    pub longest_wait: Duration,
}

/// The queue. Clones share it.
#[derive(Clone, Debug)]
pub struct Queue {
    kept: Kept,
    lease: Duration,
    wakes: Wakes,
    heard: Arc<Mutex<Option<Instant>>>,
}

type Wakes = [Arc<Notify>; 2];

/// Where the entries are.
#[derive(Clone, Debug)]
enum Kept {
    Sqlite(sqlite::Entries),
    Redis(redis::Entries),
}

/// The same transition, wherever the entries are.
macro_rules! on_either {
    ($queue:ident . $method:ident ( $($argument:expr),* )) => {
        match &$queue.kept {
            Kept::Sqlite(entries) => entries.$method($($argument),*).await,
            Kept::Redis(entries) => entries.$method($($argument),*).await,
        }
    };
}

impl Queue {
    /// The queue in `store`; `lease` is how long a silent worker keeps its entries. On Redis it must be called within
    /// a Tokio runtime: the queue hears of what other processes put in.
    #[must_use]
    pub fn new(store: impl Into<Store>, lease: Duration) -> Self {
        let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let wakes = Wakes::default();
        let kept = match store.into() {
            Store::Sqlite(db) => Kept::Sqlite(sqlite::Entries { db, lease_ms }),
            Store::Redis(redis) => {
                hear(&redis, wakes.clone());
                Kept::Redis(redis::Entries { redis, lease_ms })
            }
        };
        Self { kept, lease, wakes, heard: Arc::default() }
    }

    /// How long a silent worker keeps its entries.
    pub(crate) fn lease(&self) -> Duration {
        self.lease
    }

    /// Puts entries in; on SQLite all or none of them.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn push(&self, entries: &[Entry]) -> Result<(), StoreError> {
        on_either!(self.push(entries))?;
        entries.iter().for_each(|entry| self.wake(entry.job.work.lane()));
        Ok(())
    }

    /// Tells waiting workers of this process that `lane` has something.
    pub(crate) fn wake(&self, lane: Lane) {
        self.wakes[lane as usize].notify_one();
    }

    /// Takes up to `most` due entries for `worker`.
    pub(crate) async fn claim(&self, lane: Lane, worker: &str, most: usize) -> Result<Vec<Claimed>, StoreError> {
        let claimed = on_either!(self.claim(lane, worker, most))?;
        self.note_heard();
        Ok(claimed)
    }

    /// How long ago a worker of this process last heard from the store: that it took jobs, found none to take, or
    /// kept those it has. `None`: never.
    #[must_use]
    pub fn silent_for(&self) -> Option<Duration> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).map(|heard| heard.elapsed())
    }

    fn note_heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Milliseconds until the next entry of `lane` is due; `None` if nothing waits.
    pub(crate) async fn next_due(&self, lane: Lane) -> Result<Option<u64>, StoreError> {
        on_either!(self.next_due(lane))
    }

    /// Ends an attempt. Returns whether `worker` still held the entry at that attempt; if not, nothing changes.
    pub(crate) async fn acknowledge(
        &self,
        id: &str,
        worker: &str,
        attempt: u32,
        verdict: &Verdict,
    ) -> Result<bool, StoreError> {
        match &self.kept {
            Kept::Sqlite(entries) => entries.acknowledge(id, worker, attempt, verdict).await,
            Kept::Redis(entries) => {
                let ended = redis::Ended { id: id.to_owned(), attempt, verdict: verdict.clone() };
                Ok(entries.acknowledge(worker, &[ended]).await?.contains(&true))
            }
        }
    }

    /// Whether `worker` still holds the entry at that attempt.
    async fn holds(&self, id: &str, worker: &str, attempt: u32) -> Result<bool, StoreError> {
        on_either!(self.holds(id, worker, attempt))
    }

    /// Renews the leases that `worker` holds.
    pub(crate) async fn renew(&self, worker: &str) -> Result<u64, StoreError> {
        let renewed = on_either!(self.renew(worker))?;
        self.note_heard();
        Ok(renewed)
    }

    /// Gives the entries of silent workers back. `worker` is the caller: after a laptop's sleep every lease has run
    /// out, its own too, but it is awake to say that it still works on them.
    pub(crate) async fn reap(&self, worker: &str) -> Result<u64, StoreError> {
        let entries = on_either!(self.reap(worker))?;
        self.wake_if(entries);
        Ok(entries)
    }

    /// Gives back at once what a worker held that is dead or stops. Returns how many entries.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn give_back(&self, worker: &str) -> Result<u64, StoreError> {
        let entries = on_either!(self.give_back(worker))?;
        self.wake_if(entries);
        Ok(entries)
    }

    /// Gives back what `worker` holds in `lane` besides `known`: the answer to a claim may get lost on its way. Returns
    /// how many entries.
    pub(crate) async fn give_back_lost(&self, lane: Lane, worker: &str, known: Vec<String>) -> Result<u64, StoreError> {
        match &self.kept {
            // Nothing is on its way within one process.
            Kept::Sqlite(_) => Ok(0),
            Kept::Redis(entries) => entries.give_back_lost(lane, worker, known).await,
        }
    }

    /// Takes queued entries of a job out again; those being worked on stay. Returns how many.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn withdraw(&self, job: &JobId) -> Result<u64, StoreError> {
        on_either!(self.withdraw(job))
    }

    /// How full `lane` is.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn depth(&self, lane: Lane) -> Result<Depth, StoreError> {
        on_either!(self.depth(lane))
    }

    /// How much waits that somebody waits for.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn pressure(&self) -> Result<Pressure, StoreError> {
        let (waiting, longest_ms) = on_either!(self.pressure())?;
        Ok(Pressure { waiting, longest_wait: Duration::from_millis(longest_ms) })
    }

    fn wake_if(&self, entries: u64) {
        if entries > 0 {
            Lane::ALL.into_iter().for_each(|lane| self.wake(lane));
        }
    }
}

/// Wakes the workers of this process when any process puts something in, until the last clone of `redis` is gone.
fn hear(redis: &Redis, wakes: Wakes) {
    use tokio::sync::broadcast::error::RecvError;
    let mut news = redis.listen();
    tokio::spawn(async move {
        loop {
            match news.recv().await {
                Ok(News::Wake(lane)) => wakes[lane as usize].notify_one(),
                Ok(News::Changed(_) | News::Over(_)) => {}
                // Some may have been missed.
                Ok(News::Reconnected) | Err(RecvError::Lagged(_)) => wakes.iter().for_each(|wake| wake.notify_one()),
                Err(RecvError::Closed) => return,
            }
        }
    });
}

#[cfg(test)]
mod redis_tests;
#[cfg(test)]
mod tests;
