//! The record of a job: owner, state, progress, outcome; wait for it; cancel it.

mod admission;
mod announce;
mod batch;
mod batch_sqlite;
mod hear;
mod in_use;
mod progress;
mod redis;
mod sqlite;

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

pub use self::admission::Admission;
pub(crate) use self::admission::too_many_open;
use self::announce::Announcements;
pub use self::batch::{Item, ItemDone, ItemFilter, ItemStatus, PlannedItem};
pub use self::progress::Progress;
use crate::{Failure, FailureKind, JobId, Store, StoreError, UserId, job::Work, outcome::Outcome, queue::Queue};

/// How far a job is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// Is being worked on.
    Running,
    /// Through; items of a batch may have failed.
    Finished,
    /// Ended with a failure.
    Failed,
    /// Cancelled by its owner.
    Cancelled,
}

impl JobState {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How many pictures of a job are where.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// Known so far; of a batch that is still being planned, 0.
    pub total: u64,
    /// Through and well.
    pub ok: u64,
    /// Through and not well.
    pub failed: u64,
    /// Left out on purpose.
    pub skipped: u64,
    /// Dropped by a cancel.
    pub cancelled: u64,
    /// Being worked on.
    pub running: u64,
    /// Bytes read by pictures that are through.
    pub bytes_in: u64,
    /// Bytes written by pictures that are through.
    pub bytes_out: u64,
}

impl Tally {
    /// Pictures that are through, one way or the other.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.ok + self.failed + self.skipped + self.cancelled
    }

    /// A job of one picture counts that one.
    fn of_one(record: &JobRecord) -> Self {
        let (bytes_in, bytes_out) = match &record.outcome {
            Some(Outcome::Transformed(done)) => (done.before.bytes, done.image.facts.bytes),
            Some(Outcome::Inspected(done)) => (done.facts.bytes, 0),
            _ => (0, 0),
        };
        Self {
            total: 1,
            ok: u64::from(record.state == JobState::Finished),
            failed: u64::from(record.state == JobState::Failed),
            skipped: 0,
            cancelled: u64::from(record.state == JobState::Cancelled),
            running: u64::from(record.state == JobState::Running),
            bytes_in,
            bytes_out,
        }
    }
}

/// The record of a job.
#[derive(Clone, Debug)]
pub struct JobRecord {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub owner: UserId,
    /// `transform`, `inspect` or `batch`.
    pub kind: String,
    /// How far it is.
    pub state: JobState,
    /// What was asked for.
    pub work: Work,
    /// What came out.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What a batch left out while it was planned, such as `2 hidden`.
    pub notes: Vec<String>,
    /// How many pictures are where.
    pub tally: Tally,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// Milliseconds since 1970, UTC.
    pub started_at: Option<i64>,
    /// Milliseconds since 1970, UTC.
    pub finished_at: Option<i64>,
}

/// What [`Jobs::submit`] did.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The job that will answer.
    pub id: JobId,
    /// Whether an identical call of the same caller was still running; then its job answers both.
    pub joined: bool,
}

/// The records. Clones share them.
#[derive(Clone, Debug)]
pub struct Jobs {
    kept: Kept,
    queue: Queue,
    announcements: Arc<Announcements>,
}

/// Where the records are.
#[derive(Clone, Debug)]
enum Kept {
    Sqlite(sqlite::Records),
    Redis(redis::Records),
}

/// The same transition, wherever the records are.
macro_rules! on_either {
    ($jobs:ident . $method:ident ( $($argument:expr),* )) => {
        match &$jobs.kept {
            Kept::Sqlite(records) => records.$method($($argument),*).await,
            Kept::Redis(records) => records.$method($($argument),*).await,
        }
    };
}
use on_either;

impl Jobs {
    /// The records in `store`, whose entries go through `queue`, which must be in the same. On Redis it must be called
    /// within a Tokio runtime: the records hear of what other processes do.
    #[must_use]
    pub fn new(store: impl Into<Store>, queue: Queue) -> Self {
        let announcements: Arc<Announcements> = Arc::default();
        let kept = match store.into() {
            Store::Sqlite(db) => Kept::Sqlite(sqlite::Records { db }),
            Store::Redis(redis) => {
                hear::start(&redis, announcements.clone());
                Kept::Redis(redis::Records { redis })
            }
        };
        Self { kept, queue, announcements }
    }

