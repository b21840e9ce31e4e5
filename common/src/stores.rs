//! Everything that is kept, opened together.

use std::{path::Path, time::Duration};

use secrecy::ExposeSecret;

use crate::{
    Blobs, Clock, Db, ImageId, ImageRecord, Images, Jobs, Keeping, Ledger, Queue, Redis, State, Store, StoreError,
    UserId, private, storage_mark,
};

/// Everything that is kept. Clones share it.
#[derive(Clone, Debug)]
pub struct Stores {
    /// Bytes by key.
    pub blobs: Blobs,
    /// The time of the stores.
    pub clock: Clock,
    /// Records of stored pictures.
    pub images: Images,
    /// Records of jobs.
    pub jobs: Jobs,
    /// What calls of models cost.
    pub ledger: Ledger,
    /// Entries waiting for workers.
    pub queue: Queue,
    /// Small values with expiry.
    pub state: State,
    store: Store,
}

impl Stores {
    /// Whether there are stores of a single machine in `folder`.
    #[must_use]
    pub fn are_in(folder: &Path) -> bool {
        Db::file(folder).is_file()
    }

    /// The stores that the settings name.
    ///
    /// # Errors
    /// If one of them cannot be used.
    pub async fn of(config: &config::Config, clock: Clock) -> Result<Self, StoreError> {
        let (storage, lease) = (&config.storage, config.queue.lease);
        let blobs = Blobs::open(&storage.url, &storage.s3)?;
        let stores = match &storage.redis_url {
            None => Self::open(&storage.data_dir, blobs, lease, clock).await?,
            Some(url) => {
                let stores = Self::connect(url.expose_secret(), blobs, lease, clock).await?;
                if storage.url != config::StorageUrl::Memory {
                    storage_mark::agree(&stores.blobs, &stores.state).await?;
                }
                stores
            }
        };
        Ok(stores.kept_as(Keeping::of(storage)))
    }

    /// The same, with pictures kept so long and so many.
    #[must_use]
    pub fn kept_as(mut self, keeping: Keeping) -> Self {
        self.images = self.images.kept_as(keeping);
        self
    }

    /// Removes a picture of `owner`: its record with all that leads to it, then its bytes. What was made from it stays.
    /// Returns what it was; `None` if there is none, so that a second time says so.
    ///
    /// # Errors
    /// If its record cannot be removed. Bytes that cannot be are collected later.
    pub async fn delete_image(&self, owner: &UserId, id: &ImageId) -> Result<Option<ImageRecord>, StoreError> {
        let Some(record) = self.images.delete(owner, id).await? else { return Ok(None) };
        for blob in [&record.blob, &ImageRecord::thumbnail(id)] {
            if let Err(error) = self.blobs.delete(blob).await {
                tracing::warn!(%error, "the bytes of a deleted picture are still there");
            }
        }
        Ok(Some(record))
    }

    /// Opens the stores of a single machine: records in `folder`, made if missing, bytes in `blobs`.
    ///
    /// # Errors
    /// If the folder cannot be used, or was written by a newer version of this program.
    pub async fn open(folder: &Path, blobs: Blobs, lease: Duration, clock: Clock) -> Result<Self, StoreError> {
        private::folder(folder)?;
        let db = Db::open(folder, clock.clone()).await?;
        Ok(Self::on(db.into(), blobs, lease, clock))
    }

    /// Connects to the stores of many machines: records in the Redis server at `url`, bytes in `blobs`.
    ///
    /// # Errors
    /// If nobody answers there, or the server is too old.
    pub async fn connect(url: &str, blobs: Blobs, lease: Duration, clock: Clock) -> Result<Self, StoreError> {
        let redis = Redis::open(url, clock.clone()).await?;
        redis.check().await?;
        Ok(Self::on(redis.into(), blobs, lease, clock))
    }

    fn on(store: Store, blobs: Blobs, lease: Duration, clock: Clock) -> Self {
        let queue = Queue::new(store.clone(), lease);
        Self {
            blobs,
            clock,
            images: Images::new(store.clone()),
            jobs: Jobs::new(store.clone(), queue.clone()),
            ledger: Ledger::new(store.clone()),
            queue,
            state: State::new(store.clone()),
            store,
        }
    }

    /// The same for a worker, which outlasts a store that is away for a while: giving up would do its work once more.
    #[must_use]
    pub fn patient(&self) -> Self {
        match &self.store {
            Store::Sqlite(_) => self.clone(),
            Store::Redis(redis) => {
                let stores =
                    Self::on(redis.patient().into(), self.blobs.clone(), self.queue.lease(), self.clock.clone());
                stores.kept_as(self.images.keeping())
            }
        }
    }

    /// What of the store may lose what it is given, in words.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn concerns(&self) -> Result<Vec<String>, StoreError> {
        match &self.store {
            Store::Sqlite(_) => Ok(Vec::new()),
            Store::Redis(redis) => redis.concerns().await,
        }
    }

    /// Whether they are shared by many machines.
    #[must_use]
    pub fn are_shared(&self) -> bool {
        matches!(self.store, Store::Redis(_))
    }

    /// Waits for the last write and closes the files; connections end with the last clone.
    pub async fn close(&self) {
        if let Store::Sqlite(db) = &self.store {
            db.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{UserId, job, redis::test_server::TestServer};

    #[tokio::test]
    async fn two_processes_share_what_is_in_redis() {
        let Some(server) = TestServer::start().await else { return };
        let folder = tempfile::tempdir().unwrap();
        let connect = async || {
            let blobs = Blobs::folder(folder.path().join("images")).unwrap();
            Stores::connect(&server.url, blobs, Duration::from_secs(30), Clock::default()).await.unwrap()
        };
        let (one, other) = (connect().await, connect().await);
        let source = job::Source::Path("a.png".into());
        let work = job::Work::Inspect(job::Inspect { source, sections: Vec::new(), thumbnail: false });
        let submitted = one.jobs.submit(&UserId::local(), work).await.unwrap();
        let seen = other.jobs.get(&UserId::local(), &submitted.id).await.unwrap().unwrap();
        assert_eq!(seen.state, crate::jobs::JobState::Queued);
        one.state.put("a", b"1", None).await.unwrap();
        assert_eq!(other.state.get("a").await.unwrap().as_deref(), Some(&b"1"[..]));
        one.close().await;
        assert!(other.state.get("a").await.unwrap().is_some());
    }
}
