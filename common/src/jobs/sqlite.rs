//! The rows of job records.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{JobRecord, JobState, Submitted, Tally, record_kind};
use crate::{
    Db, Failure, JobId, StoreError, UserId,
    job::{Job, Work},
    outcome::Outcome,
    queue::{self, Entry},
};

/// The records in SQLite.
#[derive(Clone, Debug)]
pub(super) struct Records {
    pub(super) db: Db,
}

impl Records {
    /// Writes the record of new work and puts it into its queue, in one transaction, or joins the one still running.
    pub(super) async fn submit(
        &self,
        owner: &UserId,
        work: Work,
        fingerprint: &str,
        most: u64,
    ) -> Result<Submitted, StoreError> {
        let mut transaction = self.db.transaction().await?;
        if let Some(id) = self.running(&mut transaction, owner, fingerprint).await? {
            return Ok(Submitted { id, joined: true });
        }
        if most < u64::MAX && open(&mut transaction, owner).await? >= most {
            return Err(StoreError::TooManyOpen(most));
        }
        let id = JobId::random()?;
        self.insert(&mut transaction, &id, owner, &work, fingerprint).await?;
        let entry = Entry::whole(Job::new(id.clone(), owner.clone(), work));
        queue::sqlite::insert(&self.db, &mut transaction, &entry).await?;
        transaction.commit().await?;
        Ok(Submitted { id, joined: false })
    }

    /// Jobs of `owner` that are not over.
    pub(super) async fn open(&self, owner: &UserId) -> Result<u64, StoreError> {
        open(&mut *self.db.read.acquire().await?, owner).await
    }

    /// The jobs of `owner` that are not over.
    pub(super) async fn live(&self, owner: &UserId) -> Result<Vec<JobId>, StoreError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT id FROM jobs WHERE owner = ? AND state IN ('queued', 'running')")
                .bind(&owner.0)
                .fetch_all(&self.db.read)
                .await?;
        rows.iter().map(|(id,)| JobId::parse(id).ok_or(StoreError::Corrupt("jobs"))).collect()
    }

    /// Who has jobs that are not over.
    pub(super) async fn busy(&self) -> Result<Vec<UserId>, StoreError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT DISTINCT owner FROM jobs WHERE state IN ('queued', 'running')")
                .fetch_all(&self.db.read)
                .await?;
        Ok(rows.into_iter().map(|(owner,)| UserId(owner)).collect())
    }

    async fn running(
        &self,
        connection: &mut SqliteConnection,
        owner: &UserId,
        fingerprint: &str,
    ) -> Result<Option<JobId>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as(
            "SELECT id FROM jobs WHERE owner = ? AND fingerprint = ? AND state IN ('queued', 'running')",
        )
        .bind(&owner.0)
        .bind(fingerprint)
        .fetch_optional(connection)
        .await?;
        Ok(row.and_then(|(id,)| JobId::parse(&id)))
    }

    async fn insert(
        &self,
        connection: &mut SqliteConnection,
        id: &JobId,
        owner: &UserId,
        work: &Work,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO jobs (id, owner, kind, state, fingerprint, work, created_at) VALUES (?, ?, ?, 'queued', ?, ?, ?)",
        )
        .bind(id.as_str())
        .bind(&owner.0)
        .bind(record_kind(work))
        .bind(fingerprint)
        .bind(serde_json::to_string(work)?)
        .bind(self.db.clock.now_ms())
        .execute(connection)
        .await?;
        Ok(())
    }

    pub(super) async fn any(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        let row =
            sqlx::query("SELECT * FROM jobs WHERE id = ?").bind(id.as_str()).fetch_optional(&self.db.read).await?;
        let Some(row) = row else { return Ok(None) };
        let mut record = record(&row)?;
        record.tally = match record.work {
            Work::BatchPlan(_) => self.batch_tally(id).await?,
            _ => Tally::of_one(&record),
        };
        Ok(Some(record))
    }

    pub(super) async fn ended_before(&self, moment: i64, most: u32) -> Result<Vec<JobId>, StoreError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT id FROM jobs WHERE finished_at < ? ORDER BY finished_at LIMIT ?")
                .bind(moment)
                .bind(most)
                .fetch_all(&self.db.read)
                .await?;
        rows.iter().map(|(id,)| JobId::parse(id).ok_or(StoreError::Corrupt("jobs"))).collect()
    }

    pub(super) async fn forget(&self, id: &JobId) -> Result<(), StoreError> {
        let mut transaction = self.db.transaction().await?;
        for statement in [
            "DELETE FROM batch_items WHERE job = ?",
            "DELETE FROM queue WHERE job = ?",
            "DELETE FROM jobs WHERE id = ?",
        ] {
            sqlx::query(statement).bind(id.as_str()).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub(super) async fn set_running(&self, id: &JobId) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE jobs SET state = 'running', started_at = coalesce(started_at, ?)
             WHERE id = ? AND state IN ('queued', 'running')",
        )
        .bind(self.db.clock.now_ms())
        .bind(id.as_str())
        .execute(&self.db.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn set_end(
        &self,
        id: &JobId,
        state: JobState,
        end: &Result<Outcome, Failure>,
    ) -> Result<bool, StoreError> {
        let outcome = end.as_ref().ok().map(serde_json::to_string).transpose()?;
        let failure = end.as_ref().err().map(serde_json::to_string).transpose()?;
        let done = sqlx::query(
            "UPDATE jobs SET state = ?, outcome = ?, failure = ?, finished_at = ?
             WHERE id = ? AND state IN ('queued', 'running')",
        )
        .bind(state.name())
        .bind(outcome)
        .bind(failure)
        .bind(self.db.clock.now_ms())
        .bind(id.as_str())
        .execute(&self.db.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

async fn open(connection: &mut SqliteConnection, owner: &UserId) -> Result<u64, StoreError> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM jobs WHERE owner = ? AND state IN ('queued', 'running')")
            .bind(&owner.0)
            .fetch_one(connection)
            .await?;
    Ok(count.unsigned_abs())
}

fn record(row: &SqliteRow) -> Result<JobRecord, StoreError> {
    let outcome: Option<String> = row.get("outcome");
    let failure: Option<String> = row.get("failure");
    let notes: Option<String> = row.get("notes");
    let state: String = row.get("state");
    Ok(JobRecord {
        id: JobId::parse(row.get("id")).ok_or(StoreError::Corrupt("jobs"))?,
        owner: UserId(row.get("owner")),
        kind: row.get("kind"),
        state: serde_json::from_value(state.into())?,
        work: serde_json::from_str(row.get("work"))?,
        outcome: outcome.as_deref().map(serde_json::from_str).transpose()?,
        failure: failure.as_deref().map(serde_json::from_str).transpose()?,
        notes: notes.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default(),
        tally: Tally::default(),
        created_at: row.get("created_at"),
        started_at: row.get("started_at"),
        finished_at: row.get("finished_at"),
    })
}
