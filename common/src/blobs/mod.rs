//! Bytes by key: in a folder, in memory, or in an S3 object store. A key that can be read was written whole.

mod error;
mod folder;
mod objects;
mod s3;
#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;

use std::{fmt, io, ops::Range, path::PathBuf, time::Duration};

use bytes::Bytes;
use config::StorageUrl;
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};

pub use self::error::ObjectError;
use self::{folder::Folder, objects::Objects};
use crate::StoreError;

/// What [`Blobs::probe`] writes and removes.
const PROBE: &str = "probe_of_health";

/// The blob store. Clones share it.
#[derive(Clone, Debug)]
pub struct Blobs(Place);

#[derive(Clone, Debug)]
enum Place {
    Folder(Folder),
    /// An S3 object store, or what behaves alike in memory.
    Objects(Objects),
}

/// Bytes on their way out of a store.
pub struct Reading {
    /// How many bytes come.
    pub length: u64,
    /// How many bytes the whole blob has.
    pub total: u64,
    /// The bytes. They end with an error if they are cut short.
    pub bytes: BoxStream<'static, io::Result<Bytes>>,
}

/// A blob in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BlobFound {
    /// Its key.
    pub key: String,
    /// When it was last written, in milliseconds since 1970 (UTC), by the clock of the store.
    pub written_at: i64,
}

impl Blobs {
    /// The store that the settings name. An object store is not asked yet: [`Blobs::probe`] does.
    ///
    /// # Errors
    /// If the folder cannot be used, or the settings of the object store contradict each other.
    pub fn open(place: &StorageUrl, s3: &config::S3) -> Result<Self, StoreError> {
        match place {
            StorageUrl::Folder(folder) => Self::folder(folder.clone()),
            StorageUrl::S3 { bucket, prefix } => Ok(Self(Place::Objects(s3::open(bucket, prefix, s3)?))),
            StorageUrl::Memory => Ok(Self::memory()),
        }
    }

    /// The store in `folder`, made if missing; what a dead process left half-written is removed.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn folder(folder: PathBuf) -> Result<Self, StoreError> {
        Ok(Self(Place::Folder(Folder::open(folder)?)))
    }

    /// A store that is gone with its last clone.
    #[must_use]
    pub fn memory() -> Self {
        Self(Place::Objects(Objects::memory()))
    }

    /// The file that holds the bytes of `key`; `None` where there are no files, or if the key is not one of ours.
    #[must_use]
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        match &self.0 {
            Place::Folder(folder) => check(key).ok().map(|()| folder.path(key)),
            Place::Objects(_) => None,
        }
    }

    /// Stores `bytes` under `key`, replacing what was there.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        check(key)?;
        match &self.0 {
            Place::Folder(folder) => folder.put(key, bytes).await,
            Place::Objects(objects) => objects.put(key, bytes.into()).await,
        }
    }

    /// Stores what comes out of `bytes` under `key`, without holding all of it, and returns its length. Nothing is
    /// stored if the stream fails or the caller goes away.
    ///
    /// # Errors
    /// The stream's own, or if the store cannot be written.
    pub async fn put_stream<S>(&self, key: &str, bytes: S) -> Result<u64, StoreError>
    where
        S: Stream<Item = io::Result<Bytes>> + Send,
    {
        check(key)?;
        let bytes = std::pin::pin!(bytes);
        match &self.0 {
            Place::Folder(folder) => folder.put_stream(key, bytes).await,
            Place::Objects(objects) => objects.put_stream(key, bytes).await,
        }
    }

    /// The bytes of `key`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there are none; or if they cannot be read whole.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        self.get_at_most(key, u64::MAX).await
    }

    /// The bytes of `key`, of which there should be at most `most`.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], found before they are read; otherwise as [`Blobs::get`].
    pub async fn get_at_most(&self, key: &str, most: u64) -> Result<Vec<u8>, StoreError> {
        if let Place::Folder(folder) = &self.0 {
            check(key)?;
            return folder.get(key, most).await;
        }
        let mut reading = self.stream(key, None).await?;
        let length = usize::try_from(reading.length).ok().filter(|_| reading.length <= most);
        let length = length.ok_or(StoreError::TooLarge { bytes: reading.length, most })?;
        let mut whole = Vec::with_capacity(length);
        while let Some(some) = reading.bytes.try_next().await? {
            whole.extend_from_slice(&some);
        }
        if whole.len() == length { Ok(whole) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
    }

    /// The bytes of `key`, or those of a `range` that is not empty and begins within them, one chunk after the other.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there are none; or if the store cannot be read.
    pub async fn stream(&self, key: &str, range: Option<Range<u64>>) -> Result<Reading, StoreError> {
        check(key)?;
        if range.as_ref().is_some_and(Range::is_empty) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty range").into());
        }
        match &self.0 {
            Place::Folder(folder) => folder.stream(key, range).await,
            Place::Objects(objects) => objects.stream(key, range).await,
        }
    }

    /// Removes `key`; nothing happens if it is not there.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        check(key)?;
        match &self.0 {
            Place::Folder(folder) => folder.delete(key).await,
            Place::Objects(objects) => objects.delete(key).await,
        }
    }

    /// Every blob, in no order. What is not one of ours is left out.
    #[must_use]
    pub fn list(&self) -> BoxStream<'static, Result<BlobFound, StoreError>> {
        let all = match &self.0 {
            Place::Folder(folder) => folder.list(),
            Place::Objects(objects) => objects.list(),
        };
        all.try_filter(|found| std::future::ready(check(&found.key).is_ok())).boxed()
    }

    /// When `key` was last written, as in [`Blobs::list`]; `None` if it is not there.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn written_at(&self, key: &str) -> Result<Option<i64>, StoreError> {
        check(key)?;
        match &self.0 {
            Place::Folder(folder) => folder.written_at(key).await,
            Place::Objects(objects) => objects.written_at(key).await,
        }
    }

    /// Writes and removes a small blob, to show that it can.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn probe(&self) -> Result<(), StoreError> {
        match &self.0 {
            Place::Folder(folder) => {
                folder.put(PROBE, b"ok".to_vec()).await?;
                folder.delete(PROBE).await
            }
            Place::Objects(objects) => objects.probe().await,
        }
    }

    /// A URL at which the object store itself hands out `key` for a while, as `content_type` and with
    /// `content_disposition`, to anyone who sends a GET. `None` where the settings want none. It does not tell whether
    /// the key is there.
    ///
    /// # Errors
    /// If the machine's role gives no key to sign with.
    pub async fn presigned(
        &self,
        key: &str,
        expires_in: Duration,
        content_type: &str,
        content_disposition: &str,
    ) -> Result<Option<String>, StoreError> {
        check(key)?;
        match &self.0 {
            Place::Folder(_) => Ok(None),
            Place::Objects(objects) => objects.presigned(key, expires_in, content_type, content_disposition).await,
        }
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("length", &self.length).field("total", &self.total).finish_non_exhaustive()
    }
}

/// Refuses keys that are not ours: one could lead out of the folder or the prefix.
fn check(key: &str) -> Result<(), StoreError> {
    let sound = key.len() >= 8
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && !key.starts_with('.');
    if sound { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not a blob key").into()) }
}
