//! The transitions of an entry, each one statement or one transaction.

use sqlx::{Row, SqliteConnection};

use super::{Claimed, Depth, Entry, MAX_ATTEMPTS, Priority, Verdict};
use crate::{Db, JobId, StoreError, job::Lane};

/// Inserts an entry within the caller's transaction; whoever commits it wakes the workers of its lane.
pub(crate) async fn insert(db: &Db, connection: &mut SqliteConnection, entry: &Entry) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO queue (id, job, lane, priority, state, due_at, max_attempts, payload)
         VALUES (?, ?, ?, ?, 'queued', ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&entry.id)
    .bind(entry.job.id.as_str())
    .bind(entry.job.work.lane().queue_name())
    .bind(entry.priority as i64)
    .bind(db.clock.now_ms())
    .bind(i64::from(MAX_ATTEMPTS))
    .bind(serde_json::to_string(&entry.job)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// The entries in SQLite.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    pub(super) db: Db,
    pub(super) lease_ms: i64,
}

impl Entries {
    /// Puts entries in, in a transaction of its own.
    pub(super) async fn push(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut transaction = self.db.transaction().await?;
        for entry in entries {
            insert(&self.db, &mut transaction, entry).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Takes up to `most` due entries for `worker`.
    pub(super) async fn claim(&self, lane: Lane, worker: &str, most: usize) -> Result<Vec<Claimed>, StoreError> {
        let now = self.db.clock.now_ms();
        let mut rows = sqlx::query(
            "UPDATE queue SET state = 'running', worker = ?1, lease_until = ?2, attempts = attempts + 1
             WHERE seq IN (SELECT seq FROM queue WHERE lane = ?3 AND state = 'queued' AND due_at <= ?4
                           ORDER BY priority, seq LIMIT ?5)
             RETURNING priority, seq, id, payload, attempts, max_attempts",
        )
        .bind(worker)
        .bind(now + self.lease_ms)
        .bind(lane.queue_name())
        .bind(now)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.db.write)
        .await?;
        // RETURNING gives rows in no particular order.
        rows.sort_by_key(|row| (row.get::<i64, _>(0), row.get::<i64, _>(1)));
        let claimed = |row: &sqlx::sqlite::SqliteRow| Claimed {
            id: row.get(2),
            payload: row.get(3),
            attempt: row.get(4),
            max_attempts: row.get(5),
        };
        Ok(rows.iter().map(claimed).collect())
    }

    /// Milliseconds until the next entry of `lane` is due; `None` if nothing waits.
    pub(super) async fn next_due(&self, lane: Lane) -> Result<Option<u64>, StoreError> {
        let (due,): (Option<i64>,) =
            sqlx::query_as("SELECT min(due_at) FROM queue WHERE lane = ? AND state = 'queued'")
                .bind(lane.queue_name())
                .fetch_one(&self.db.read)
                .await?;
        Ok(due.map(|due| u64::try_from(due - self.db.clock.now_ms()).unwrap_or(0)))
    }

    /// Ends an attempt. Returns whether `worker` still held the entry at that attempt; if not, nothing changes.
    pub(super) async fn acknowledge(
        &self,
        id: &str,
        worker: &str,
        attempt: u32,
        verdict: &Verdict,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(match verdict {
            Verdict::Done => "DELETE FROM queue WHERE state = 'running' AND id = ?1 AND worker = ?2 AND attempts = ?3",
            Verdict::Retry { .. } => {
                "UPDATE queue SET state = 'queued', worker = NULL, lease_until = NULL, due_at = ?4
                 WHERE state = 'running' AND id = ?1 AND worker = ?2 AND attempts = ?3"
            }
            Verdict::Dead { .. } => {
                "UPDATE queue SET state = 'dead', worker = NULL, lease_until = NULL, reason = ?4
                 WHERE state = 'running' AND id = ?1 AND worker = ?2 AND attempts = ?3"
            }
            Verdict::Release => {
                "UPDATE queue SET state = 'queued', worker = NULL, lease_until = NULL, attempts = attempts - 1
                 WHERE state = 'running' AND id = ?1 AND worker = ?2 AND attempts = ?3"
            }
        });
        let query = query.bind(id).bind(worker).bind(attempt);
        let query = match verdict {
            Verdict::Retry { after } => {
                query.bind(self.db.clock.now_ms() + i64::try_from(after.as_millis()).unwrap_or(i64::MAX))
            }
            Verdict::Dead { reason } => query.bind(reason.as_str()),
            Verdict::Done | Verdict::Release => query,
        };
        Ok(query.execute(&self.db.write).await?.rows_affected() > 0)
    }

    /// Whether `worker` still holds the entry at that attempt.
    pub(super) async fn holds(&self, id: &str, worker: &str, attempt: u32) -> Result<bool, StoreError> {
        let held =
            sqlx::query("SELECT 1 FROM queue WHERE state = 'running' AND id = ? AND worker = ? AND attempts = ?")
                .bind(id)
                .bind(worker)
                .bind(attempt)
                .fetch_optional(&self.db.read)
                .await?;
        Ok(held.is_some())
    }

    /// Renews the leases that `worker` holds.
    pub(super) async fn renew(&self, worker: &str) -> Result<u64, StoreError> {
        let until = self.db.clock.now_ms() + self.lease_ms;
        let done = sqlx::query("UPDATE queue SET lease_until = ? WHERE state = 'running' AND worker = ?")
            .bind(until)
            .bind(worker)
            .execute(&self.db.write)
            .await?;
        Ok(done.rows_affected())
    }

    /// Gives the entries of silent workers back. `worker` is the caller: after a laptop's sleep every lease has run
    /// out, its own too, but it is awake to say that it still works on them.
    pub(super) async fn reap(&self, worker: &str) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE queue SET state = 'queued', worker = NULL, lease_until = NULL
             WHERE state = 'running' AND lease_until <= ? AND worker <> ?",
        )
        .bind(self.db.clock.now_ms())
        .bind(worker)
        .execute(&self.db.write)
        .await?;
        Ok(done.rows_affected())
    }

    /// Gives back at once what a worker held that is dead or stops. Returns how many entries.
    pub(super) async fn give_back(&self, worker: &str) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE queue SET state = 'queued', worker = NULL, lease_until = NULL WHERE state = 'running' AND worker = ?",
        )
        .bind(worker)
        .execute(&self.db.write)
        .await?;
        Ok(done.rows_affected())
    }

    pub(super) async fn withdraw(&self, job: &JobId) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM queue WHERE state = 'queued' AND job = ?")
            .bind(job.as_str())
            .execute(&self.db.write)
            .await?;
        Ok(done.rows_affected())
    }

    /// How full `lane` is.
    /// How many entries wait that somebody waits for, and how many milliseconds the first has.
    pub(super) async fn pressure(&self) -> Result<(u64, u64), StoreError> {
        let now = self.db.clock.now_ms();
        let (waiting, since): (i64, Option<i64>) = sqlx::query_as(
            "SELECT count(*), min(due_at) FROM queue WHERE state = 'queued' AND priority = ? AND due_at <= ?",
        )
        .bind(Priority::Interactive as i64)
        .bind(now)
        .fetch_one(&self.db.read)
        .await?;
        Ok((waiting.unsigned_abs(), since.map_or(0, |since| now.abs_diff(since))))
    }

    /// How full `lane` is.
    pub(super) async fn depth(&self, lane: Lane) -> Result<Depth, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, count(*) FROM queue WHERE lane = ? GROUP BY state")
                .bind(lane.queue_name())
                .fetch_all(&self.db.read)
                .await?;
        let count = |state: &str| rows.iter().find(|row| row.0 == state).map_or(0, |row| row.1.unsigned_abs());
        Ok(Depth { queued: count("queued"), running: count("running"), dead: count("dead") })
    }
}
