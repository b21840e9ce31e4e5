//! The queue: put a job in, take jobs out.
//!
//! At least once: an entry is delivered again when its worker dies, so whatever performs it must be idempotent by
//! its id. Attempts are counted when an entry is claimed; a lease that is not renewed runs out and the entry goes to
//! another worker; an acknowledgement by anyone but the present holder changes nothing.

mod backend;
mod presence;
mod sqlite;

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

pub use self::{
    backend::{Delivery, LeaseBackend},
    presence::Presence,
};
use crate::{Db, JobId, StoreError, job::Job, job::Lane};

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

/// The queue of a single machine, in SQLite. Clones share it.
#[derive(Clone, Debug)]
pub struct Queue {
    db: Db,
    lease: Duration,
    wakes: [Arc<Notify>; 2],
}

impl Queue {
    /// The queue in `db`; `lease` is how long a silent worker keeps its entries.
    #[must_use]
    pub fn new(db: Db, lease: Duration) -> Self {
        Self { db, lease, wakes: Default::default() }
    }

    /// Puts entries in, in a transaction of its own.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn push(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut transaction = self.db.transaction().await?;
        for entry in entries {
            self.insert(&mut transaction, entry).await?;
        }
        transaction.commit().await?;
        entries.iter().for_each(|entry| self.wake(entry.job.work.lane()));
        Ok(())
    }

    /// Tells waiting workers of this process that `lane` has something.
    pub(crate) fn wake(&self, lane: Lane) {
        self.wakes[lane as usize].notify_one();
    }

    /// Takes queued entries of a job out again; those being worked on stay. Returns how many.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn withdraw(&self, job: &JobId) -> Result<u64, StoreError> {
        self.delete_queued(job).await
    }
}

#[cfg(test)]
mod tests;
