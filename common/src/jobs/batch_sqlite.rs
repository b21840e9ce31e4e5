//! The rows of a batch's pictures.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{Item, ItemDone, ItemFilter, ItemStatus, JobRecord, PlannedItem, Tally, sqlite::Records};
use crate::{
    ImageId, JobId, StoreError,
    job::{Job, Lane, Work},
    queue::{self, Entry, Priority},
};

impl Records {
    /// Queues `first` pictures.
    pub(super) async fn plan_batch(
        &self,
        record: &JobRecord,
        items: &[PlannedItem],
        notes: &[String],
        first: u32,
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
        self.refill(&mut transaction, record, first).await?;
        self.finish_if_through(&mut transaction, record).await?;
        Ok(transaction.commit().await?)
    }

    pub(super) async fn start_item(&self, id: &JobId, index: u32) -> Result<Option<Item>, StoreError> {
        let row = sqlx::query(
            "UPDATE batch_items SET status = 'running' WHERE job = ? AND idx = ? AND status IN ('queued', 'running') RETURNING *",
        )
        .bind(id.as_str())
        .bind(index)
        .fetch_optional(&self.db.write)
        .await?;
        row.as_ref().map(item).transpose()
    }

    pub(super) async fn claim_name(&self, id: &JobId, index: u32, name: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE OR IGNORE batch_items SET output = ? WHERE job = ? AND idx = ?")
            .bind(name)
            .bind(id.as_str())
            .bind(index)
            .execute(&self.db.write)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn is_source(&self, id: &JobId, label: &str) -> Result<bool, StoreError> {
        let (is,): (bool,) = sqlx::query_as("SELECT EXISTS (SELECT 1 FROM batch_items WHERE job = ? AND label = ?)")
            .bind(id.as_str())
            .bind(label)
            .fetch_one(&self.db.read)
            .await?;
        Ok(is)
    }

    pub(super) async fn finish_item(
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
        Ok(transaction.commit().await?)
    }

    pub(super) async fn items(&self, id: &JobId, filter: &ItemFilter) -> Result<Vec<Item>, StoreError> {
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
            queue::sqlite::insert(&self.db, connection, &item_entry(record, index)).await?;
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
            queue::sqlite::insert(&self.db, connection, &finish_entry(record)).await?;
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

fn item_entry(record: &JobRecord, index: u32) -> Entry {
    let job = Job::new(record.id.clone(), record.owner.clone(), Work::BatchItem { index });
    Entry { id: format!("{}:{index}", record.id), priority: Priority::Batch, job }
}

fn finish_entry(record: &JobRecord) -> Entry {
    let job = Job::new(record.id.clone(), record.owner.clone(), Work::BatchFinish);
    Entry { id: format!("{}:finish", record.id), priority: Priority::Interactive, job }
}
