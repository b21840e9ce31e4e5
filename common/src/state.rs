//! A small key-value store with expiry and atomic steps.

use crate::{Db, StoreError};

/// The store, in SQLite. Clones share it.
#[derive(Clone, Debug)]
pub struct State {
    db: Db,
}

impl State {
    /// The store in `db`.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// The value of `key`, unless it has expired.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT value FROM state WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)")
                .bind(key)
                .bind(self.db.clock.now_ms())
                .fetch_optional(&self.db.read)
                .await?;
        Ok(row.map(|row| row.0))
    }

    /// Sets `key` to `value` unless it has one already; returns the value in force. Of two processes that try at
    /// once, both get the same.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn get_or_set(&self, key: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (value,): (Vec<u8>,) = sqlx::query_as(
            "INSERT INTO state (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET
               value = CASE WHEN expires_at IS NULL OR expires_at > ?3 THEN value ELSE excluded.value END,
               expires_at = CASE WHEN expires_at IS NULL OR expires_at > ?3 THEN expires_at END
             RETURNING value",
        )
        .bind(key)
        .bind(value)
        .bind(self.db.clock.now_ms())
        .fetch_one(&self.db.write)
        .await?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    #[tokio::test]
    async fn the_first_value_stays() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(Db::open(folder.path(), Clock::default()).await.unwrap());
        assert_eq!(state.get("secret").await.unwrap(), None);
        assert_eq!(state.get_or_set("secret", b"one").await.unwrap(), b"one");
        assert_eq!(state.get_or_set("secret", b"two").await.unwrap(), b"one");
        assert_eq!(state.get("secret").await.unwrap().as_deref(), Some(&b"one"[..]));
    }
}
