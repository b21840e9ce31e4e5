//! The record of every stored picture: whose it is, what it was made from, and its facts.

mod keeping;
mod lineage;
mod redis;
mod search;
mod short;
mod sqlite;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_history;

use serde::{Deserialize, Serialize};

pub(crate) use self::keeping::over_quota;
pub use self::{
    keeping::{Keeping, StorageUse},
    lineage::{Ancestor, Lineage},
    search::{Found, Listing},
    short::Named,
};
use crate::{Facts, ImageId, JobId, Recipe, Store, StoreError, Usd, UserId};

/// The record of a stored picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ImageRecord {
    /// Its id.
    pub id: ImageId,
    /// Whose it is.
    pub owner: UserId,
    /// The tool that made it; `upload` if it came from the caller.
    pub tool: String,
    /// The job that made it.
    pub job: JobId,
    /// The stored picture it was made from.
    pub parent: Option<ImageId>,
    /// The path it was made from, as the caller named it.
    pub source: Option<String>,
    /// A file name for it.
    pub name: String,
    /// The key of its bytes.
    pub blob: String,
    /// How it was made, where by steps.
    pub recipe: Option<Recipe>,
    /// How it was made, where by a model.
    #[serde(default)]
    pub by_model: Option<ByModel>,
    /// Size, format, hash.
    pub facts: Facts,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
}

/// How a model made a picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ByModel {
    /// The model.
    pub model: String,
    /// What it was told.
    pub prompt: String,
    /// What the picture shows, in the words of a model that looked.
    pub description: Option<String>,
    /// What the call cost that made it, and perhaps others with it.
    pub cost: Option<Usd>,
}

impl ImageRecord {
    /// The key of the small picture that shows `id`, once one was made.
    #[must_use]
    pub fn thumbnail(id: &ImageId) -> String {
        format!("{id}.thumbnail")
    }
}

/// The records, in SQLite or Redis. Clones share them.
#[derive(Clone, Debug)]
pub struct Images {
    store: Store,
    keeping: Keeping,
}

impl Images {
    /// The records in `store`.
    #[must_use]
    pub fn new(store: impl Into<Store>) -> Self {
        Self { store: store.into(), keeping: Keeping::default() }
    }

    /// The same, kept as the settings say.
    #[must_use]
    pub fn kept_as(mut self, keeping: Keeping) -> Self {
        self.keeping = keeping;
        self
    }

    /// Writes a record. Writing the same id again keeps the first one's time and replaces the rest, so that a job
    /// that runs twice leaves one picture.
    ///
    /// # Errors
    /// [`StoreError::OverQuota`] if the owner may not store so much; or if the store cannot be written.
    pub async fn put(&self, record: &ImageRecord) -> Result<(), StoreError> {
        self.put_within(record, self.keeping.quota).await
    }

    /// The same for a picture that was paid for: it is kept even where it crosses what its owner may store.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn put_paid(&self, record: &ImageRecord) -> Result<(), StoreError> {
        self.put_within(record, None).await
    }

    async fn put_within(&self, record: &ImageRecord, quota: Option<u64>) -> Result<(), StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::put(db, record, quota).await,
            Store::Redis(redis) => redis::put(redis, record, quota).await,
        }
    }

    /// Removes the record of `id` if it belongs to `owner`, and returns it. Its bytes are the caller's to remove, after
    /// that: bytes without a record are found and collected, a record without bytes would be shown.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn delete(&self, owner: &UserId, id: &ImageId) -> Result<Option<ImageRecord>, StoreError> {
        let Some(record) = self.get(owner, id).await? else { return Ok(None) };
        match &self.store {
            Store::Sqlite(db) => sqlite::delete(db, id).await?,
            Store::Redis(redis) => redis::delete(redis, &record).await?,
        }
        Ok(Some(record))
    }

    /// The record of `id`, whoever owns it; for links that carry their own proof.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn any(&self, id: &ImageId) -> Result<Option<ImageRecord>, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::any(db, id).await,
            Store::Redis(redis) => redis::any(redis, id).await,
        }
    }

    /// The record of `id` if it belongs to `owner`. Somebody else's picture looks like none.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn get(&self, owner: &UserId, id: &ImageId) -> Result<Option<ImageRecord>, StoreError> {
        Ok(self.any(id).await?.filter(|record| record.owner == *owner))
    }
}
