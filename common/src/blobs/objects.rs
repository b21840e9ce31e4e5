//! Bytes in an object store, or in memory, which behaves alike.

use std::{
    fmt,
    future::{Future, ready},
    io,
    ops::Range,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload,
    aws::AmazonS3,
    memory::InMemory,
    path::Path,
    signer::{Method, SignedUrlOptions, Signer},
};
use tokio::{sync::Mutex, time::Instant};

use super::{BlobFound, ObjectError, PROBE, Reading};
use crate::StoreError;

/// The most that one request may take, its retries included. Larger blobs are many requests.
const IN_TIME: Duration = Duration::from_secs(15);

/// Who asks for health does not wait long.
const HEALTHY_IN_TIME: Duration = Duration::from_secs(5);

/// How long a probe is good for: health is asked by anyone, and every request to an object store is paid.
const PROBE_HOLDS: Duration = Duration::from_secs(10);

/// What is sent at once: on a line of 5 Mbit/s it still arrives in time. All but the last part must be of one size,
/// at least 5 MiB.
const PART: usize = 8 * 1024 * 1024;

/// An object store. Its keys were checked.
#[derive(Clone)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Signs URLs, where that is wanted.
    signer: Option<Arc<AmazonS3>>,
    /// When it was last seen to be well.
    probed: Arc<Mutex<Option<Instant>>>,
}

impl Objects {
    pub(super) fn memory() -> Self {
        Self { store: Arc::new(InMemory::new()), prefix: Path::default(), signer: None, probed: Arc::default() }
    }

    pub(super) fn s3(store: Arc<AmazonS3>, prefix: Path, presigned: bool) -> Self {
        let signer = presigned.then(|| store.clone());
        Self { store, prefix, signer, probed: Arc::default() }
    }

    fn path(&self, key: &str) -> Path {
        self.prefix.clone().join(key)
    }

