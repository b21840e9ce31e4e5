//! The record of every stored picture: whose it is, what it was made from, and its facts.

mod redis;
mod sqlite;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

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

/// Which pictures to list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only those made from this one.
    pub parent: Option<ImageId>,
    /// Only those made by this job.
    pub job: Option<JobId>,
    /// Only those older than this one.
    pub before: Option<ImageId>,
    /// How many at most.
    pub limit: u32,
}

/// The records, in SQLite or Redis. Clones share them.
#[derive(Clone, Debug)]
pub struct Images {
    store: Store,
}

impl Images {
    /// The records in `store`.
    #[must_use]
    pub fn new(store: impl Into<Store>) -> Self {
        Self { store: store.into() }
    }

    /// Writes a record. Writing the same id again keeps the first one's time and replaces the rest, so that a job
    /// that runs twice leaves one picture.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn put(&self, record: &ImageRecord) -> Result<(), StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::put(db, record).await,
            Store::Redis(redis) => redis::put(redis, record).await,
        }
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

    /// Pictures of `owner`, newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn list(&self, owner: &UserId, listing: &Listing) -> Result<Vec<ImageRecord>, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::list(db, owner, listing).await,
            Store::Redis(redis) => redis::list(redis, owner, listing).await,
        }
    }
}
