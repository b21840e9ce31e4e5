//! A small key-value store with expiry and atomic steps.
//!
//! Keys are paths (`grant/ab12`), so that [`State::list`] finds what lies below one. Every step is atomic, also between
//! processes: of two that try at once, one wins and both learn which.

mod redis;
mod sqlite;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{Store, StoreError};

/// The store, in SQLite or Redis. Clones share it.
#[derive(Clone, Debug)]
pub struct State {
    store: Store,
}

/// What a counter says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Count {
    /// What was counted in this window, this time included.
    pub total: u64,
    /// How long until it begins anew at zero.
    pub resets_in: Duration,
}

/// A key and its value.
pub type Pair = (String, Vec<u8>);

impl State {
    /// The values in `store`.
    #[must_use]
    pub fn new(store: impl Into<Store>) -> Self {
        Self { store: store.into() }
    }

    /// The value of `key`, unless it has expired.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::get(db, key).await,
            Store::Redis(redis) => redis::get(redis, key).await,
        }
    }

    /// Every key that begins with `prefix`, with its value, in the order of the keys, at most `most`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn list(&self, prefix: &str, most: u32) -> Result<Vec<Pair>, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::list(db, prefix, most).await,
            Store::Redis(redis) => redis::list(redis, prefix, most).await,
        }
    }

    /// Sets `key` to `value`; without `ttl` it stays for ever.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn put(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::put(db, key, value, ttl).await,
            Store::Redis(redis) => redis::put(redis, key, value, ttl).await,
        }
    }

    /// Sets `key` to `value` unless it has one already; returns the value in force. Of two processes that try at
    /// once, both get the same.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn get_or_set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<Vec<u8>, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::get_or_set(db, key, value, ttl).await,
            Store::Redis(redis) => redis::get_or_set(redis, key, value, ttl).await,
        }
    }

    /// Sets `key` to `new` if its value is still `old`, and says whether it was.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn swap(&self, key: &str, old: &[u8], new: &[u8], ttl: Option<Duration>) -> Result<bool, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::swap(db, key, old, new, ttl).await,
            Store::Redis(redis) => redis::swap(redis, key, old, new, ttl).await,
        }
    }

    /// Removes `key` and returns its value: of all who try, one gets it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn take(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::take(db, key).await,
            Store::Redis(redis) => redis::take(redis, key).await,
        }
    }

    /// Adds `by` to the counter `key`, which begins anew at zero when `window` has passed since it was first counted.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn count(&self, key: &str, by: u64, window: Duration) -> Result<Count, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::count(db, key, by, window).await,
            Store::Redis(redis) => redis::count(redis, key, by, window).await,
        }
    }

    /// Reads the counter `key` without adding to it; `None` if nothing was counted in its window.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn counted(&self, key: &str) -> Result<Option<Count>, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::counted(db, key).await,
            Store::Redis(redis) => redis::counted(redis, key).await,
        }
    }

    /// Forgets what has expired. Nobody sees it any longer; this makes room.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::sweep(db).await,
            Store::Redis(redis) => redis::sweep(redis).await,
        }
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