    pub(super) async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.put_stream(key, stream::iter([Ok(bytes)])).await.map(|_| ())
    }

    /// What fits into one part is one request; the rest becomes readable as a whole with the last one.
    pub(super) async fn put_stream(
        &self,
        key: &str,
        mut bytes: impl Stream<Item = io::Result<Bytes>> + Unpin,
    ) -> Result<u64, StoreError> {
        let mut upload = Upload { store: self.store.clone(), path: self.path(key), begun: None };
        let length = upload.send(&mut bytes).await;
        if length.is_err() {
            upload.give_up().await;
        }
        length
    }

    pub(super) async fn stream(&self, key: &str, range: Option<Range<u64>>) -> Result<Reading, StoreError> {
        let options = GetOptions { range: range.map(Into::into), ..GetOptions::default() };
        let path = self.path(key);
        let found = in_time(self.store.get_opts(&path, options)).await?;
        let (length, total) = (found.range.end - found.range.start, found.meta.size);
        let bytes = found.into_stream().map_err(|error| match StoreError::from(error) {
            StoreError::File(error) => error,
            other => io::Error::other(other),
        });
        Ok(Reading { length, total, bytes: bytes.boxed() })
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match in_time(self.store.delete(&self.path(key))).await {
            Err(StoreError::Missing) => Ok(()),
            other => other,
        }
    }

    pub(super) fn list(&self) -> BoxStream<'static, Result<BlobFound, StoreError>> {
        let prefix = self.prefix.clone();
        let found = self.store.list(Some(&self.prefix)).err_into();
        found
            .try_filter_map(move |meta| {
                // What lies deeper belongs to another store.
                let mut parts = meta.location.prefix_match(&prefix).into_iter().flatten();
                let key = parts.next().filter(|_| parts.next().is_none()).map(|key| key.as_ref().to_owned());
                let written_at = meta.last_modified.timestamp_millis();
                ready(Ok(key.map(|key| BlobFound { key, written_at })))
            })
            .boxed()
    }

    pub(super) async fn written_at(&self, key: &str) -> Result<Option<i64>, StoreError> {
        match in_time(self.store.head(&self.path(key))).await {
            Ok(meta) => Ok(Some(meta.last_modified.timestamp_millis())),
            Err(StoreError::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        // Who comes meanwhile waits for the same answer.
        let mut probed = self.probed.lock().await;
        if probed.is_some_and(|when| when.elapsed() < PROBE_HOLDS) {
            return Ok(());
        }
        let probe = async {
            self.put(PROBE, Bytes::from_static(b"ok")).await?;
            self.delete(PROBE).await
        };
        tokio::time::timeout(HEALTHY_IN_TIME, probe).await.map_err(|_| late())??;
        *probed = Some(Instant::now());
        Ok(())
    }

    pub(super) async fn presigned(
        &self,
        key: &str,
        expires_in: Duration,
        content_type: &str,
        content_disposition: &str,
    ) -> Result<Option<String>, StoreError> {
        let Some(signer) = &self.signer else { return Ok(None) };
        let answer = [("response-content-type", content_type), ("response-content-disposition", content_disposition)];
        let options = SignedUrlOptions::new().with_query(answer);
        let path = self.path(key);
        let url = in_time(signer.signed_url_opts(Method::GET, &path, expires_in, &options)).await?;
        Ok(Some(url.into()))
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objects({}/{})", self.store, self.prefix)
    }
}

async fn in_time<T>(asked: impl Future<Output = object_store::Result<T>>) -> Result<T, StoreError> {
    Ok(tokio::time::timeout(IN_TIME, asked).await.map_err(|_| late())??)
}

fn late() -> ObjectError {
    ObjectError::Unreachable("no answer in time")
}

/// Bytes that wait to be sent.
#[derive(Default)]
struct Part {
    bytes: Vec<Bytes>,
    length: usize,
}

impl Part {
    fn push(&mut self, bytes: Bytes) {
        self.length += bytes.len();
        self.bytes.push(bytes);
    }

    fn take(&mut self) -> PutPayload {
        self.length = 0;
        self.bytes.drain(..).collect()
    }
}

/// A blob on its way. What is in parts is given up unless it is completed: parts that are left lying are paid for and
/// seen by nobody.
struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    begun: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    async fn send(&mut self, bytes: &mut (impl Stream<Item = io::Result<Bytes>> + Unpin)) -> Result<u64, StoreError> {
        let (mut part, mut length) = (Part::default(), 0);
        while let Some(some) = bytes.next().await {
            let mut some = some?;
            length += some.len() as u64;
            while part.length + some.len() > PART {
                part.push(some.split_to(PART - part.length));
                self.put(part.take()).await?;
            }
            part.push(some);
        }
        if self.begun.is_none() {
            in_time(self.store.put(&self.path, part.take())).await?;
            return Ok(length);
        }
        self.put(part.take()).await?;
        if let Some(begun) = &mut self.begun {
            in_time(begun.complete()).await?;
        }
        self.begun = None;
        Ok(length)
    }

    /// One part after the other: together they would share a slow line and all be late.
    async fn put(&mut self, part: PutPayload) -> Result<(), StoreError> {
        let begun = match &mut self.begun {
            Some(begun) => begun,
            None => self.begun.insert(in_time(self.store.put_multipart(&self.path)).await?),
        };
        in_time(begun.put_part(part)).await
    }

    async fn give_up(&mut self) {
        if let Some(mut begun) = self.begun.take()
            && let Err(error) = in_time(begun.abort()).await
        {
            tracing::warn!(%error, "an upload that failed could not be given up");
        }
    }
}

impl Drop for Upload {
    /// The caller went away in the middle.
    fn drop(&mut self) {
        if let (Some(begun), Ok(runtime)) = (self.begun.take(), tokio::runtime::Handle::try_current()) {
            let mut left = Self { store: self.store.clone(), path: self.path.clone(), begun: Some(begun) };
            runtime.spawn(async move { left.give_up().await });
        }
    }
}
