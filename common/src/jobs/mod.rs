//! The record of a job: owner, state, progress, outcome; wait for it; cancel it.

mod announce;
mod batch;
mod sqlite;

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use self::announce::Announcements;
pub use self::batch::{Item, ItemDone, ItemFilter, ItemStatus, PlannedItem};
use crate::{
    Db, Failure, FailureKind, JobId, StoreError, UserId,
    job::{Job, Work},
    outcome::Outcome,
    queue::{Entry, Priority, Queue},
};

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

/// The records of a single machine, in SQLite. Clones share them.
#[derive(Clone, Debug)]
pub struct Jobs {
    db: Db,
    queue: Queue,
    announcements: Arc<Announcements>,
}

impl Jobs {
    /// The records in `db`, whose entries go through `queue`.
    #[must_use]
    pub fn new(db: Db, queue: Queue) -> Self {
        Self { db, queue, announcements: Arc::default() }
    }

    /// Writes the record of new work and puts it into its queue, in one transaction. A call identical to one of the
    /// same owner that is still running joins it instead.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn submit(&self, owner: &UserId, work: Work) -> Result<Submitted, StoreError> {
        let fingerprint = fingerprint(&work)?;
        let mut transaction = self.db.transaction().await?;
        if let Some(id) = self.running(&mut transaction, owner, &fingerprint).await? {
            return Ok(Submitted { id, joined: true });
        }
        let id = JobId::random()?;
        self.insert(&mut transaction, &id, owner, &work, &fingerprint).await?;
        let lane = work.lane();
        let entry = Entry::whole(Job::new(id.clone(), owner.clone(), work));
        self.queue.insert(&mut transaction, &entry).await?;
        transaction.commit().await?;
        self.queue.wake(lane);
        Ok(Submitted { id, joined: false })
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
        let started = self.set_running(id).await?;
        if started {
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
        self.set_end(id, state, end).await?;
        self.announcements.over(id);
        Ok(())
    }

    /// Waits until `id` is over, or `longest` has passed; returns its record as it is then.
    ///
    /// # Errors
    /// If the store cannot be read, or the record has gone.
    pub async fn wait(&self, id: &JobId, longest: Duration) -> Result<JobRecord, StoreError> {
        /// The safety net: another process on the same folder may have done the work.
        const RECHECK: Duration = Duration::from_millis(500);
        let deadline = tokio::time::Instant::now() + longest;
        loop {
            // Listening starts before reading, so that no change falls in between.
            let changed = self.announcements.listen(id);
            let record = self.any(id).await?.ok_or(sqlx::Error::RowNotFound)?;
            let now = tokio::time::Instant::now();
            if record.state.is_final() || now >= deadline {
                return Ok(record);
            }
            let _ = tokio::time::timeout_at(deadline.min(now + RECHECK), changed).await;
        }
    }

    /// Cancels `id` unless somebody in this process still waits for it: an identical call may have joined it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn abandon(&self, id: &JobId) -> Result<bool, StoreError> {
        let alone = !self.announcements.anyone_listens(id);
        if alone {
            self.cancel(id).await?;
        }
        Ok(alone)
    }

    /// Cancels `id`: what waits is dropped, what runs is told to stop. Pictures of a batch that are being worked on
    /// still come through. Returns the record afterwards.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn cancel(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        self.queue.withdraw(id).await?;
        let cancelled = Failure::new(FailureKind::Cancelled, "The job was cancelled.");
        if self.set_end(id, JobState::Cancelled, &Err(cancelled)).await? {
            self.cancel_items(id).await?;
            self.announcements.over(id);
        }
        self.any(id).await
    }

    /// A token that is cancelled as soon as this process learns that `id` is over; for whoever works on it.
    #[must_use]
    pub fn stop_token(&self, id: &JobId) -> CancellationToken {
        self.announcements.stop_token(id)
    }

    fn item_entry(record: &JobRecord, index: u32) -> Entry {
        let job = Job::new(record.id.clone(), record.owner.clone(), Work::BatchItem { index });
        Entry { id: format!("{}:{index}", record.id), priority: Priority::Batch, job }
    }

    fn finish_entry(record: &JobRecord) -> Entry {
        let job = Job::new(record.id.clone(), record.owner.clone(), Work::BatchFinish);
        Entry { id: format!("{}:finish", record.id), priority: Priority::Interactive, job }
    }
}

fn fingerprint(work: &Work) -> Result<String, StoreError> {
    Ok(data_encoding::HEXLOWER.encode(&Sha256::digest(serde_json::to_vec(work)?)))
}

#[cfg(test)]
mod tests;
