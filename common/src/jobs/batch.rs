//! The pictures of a batch: one record each, one queue entry each, of which only a few wait in the queue at a time, so
//! that ten thousand pictures of one caller do not stand before one of another.

use serde::{Deserialize, Serialize};

use super::{JobRecord, Jobs, Kept, on_either};
use crate::{Failure, ImageId, JobId, StoreError, job::Lane, job::Source};

/// How many pictures of one batch wait in the queue at a time, for each slot that works on them.
const QUEUED_PER_SLOT: u32 = 4;

/// Where a picture of a batch is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ItemStatus {
    /// Planned.
    Pending,
    /// In the queue.
    Queued,
    /// Being worked on.
    Running,
    /// Through and well.
    Ok,
    /// Through and not well.
    Failed,
    /// Left out on purpose.
    Skipped,
    /// Dropped by a cancel.
    Cancelled,
}

impl ItemStatus {
    /// The name in arguments and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A picture as it is planned.
#[derive(Clone, Debug)]
pub struct PlannedItem {
    /// Where its bytes come from.
    pub source: Source,
    /// The source as a person reads it; a path is absolute and free of links.
    pub label: String,
    /// Its folder below the one that was named; empty for none.
    pub dir: String,
}

/// A picture of a batch.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its place in the batch, from 0.
    pub index: u32,
    /// The source as a person reads it.
    pub label: String,
    /// Where its bytes come from.
    pub origin: Source,
    /// Its folder below the one that was named.
    pub dir: String,
    /// Where it is.
    pub status: ItemStatus,
    /// The name of the result.
    pub output: Option<String>,
    /// The result in the store.
    pub image_id: Option<ImageId>,
    /// Why it failed or was left out.
    pub error: Option<Failure>,
    /// Size of the file that was read.
    pub bytes_before: u64,
    /// Size of the file that was written.
    pub bytes_after: u64,
    /// SHA-256 of the result.
    pub sha256: Option<String>,
    /// Milliseconds of work.
    pub ms: Option<u64>,
}

/// How a picture of a batch ended.
#[derive(Clone, Debug)]
pub struct ItemDone {
    /// `Ok`, `Failed` or `Skipped`.
    pub status: ItemStatus,
    /// The result in the store.
    pub image: Option<ImageId>,
    /// Why it failed or was left out.
    pub failure: Option<Failure>,
    /// Size of the file that was read.
    pub bytes_in: u64,
    /// Size of the file that was written.
    pub bytes_out: u64,
    /// SHA-256 of the result.
    pub sha256: Option<String>,
    /// Milliseconds of work.
    pub ms: u64,
}

/// Which pictures of a batch to list.
#[derive(Clone, Debug, Default)]
pub struct ItemFilter {
    /// Only those there.
    pub status: Option<ItemStatus>,
    /// From this place on.
    pub from: u32,
    /// How many at most.
    pub limit: u32,
}

impl Jobs {
    /// Writes the plan, with `notes` on what was left out, and queues the first pictures for `slots` workers. A plan
    /// that is there already stays.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn plan_batch(
        &self,
        record: &JobRecord,
        items: &[PlannedItem],
        notes: &[String],
        slots: u32,
    ) -> Result<(), StoreError> {
        on_either!(self.plan_batch(record, items, notes, slots.saturating_mul(QUEUED_PER_SLOT)))?;
        self.tell(record);
        Ok(())
    }

    /// Marks a picture as being worked on and returns it; `None` if it is through, so that a second delivery does
    /// nothing.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn start_item(&self, id: &JobId, index: u32) -> Result<Option<Item>, StoreError> {
        on_either!(self.start_item(id, index))
    }

    /// Claims `name` for the result of a picture. Returns false if another picture of the batch has it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn claim_name(&self, id: &JobId, index: u32, name: &str) -> Result<bool, StoreError> {
        on_either!(self.claim_name(id, index, name))
    }

    /// Whether `label` is one of the originals of the batch, which are never altered.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn is_source(&self, id: &JobId, label: &str) -> Result<bool, StoreError> {
        on_either!(self.is_source(id, label))
    }

    /// Writes how a picture ended, queues the next one, and with the last one the end of the batch; all or nothing.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn finish_item(
        &self,
        record: &JobRecord,
        index: u32,
        done: &ItemDone,
        max_failures: Option<u32>,
    ) -> Result<(), StoreError> {
        on_either!(self.finish_item(record, index, done, max_failures))?;
        self.tell(record);
        Ok(())
    }

    /// Pictures of a batch, in order.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn items(&self, id: &JobId, filter: &ItemFilter) -> Result<Vec<Item>, StoreError> {
        on_either!(self.items(id, filter))
    }

    /// After a commit: both lanes may have something new, and so may whoever waits for the batch. On Redis the script
    /// has told everybody.
    fn tell(&self, record: &JobRecord) {
        if let Kept::Sqlite(_) = &self.kept {
            Lane::ALL.into_iter().for_each(|lane| self.queue.wake(lane));
            self.announcements.changed(&record.id);
        }
    }
}
