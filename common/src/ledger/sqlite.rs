//! The ledger as a table. Each step is one statement, so that it happens as a whole.

use super::{Budget, Call, Line, Reserved, Spent, nanos, period::Today, today};
use crate::{Db, JobId, StoreError, Usd, UserId};

pub(super) async fn reserve(db: &Db, call: &Call, budget: Budget) -> Result<Reserved, StoreError> {
    let today = today(&db.clock);
    // A budget that is none is more than any sum.
    let most = |budget: Option<Usd>| budget.map_or(i64::MAX, nanos);
    // A job whose reservation was released may try again; the released row counts for nothing.
    let done = sqlx::query(
        "INSERT INTO spend (job, owner, tool, model, day, nanos, state)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'reserved'
         WHERE (SELECT coalesce(sum(nanos), 0) FROM spend WHERE owner = ?2 AND day = ?5) <= ?7 - ?6
           AND (SELECT coalesce(sum(nanos), 0) FROM spend WHERE owner = ?2 AND day >= ?8 AND day <= ?5) <= ?9 - ?6
         ON CONFLICT (job) DO UPDATE SET day = excluded.day, nanos = excluded.nanos, state = 'reserved'
           WHERE state = 'released'",
    )
    .bind(call.job.as_str())
    .bind(&call.owner.0)
    .bind(&call.tool)
    .bind(&call.model)
    .bind(today.day())
    .bind(nanos(call.estimate))
    .bind(most(budget.daily))
    .bind(today.month())
    .bind(most(budget.monthly))
    .execute(&db.write)
    .await?;
    if done.rows_affected() > 0 {
        return Ok(Reserved::Granted);
    }
    let state: Option<(String,)> = sqlx::query_as("SELECT state FROM spend WHERE job = ?")
        .bind(call.job.as_str())
        .fetch_optional(&db.write)
        .await?;
    match state.as_ref().map(|state| state.0.as_str()) {
        Some("reserved") => Ok(Reserved::Granted),
        Some("submitted" | "settled") => Ok(Reserved::Submitted),
        _ => {
            let spent = spent(db, &call.owner, &today).await?;
            match budget.refuses(spent, call.estimate, &today) {
                Some(refused) => Ok(refused),
                // What was in the way has gone meanwhile.
                None => Box::pin(reserve(db, call, budget)).await,
            }
        }
    }
}

pub(super) async fn submit(db: &Db, job: &JobId) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE spend SET state = 'submitted' WHERE job = ? AND state = 'reserved'")
        .bind(job.as_str())
        .execute(&db.write)
        .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn settle(db: &Db, job: &JobId, cost: Usd) -> Result<(), StoreError> {
    sqlx::query("UPDATE spend SET state = 'settled', nanos = ? WHERE job = ? AND state <> 'settled'")
        .bind(nanos(cost))
        .bind(job.as_str())
        .execute(&db.write)
        .await?;
    Ok(())
}

pub(super) async fn release(db: &Db, job: &JobId, even_if_sent: bool) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE spend SET state = 'released', nanos = 0
         WHERE job = ? AND (state = 'reserved' OR (state = 'submitted' AND ?))",
    )
    .bind(job.as_str())
    .bind(even_if_sent)
    .execute(&db.write)
    .await?;
    Ok(())
}

pub(super) async fn lines(db: &Db, owner: &UserId, today: &Today) -> Result<Vec<Line>, StoreError> {
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
        "SELECT tool, model, count(*), sum(nanos) FROM spend
         WHERE owner = ?1 AND day >= ?2 AND day <= ?3 AND state <> 'released' GROUP BY tool, model",
    )
    .bind(&owner.0)
    .bind(today.month())
    .bind(today.day())
    .fetch_all(&db.read)
    .await?;
    Ok(rows.into_iter().map(|(tool, model, calls, nanos)| super::line(tool, model, calls, nanos)).collect())
}

pub(super) async fn spent(db: &Db, owner: &UserId, today: &Today) -> Result<Spent, StoreError> {
    let row = sqlx::query_as(
        "SELECT coalesce(sum(nanos) FILTER (WHERE day = ?2), 0), coalesce(sum(nanos), 0)
         FROM spend WHERE owner = ?1 AND day >= ?3 AND day <= ?2",
    )
    .bind(&owner.0)
    .bind(today.day())
    .bind(today.month())
    .fetch_one(&db.write)
    .await?;
    Ok(super::spent(row))
}
