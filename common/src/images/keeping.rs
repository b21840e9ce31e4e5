//! How long pictures are kept, and how much each user may store.

use super::{ImageRecord, Images, redis, sqlite};
use crate::{Failure, FailureKind, Store, StoreError, UserId};

/// How pictures are kept. By default for ever, and as many as there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Keeping {
    /// For how many milliseconds.
    pub for_ms: Option<i64>,
    /// How many bytes of each user.
    pub quota: Option<u64>,
}

impl Keeping {
    /// What the settings say.
    #[must_use]
    pub fn of(storage: &config::Storage) -> Self {
        let for_ms = storage.image_ttl.map(|ttl| i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
        Self { for_ms, quota: storage.max_bytes_per_user }
    }
}

/// What a user has stored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct StorageUse {
    /// Bytes of all their pictures.
    pub bytes: u64,
    /// How many pictures.
    pub pictures: u64,
}

impl Images {
    /// How they are kept.
    #[must_use]
    pub fn keeping(&self) -> Keeping {
        self.keeping
    }

    /// When a picture goes, in milliseconds since 1970 (UTC); `None`: never by itself.
    #[must_use]
    pub fn expires_at(&self, record: &ImageRecord) -> Option<i64> {
        self.keeping.for_ms.map(|kept| record.created_at.saturating_add(kept))
    }

    /// What `owner` has stored: counted with every picture that comes and goes.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn used_by(&self, owner: &UserId) -> Result<StorageUse, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::used_by(db, owner).await,
            Store::Redis(redis) => redis::used_by(redis, owner).await,
        }
    }

    /// Whether there is any room for a picture of `owner`; to be asked before work whose result could not be kept.
    ///
    /// # Errors
    /// [`StoreError::OverQuota`] if there is none; or if the store cannot be read.
    pub async fn has_room(&self, owner: &UserId) -> Result<(), StoreError> {
        let Some(most) = self.keeping.quota else { return Ok(()) };
        let used = self.used_by(owner).await?.bytes;
        if used < most { Ok(()) } else { Err(StoreError::OverQuota { used, most, more: 1 }) }
    }

    /// Pictures of everybody made before `moment` (milliseconds since 1970, UTC), the oldest first, those behind `after`,
    /// at most `most`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn made_before(
        &self,
        moment: i64,
        after: Option<&ImageRecord>,
        most: u32,
    ) -> Result<Vec<ImageRecord>, StoreError> {
        match &self.store {
            Store::Sqlite(db) => sqlite::made_before(db, moment, after, most).await,
            Store::Redis(redis) => redis::made_before(redis, moment, after, most).await,
        }
    }
}

/// The failure of a user who may not store so much. The setting is named, so that an operator knows where to turn.
pub(crate) fn over_quota(used: u64, most: u64, more: u64) -> Failure {
    let what =
        if more > 1 { format!("the result has {more} more") } else { "there is no room for a result".to_owned() };
    let message = format!("{used} of the {most} bytes that you may store are used, and {what}.");
    Failure::new(FailureKind::StorageFull, message)
        .allowed(format!("{most} bytes of stored images for each user (MAX_STORAGE_MB_PER_USER)"))
        .next("Call list_images for what is stored, ask the user which images may go, remove them with delete_image, then call again. get_usage shows the room there is.")
}