    /// Writes the record of new work and puts it into its queue, as a whole. A call identical to one of the same owner
    /// that is still running joins it instead.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn submit(&self, owner: &UserId, work: Work) -> Result<Submitted, StoreError> {
        self.submit_within(owner, work, u64::MAX).await
    }

    /// The same, unless `owner` has `most` jobs that are not over.
    ///
    /// # Errors
    /// If there are too many, or the store cannot be written.
    pub async fn submit_within(&self, owner: &UserId, work: Work, most: u64) -> Result<Submitted, StoreError> {
        let (fingerprint, lane) = (fingerprint(&work)?, work.lane());
        let submitted = on_either!(self.submit(owner, work, &fingerprint, most))?;
        if !submitted.joined {
            self.queue.wake(lane);
        }
        Ok(submitted)
    }

    /// The record of `id`, whoever owns it; for workers.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn any(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        on_either!(self.any(id))
    }

    /// The record of `id` if it belongs to `owner`. Somebody else's job looks like none.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn get(&self, owner: &UserId, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.any(id).await?.filter(|record| record.owner == *owner))
    }

    /// Marks `id` as running. Returns false if it is over, so that a second delivery does nothing.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn start(&self, id: &JobId) -> Result<bool, StoreError> {
        let started = on_either!(self.set_running(id))?;
        if started && let Kept::Sqlite(_) = &self.kept {
            self.announcements.changed(id);
        }
        Ok(started)
    }

    /// Writes how a job ended and tells everyone who waits. The first end stays: later ones change nothing.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn finish(&self, id: &JobId, end: &Result<Outcome, Failure>) -> Result<(), StoreError> {
        let state = match end {
            Ok(_) => JobState::Finished,
            Err(failure) if failure.kind == FailureKind::Cancelled => JobState::Cancelled,
            Err(_) => JobState::Failed,
        };
        on_either!(self.set_end(id, state, end))?;
        self.announcements.over(id);
        Ok(())
    }

    /// Waits until `id` is over, or `longest` has passed; returns its record as it is then.
    ///
    /// # Errors
    /// If the store cannot be read, or the record has gone.
    pub async fn wait(&self, id: &JobId, longest: Duration) -> Result<JobRecord, StoreError> {
        // The safety net: another process on the same folder may have done the work, or its news may have got lost.
        let recheck = match &self.kept {
            Kept::Sqlite(_) => Duration::from_millis(500),
            Kept::Redis(_) => Duration::from_secs(5),
        };
        let deadline = tokio::time::Instant::now() + longest;
        loop {
            // Listening starts before reading, so that no change falls in between.
            let changed = self.announcements.listen(id);
            let record = self.any(id).await?.ok_or(sqlx::Error::RowNotFound)?;
            let now = tokio::time::Instant::now();
            if record.state.is_final() || now >= deadline {
                return Ok(record);
            }
            let _ = tokio::time::timeout_at(deadline.min(now + recheck), changed).await;
        }
    }

    /// Cancels `id` unless somebody else wants it: an identical call may have joined it, in this process or another.
    /// Returns whether it is cancelled.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn abandon(&self, id: &JobId) -> Result<bool, StoreError> {
        if self.announcements.anyone_listens(id) {
            return Ok(false);
        }
        match &self.kept {
            Kept::Sqlite(_) => self.cancel(id).await.map(|_| true),
            Kept::Redis(records) => Ok(self.told(id, records.cancel(id, &cancelled(), true).await?)),
        }
    }

    /// Cancels `id`: what waits is dropped, what runs is told to stop. Pictures of a batch that are being worked on
    /// still come through. Returns the record afterwards.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn cancel(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        match &self.kept {
            Kept::Sqlite(records) => {
                self.queue.withdraw(id).await?;
                let ended = records.set_end(id, JobState::Cancelled, &Err(cancelled())).await?;
                if ended {
                    records.cancel_items(id).await?;
                }
                self.told(id, ended);
            }
            Kept::Redis(records) => {
                self.told(id, records.cancel(id, &cancelled(), false).await?);
            }
        }
        self.any(id).await
    }

    /// Tells this process at once that `id` is over, if it is.
    fn told(&self, id: &JobId, over: bool) -> bool {
        if over {
            self.announcements.over(id);
        }
        over
    }

    /// Jobs that ended before `moment` (milliseconds since 1970, UTC), the oldest first, at most `most`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn ended_before(&self, moment: i64, most: u32) -> Result<Vec<JobId>, StoreError> {
        on_either!(self.ended_before(moment, most))
    }

    /// Removes the record of a job, its items and what is left of it in the queue.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn forget(&self, id: &JobId) -> Result<(), StoreError> {
        on_either!(self.forget(id))
    }

    /// A token that is cancelled as soon as this process learns that `id` is over; for whoever works on it.
    #[must_use]
    pub fn stop_token(&self, id: &JobId) -> CancellationToken {
        self.announcements.stop_token(id)
    }
}

fn cancelled() -> Failure {
    Failure::new(FailureKind::Cancelled, "The job was cancelled.")
}

/// The kind as records name it: all that belongs to a batch is one.
fn record_kind(work: &Work) -> &'static str {
    match work {
        Work::BatchPlan(_) | Work::BatchItem { .. } | Work::BatchFinish => "batch",
        other => other.kind(),
    }
}

fn fingerprint(work: &Work) -> Result<String, StoreError> {
    Ok(data_encoding::HEXLOWER.encode(&Sha256::digest(serde_json::to_vec(work)?)))
}

#[cfg(test)]
mod redis_tests;
#[cfg(test)]
mod tests;
