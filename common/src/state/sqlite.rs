//! The store as a table. An expired row counts as absent in every statement.

use std::time::Duration;

use super::{Count, Pair, State};
use crate::StoreError;

impl State {
    fn now(&self) -> i64 {
        self.db.clock.now_ms()
    }

    fn expiry(&self, ttl: Option<Duration>) -> Option<i64> {
        ttl.map(|ttl| self.now().saturating_add(milliseconds(ttl)))
    }

    pub(super) async fn select(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT value FROM state WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)")
                .bind(key)
                .bind(self.now())
                .fetch_optional(&self.db.read)
                .await?;
        Ok(row.map(|row| row.0))
    }

    pub(super) async fn select_below(&self, prefix: &str, most: u32) -> Result<Vec<Pair>, StoreError> {
        // The first key after all that begin with the prefix: no UTF-8 text is above U+10FFFF.
        let end = format!("{prefix}\u{10ffff}");
        Ok(sqlx::query_as(
            "SELECT key, value FROM state
             WHERE key >= ? AND key < ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY key LIMIT ?",
        )
        .bind(prefix)
        .bind(end)
        .bind(self.now())
        .bind(most)
        .fetch_all(&self.db.read)
        .await?)
    }

    pub(super) async fn upsert(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), StoreError> {
        sqlx::query("INSERT OR REPLACE INTO state (key, value, expires_at) VALUES (?, ?, ?)")
            .bind(key)
            .bind(value)
            .bind(self.expiry(ttl))
            .execute(&self.db.write)
            .await?;
        Ok(())
    }

    pub(super) async fn insert_or_select(
        &self,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Vec<u8>, StoreError> {
        let (value,): (Vec<u8>,) = sqlx::query_as(
            "INSERT INTO state (key, value, expires_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET
               value = CASE WHEN expires_at IS NULL OR expires_at > ?4 THEN value ELSE excluded.value END,
               expires_at = CASE WHEN expires_at IS NULL OR expires_at > ?4 THEN expires_at ELSE excluded.expires_at END
             RETURNING value",
        )
        .bind(key)
        .bind(value)
        .bind(self.expiry(ttl))
        .bind(self.now())
        .fetch_one(&self.db.write)
        .await?;
        Ok(value)
    }

    pub(super) async fn replace(
        &self,
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
        .bind(self.expiry(ttl))
        .bind(key)
        .bind(old)
        .bind(self.now())
        .execute(&self.db.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn delete(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>, Option<i64>)> =
            sqlx::query_as("DELETE FROM state WHERE key = ? RETURNING value, expires_at")
                .bind(key)
                .fetch_optional(&self.db.write)
                .await?;
        let now = self.now();
        Ok(row.filter(|(_, expires)| expires.is_none_or(|expires| expires > now)).map(|(value, _)| value))
    }

    pub(super) async fn add(&self, key: &str, by: u64, window: Duration) -> Result<Count, StoreError> {
        let now = self.now();
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
        .fetch_one(&self.db.write)
        .await?;
        Ok(count(row, now))
    }

    pub(super) async fn sum(&self, key: &str) -> Result<Option<Count>, StoreError> {
        let now = self.now();
        let row: Option<(i64, i64)> = sqlx::query_as(
            "SELECT CAST(CAST(value AS TEXT) AS INTEGER), expires_at FROM state WHERE key = ? AND expires_at > ?",
        )
        .bind(key)
        .bind(now)
        .fetch_optional(&self.db.read)
        .await?;
        Ok(row.map(|row| count(row, now)))
    }

    pub(super) async fn delete_expired(&self) -> Result<u64, StoreError> {
        let done =
            sqlx::query("DELETE FROM state WHERE expires_at <= ?").bind(self.now()).execute(&self.db.write).await?;
        Ok(done.rows_affected())
    }
}

fn count((total, expires): (i64, i64), now: i64) -> Count {
    Count {
        total: u64::try_from(total).unwrap_or_default(),
        resets_in: Duration::from_millis(u64::try_from(expires - now).unwrap_or_default()),
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
