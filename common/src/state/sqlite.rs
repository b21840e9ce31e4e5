//! The store as a table. An expired row counts as absent in every statement.

use std::time::Duration;

use super::{Count, Pair, milliseconds};
use crate::{Db, StoreError};

fn now(db: &Db) -> i64 {
    db.clock.now_ms()
}

fn expiry(db: &Db, ttl: Option<Duration>) -> Option<i64> {
    ttl.map(|ttl| now(db).saturating_add(milliseconds(ttl)))
}

pub(super) async fn get(db: &Db, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Vec<u8>,)> =
        sqlx::query_as("SELECT value FROM state WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)")
            .bind(key)
            .bind(now(db))
            .fetch_optional(&db.read)
            .await?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn list(db: &Db, prefix: &str, most: u32) -> Result<Vec<Pair>, StoreError> {
    // The first key after all that begin with the prefix: no UTF-8 text is above U+10FFFF.
    let end = format!("{prefix}\u{10ffff}");
    Ok(sqlx::query_as(
        "SELECT key, value FROM state
         WHERE key >= ? AND key < ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY key LIMIT ?",
    )
    .bind(prefix)
    .bind(end)
    .bind(now(db))
    .bind(most)
    .fetch_all(&db.read)
    .await?)
}

pub(super) async fn put(db: &Db, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO state (key, value, expires_at) VALUES (?, ?, ?)")
        .bind(key)
        .bind(value)
        .bind(expiry(db, ttl))
        .execute(&db.write)
        .await?;
    Ok(())
}

pub(super) async fn get_or_set(db: &Db, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<Vec<u8>, StoreError> {
    let (value,): (Vec<u8>,) = sqlx::query_as(
        "INSERT INTO state (key, value, expires_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET
           value = CASE WHEN expires_at IS NULL OR expires_at > ?4 THEN value ELSE excluded.value END,
           expires_at = CASE WHEN expires_at IS NULL OR expires_at > ?4 THEN expires_at ELSE excluded.expires_at END
         RETURNING value",
    )
    .bind(key)
    .bind(value)
    .bind(expiry(db, ttl))
    .bind(now(db))
    .fetch_one(&db.write)
    .await?;
    Ok(value)
}

pub(super) async fn swap(
    db: &Db,
    key: &str,
    old: &[u8],
    new: &[u8],
    ttl: Option<Duration>,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE state SET value = ?, expires_at = ?
         WHERE key = ? AND value = ? AND (expires_at IS NULL OR expires_at > ?)",
    )
    .bind(new)
    .bind(expiry(db, ttl))
    .bind(key)
    .bind(old)
    .bind(now(db))
    .execute(&db.write)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn take(db: &Db, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(Vec<u8>, Option<i64>)> =
        sqlx::query_as("DELETE FROM state WHERE key = ? RETURNING value, expires_at")
            .bind(key)
            .fetch_optional(&db.write)
            .await?;
    let now = now(db);
    Ok(row.filter(|(_, expires)| expires.is_none_or(|expires| expires > now)).map(|(value, _)| value))
}

pub(super) async fn count(db: &Db, key: &str, by: u64, window: Duration) -> Result<Count, StoreError> {
    let now = now(db);
    // A counter is its digits.
    let row: (i64, i64) = sqlx::query_as(
        "INSERT INTO state (key, value, expires_at) VALUES (?1, CAST(CAST(?2 AS TEXT) AS BLOB), ?3)
         ON CONFLICT (key) DO UPDATE SET
           value = CASE WHEN expires_at > ?4
             THEN CAST(CAST(CAST(CAST(value AS TEXT) AS INTEGER) + ?2 AS TEXT) AS BLOB) ELSE excluded.value END,
           expires_at = CASE WHEN expires_at > ?4 THEN expires_at ELSE excluded.expires_at END
         RETURNING CAST(CAST(value AS TEXT) AS INTEGER), expires_at",
    )
    .bind(key)
    .bind(i64::try_from(by).unwrap_or(i64::MAX))
    .bind(now.saturating_add(milliseconds(window)))
    .bind(now)
    .fetch_one(&db.write)
    .await?;
    Ok(counted_in(row, now))
}

pub(super) async fn counted(db: &Db, key: &str) -> Result<Option<Count>, StoreError> {
    let now = now(db);
    let row: Option<(i64, i64)> = sqlx::query_as(
        "SELECT CAST(CAST(value AS TEXT) AS INTEGER), expires_at FROM state WHERE key = ? AND expires_at > ?",
    )
    .bind(key)
    .bind(now)
    .fetch_optional(&db.read)
    .await?;
    Ok(row.map(|row| counted_in(row, now)))
}

pub(super) async fn sweep(db: &Db) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM state WHERE expires_at <= ?").bind(now(db)).execute(&db.write).await?;
    Ok(done.rows_affected())
}

fn counted_in((total, expires): (i64, i64), now: i64) -> Count {
    Count {
        total: u64::try_from(total).unwrap_or_default(),
        resets_in: Duration::from_millis(u64::try_from(expires - now).unwrap_or_default()),
    }
}
