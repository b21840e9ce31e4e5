//! Bytes in files: they go to a temporary name, to the disk, and only then to their own name.

use std::{
    fs::File,
    io::{self, Read, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{BlobFound, Reading};
use crate::{StoreError, ids::random_bytes, private};

/// A temporary file of this age belongs to nobody any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// A folder. Its keys were checked.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    folder: PathBuf,
}

impl Folder {
    /// Makes it if it is missing, and removes what a dead process left half-written.
    pub(super) fn open(folder: PathBuf) -> Result<Self, StoreError> {
        let temporary = folder.join("tmp");
        private::folder(&temporary)?;
        for found in std::fs::read_dir(temporary)? {
            let path = found?.path();
            let age = path.metadata().and_then(|file| file.modified()).ok().and_then(|written| written.elapsed().ok());
            // A younger one may be another process at work.
            if age.is_some_and(|age| age > ABANDONED) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(Self { folder })
    }

    /// Below two letters of the key's random part, so that no folder holds millions.
    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.folder.join(&key[4..6]).join(key)
    }

    pub(super) async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let target = self.path(key);
        let temporary = self.temporary()?;
        blocking(move || {
            let (mut file, temporary) = Temporary::create(temporary)?;
            file.write_all(&bytes)?;
            temporary.become_whole(&file, &target)
        })
        .await
    }

    pub(super) async fn put_stream(
        &self,
        key: &str,
        mut bytes: impl Stream<Item = io::Result<Bytes>> + Unpin,
    ) -> Result<u64, StoreError> {
        let target = self.path(key);
        let temporary = self.temporary()?;
        let (mut file, temporary) = blocking(move || Temporary::create(temporary)).await?;
        let mut length = 0;
        while let Some(some) = bytes.next().await {
            let some = some?;
            length += some.len() as u64;
            file = blocking(move || file.write_all(&some).map(|()| file)).await?;
        }
        blocking(move || temporary.become_whole(&file, &target)).await?;
        Ok(length)
    }

    /// In one go: hopping between threads for each chunk is slower than reading.
    pub(super) async fn get(&self, key: &str, most: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.path(key);
        let read = blocking(move || {
            let mut file = File::open(path)?;
            let length = file.metadata()?.len();
            if length > most {
                return Ok(Err(StoreError::TooLarge { bytes: length, most }));
            }
            let mut whole = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            file.read_to_end(&mut whole)?;
            Ok(Ok(whole))
        });
        read.await.map_err(missing)?
    }

    pub(super) async fn stream(&self, key: &str, range: Option<Range<u64>>) -> Result<Reading, StoreError> {
        let mut file = tokio::fs::File::open(self.path(key)).await.map_err(|error| missing(error.into()))?;
        let total = file.metadata().await?.len();
        let range = range.unwrap_or(0..total);
        if range.start > total {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a range behind the end").into());
        }
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start)).await?;
        }
        let length = range.end.min(total) - range.start;
        let bytes = ReaderStream::with_capacity(file.take(length), CHUNK);
        Ok(Reading { length, total, bytes: bytes.into_stream().boxed() })
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match tokio::fs::remove_file(self.path(key)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// One folder after the other.
    pub(super) fn list(&self) -> BoxStream<'static, Result<BlobFound, StoreError>> {
        let folder = self.folder.clone();
        stream::once(blocking(move || folders(&folder)))
            .map_ok(|folders| stream::iter(folders.into_iter().map(Ok)))
            .try_flatten()
            .and_then(|folder| blocking(move || files(&folder)))
            .map_ok(|files| stream::iter(files.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    pub(super) async fn written_at(&self, key: &str) -> Result<Option<i64>, StoreError> {
        match tokio::fs::metadata(self.path(key)).await {
            Ok(file) => Ok(Some(milliseconds(file.modified()?))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn temporary(&self) -> Result<PathBuf, StoreError> {
        Ok(self.folder.join("tmp").join(data_encoding::HEXLOWER.encode(&random_bytes::<8>()?)))
    }
}

/// The folders that hold blobs: their names are two letters.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().len() == 2 && entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

fn files(folder: &Path) -> io::Result<Vec<BlobFound>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // One that goes meanwhile is none.
        if let (Ok(key), Ok(file)) = (entry.file_name().into_string(), entry.metadata())
            && file.is_file()
        {
            files.push(BlobFound { key, written_at: milliseconds(file.modified()?) });
        }
    }
    Ok(files)
}

fn milliseconds(moment: SystemTime) -> i64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The name of a file that is being written; removed unless it becomes whole.
struct Temporary(PathBuf);

impl Temporary {
    fn create(path: PathBuf) -> io::Result<(File, Self)> {
        let created = match (private::new_file(&path), path.parent()) {
            // Somebody emptied the folder, or mounted another in its place.
            (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
                private::folder(folder)?;
                private::new_file(&path)
            }
            (created, _) => created,
        };
        match created {
            Ok(file) => Ok((file, Self(path))),
            Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
    }

    /// On the disk first: after a power cut, a name without its bytes would be a blob that lies.
    fn become_whole(self, file: &File, target: &Path) -> io::Result<()> {
        file.sync_all()?;
        if let Some(parent) = target.parent() {
            private::folder(parent)?;
        }
        std::fs::rename(&self.0, target)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the renaming there is none.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn missing(error: StoreError) -> StoreError {
    match error {
        StoreError::File(error) if error.kind() == io::ErrorKind::NotFound => StoreError::Missing,
        other => other,
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(io::Error::other(error).into()),
    }
}
