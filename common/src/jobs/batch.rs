//! The pictures of a batch: one row each, one queue entry each, of which only a few wait in the queue at a time, so
//! that ten thousand pictures of one caller do not stand before one of another.

use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{JobRecord, Jobs, Tally};
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
        let mut transaction = self.db.transaction().await?;
        sqlx::query("UPDATE jobs SET notes = ? WHERE id = ?")
            .bind(serde_json::to_string(notes)?)
            .bind(record.id.as_str())
            .execute(&mut *transaction)
            .await?;
        for (index, item) in items.iter().enumerate() {
            sqlx::query(
                "INSERT INTO batch_items (job, idx, source, label, dir, status) VALUES (?, ?, ?, ?, ?, 'pending')
                 ON CONFLICT DO NOTHING",
            )
            .bind(record.id.as_str())
            .bind(i64::try_from(index).unwrap_or(i64::MAX))
            .bind(serde_json::to_string(&item.source)?)
            .bind(&item.label)
            .bind(&item.dir)
            .execute(&mut *transaction)
            .await?;
        }
        self.refill(&mut transaction, record, slots.saturating_mul(QUEUED_PER_SLOT)).await?;
        self.finish_if_through(&mut transaction, record).await?;
        transaction.commit().await?;
        self.tell(record);
        Ok(())
    }

    /// Marks a picture as being worked on and returns it; `None` if it is through, so that a second delivery does
    /// nothing.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn start_item(&self, id: &JobId, index: u32) -> Result<Option<Item>, StoreError> {
        let row = sqlx::query(
            "UPDATE batch_items SET status = 'running' WHERE job = ? AND idx = ? AND status IN ('queued', 'running') RETURNING *",
        )
        .bind(id.as_str())
        .bind(index)
        .fetch_optional(&self.db.write)
        .await?;
        row.as_ref().map(item).transpose()
    }

    /// Claims `name` for the result of a picture. Returns false if another picture of the batch has it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn claim_name(&self, id: &JobId, index: u32, name: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE OR IGNORE batch_items SET output = ? WHERE job = ? AND idx = ?")
            .bind(name)
            .bind(id.as_str())
            .bind(index)
            .execute(&self.db.write)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Whether `label` is one of the originals of the batch, which are never altered.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn is_source(&self, id: &JobId, label: &str) -> Result<bool, StoreError> {
        let (is,): (bool,) = sqlx::query_as("SELECT EXISTS (SELECT 1 FROM batch_items WHERE job = ? AND label = ?)")
            .bind(id.as_str())
            .bind(label)
            .fetch_one(&self.db.read)
            .await?;
        Ok(is)
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
        let mut transaction = self.db.transaction().await?;
        let failure = done.failure.as_ref().map(serde_json::to_string).transpose()?;
        let ended = sqlx::query(
            "UPDATE batch_items SET status = ?, image = ?, failure = ?, bytes_in = ?, bytes_out = ?, sha256 = ?, ms = ?
             WHERE job = ? AND idx = ? AND status IN ('queued', 'running')",
        )
        .bind(done.status.name())
        .bind(done.image.as_ref().map(ImageId::as_str))
        .bind(failure)
        .bind(signed(done.bytes_in))
        .bind(signed(done.bytes_out))
        .bind(&done.sha256)
        .bind(signed(done.ms))
        .bind(record.id.as_str())
        .bind(index)
        .execute(&mut *transaction)
        .await?;
        if ended.rows_affected() > 0 {
            if let Some(most) = max_failures {
                self.break_off(&mut transaction, &record.id, most).await?;
            }
            self.refill(&mut transaction, record, 1).await?;
            self.finish_if_through(&mut transaction, record).await?;
        }
        transaction.commit().await?;
        self.tell(record);
        Ok(())
    }

    /// Pictures of a batch, in order.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn items(&self, id: &JobId, filter: &ItemFilter) -> Result<Vec<Item>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM batch_items WHERE job = ?1 AND (?2 IS NULL OR status = ?2) AND idx >= ?3 ORDER BY idx LIMIT ?4",
        )
        .bind(id.as_str())
        .bind(filter.status.map(ItemStatus::name))
        .bind(filter.from)
        .bind(filter.limit)
        .fetch_all(&self.db.read)
        .await?;
        rows.iter().map(item).collect()
    }

    pub(super) async fn batch_tally(&self, id: &JobId) -> Result<Tally, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT status, count(*), sum(bytes_in), sum(bytes_out) FROM batch_items WHERE job = ? GROUP BY status",
        )
        .bind(id.as_str())
        .fetch_all(&self.db.read)
        .await?;
        let mut tally = Tally::default();
        for (status, count, bytes_in, bytes_out) in rows {
            let count = count.unsigned_abs();
            tally.total += count;
            tally.bytes_in += bytes_in.unsigned_abs();
            tally.bytes_out += bytes_out.unsigned_abs();
            match status.as_str() {
                "ok" => tally.ok += count,
                "failed" => tally.failed += count,
                "skipped" => tally.skipped += count,
                "cancelled" => tally.cancelled += count,
                "running" => tally.running += count,
                _ => {}
            }
        }
        Ok(tally)
    }

    /// Drops what waits. Those being worked on come through and are counted.
    pub(super) async fn cancel_items(&self, id: &JobId) -> Result<(), StoreError> {
        sqlx::query("UPDATE batch_items SET status = 'cancelled' WHERE job = ? AND status IN ('pending', 'queued')")
            .bind(id.as_str())
            .execute(&self.db.write)
            .await?;
        Ok(())
    }

    /// After too many failures the rest is left out.
    async fn break_off(&self, connection: &mut SqliteConnection, id: &JobId, most: u32) -> Result<(), StoreError> {
        let (failed,): (u32,) = sqlx::query_as("SELECT count(*) FROM batch_items WHERE job = ? AND status = 'failed'")
            .bind(id.as_str())
            .fetch_one(&mut *connection)
            .await?;
        if failed >= most {
            sqlx::query("DELETE FROM queue WHERE job = ? AND state = 'queued' AND lane = ?")
                .bind(id.as_str())
                .bind(Lane::Cpu.queue_name())
                .execute(&mut *connection)
                .await?;
            sqlx::query("UPDATE batch_items SET status = 'skipped' WHERE job = ? AND status IN ('pending', 'queued')")
                .bind(id.as_str())
                .execute(connection)
                .await?;
        }
        Ok(())
    }

    /// After a commit: both lanes may have something new, and so may whoever waits for the batch.
    fn tell(&self, record: &JobRecord) {
        Lane::ALL.into_iter().for_each(|lane| self.queue.wake(lane));
        self.announcements.changed(&record.id);
    }

    async fn refill(&self, connection: &mut SqliteConnection, record: &JobRecord, most: u32) -> Result<(), StoreError> {
        let next: Vec<(u32,)> = sqlx::query_as(
            "UPDATE batch_items SET status = 'queued' WHERE job = ?1 AND idx IN
               (SELECT idx FROM batch_items WHERE job = ?1 AND status = 'pending' ORDER BY idx LIMIT ?2) RETURNING idx",
        )
        .bind(record.id.as_str())
        .bind(most)
        .fetch_all(&mut *connection)
        .await?;
        let mut next: Vec<u32> = next.into_iter().map(|(index,)| index).collect();
        next.sort_unstable();
        for index in next {
            self.queue.insert(connection, &Self::item_entry(record, index)).await?;
        }
        Ok(())
    }

    /// The entry's id is constant, so the end of a batch is queued once, whoever sees it first.
    async fn finish_if_through(&self, connection: &mut SqliteConnection, record: &JobRecord) -> Result<(), StoreError> {
        let (open,): (bool,) = sqlx::query_as(
            "SELECT EXISTS (SELECT 1 FROM batch_items WHERE job = ? AND status IN ('pending', 'queued', 'running'))",
        )
        .bind(record.id.as_str())
        .fetch_one(&mut *connection)
        .await?;
        if !open {
            self.queue.insert(connection, &Self::finish_entry(record)).await?;
        }
        Ok(())
    }
}

fn item(row: &SqliteRow) -> Result<Item, StoreError> {
    let image: Option<String> = row.get("image");
    let failure: Option<String> = row.get("failure");
    let status: String = row.get("status");
    Ok(Item {
        index: row.get("idx"),
        label: row.get("label"),
        dir: row.get("dir"),
        origin: serde_json::from_str(row.get("source"))?,
        status: serde_json::from_value(status.into())?,
        output: row.get("output"),
        image_id: image.as_deref().and_then(ImageId::parse),
        error: failure.as_deref().map(serde_json::from_str).transpose()?,
        bytes_before: row.get::<i64, _>("bytes_in").unsigned_abs(),
        bytes_after: row.get::<i64, _>("bytes_out").unsigned_abs(),
        sha256: row.get("sha256"),
        ms: row.get::<Option<i64>, _>("ms").map(i64::unsigned_abs),
    })
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
