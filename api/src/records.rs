//! Typed records in the store of small values, as JSON below a folder of keys.

use std::{fmt, marker::PhantomData, time::Duration};

use common::{Clock, State, StoreError};
use serde::{Serialize, de::DeserializeOwned};

/// Records of one kind. Clones share them.
pub(crate) struct Records<T> {
    state: State,
    clock: Clock,
    folder: &'static str,
    /// When a record ends, in milliseconds since 1970 (UTC); `None`: never.
    ends_at: fn(&T) -> Option<i64>,
    kind: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Records<T> {
    /// Records below `folder` that end when `ends_at` says.
    pub(crate) fn new(state: &State, clock: &Clock, folder: &'static str, ends_at: fn(&T) -> Option<i64>) -> Self {
        Self { state: state.clone(), clock: clock.clone(), folder, ends_at, kind: PhantomData }
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Option<T>, StoreError> {
        Ok(self.state.get(&self.key(id)).await?.as_deref().map(serde_json::from_slice).transpose()?)
    }

    /// Writes a record, whether there was one or not.
    pub(crate) async fn put(&self, id: &str, record: &T) -> Result<(), StoreError> {
        self.state.put(&self.key(id), &serde_json::to_vec(record)?, self.ttl(record)).await
    }

    /// Writes a record unless there is one, and says whether it did. Two records that are equal in every byte count
    /// as one.
    pub(crate) async fn insert(&self, id: &str, record: &T) -> Result<bool, StoreError> {
        let bytes = serde_json::to_vec(record)?;
        Ok(self.state.get_or_set(&self.key(id), &bytes, self.ttl(record)).await? == bytes)
    }

    /// Changes a record in one atomic step; `None` if there is none. `change` may run several times, each time on what
    /// the record is then.
    pub(crate) async fn update<R>(
        &self,
        id: &str,
        mut change: impl FnMut(&mut T) -> R,
    ) -> Result<Option<R>, StoreError> {
        let key = self.key(id);
        loop {
            let Some(old) = self.state.get(&key).await? else { return Ok(None) };
            let mut record: T = serde_json::from_slice(&old)?;
            let changed = change(&mut record);
            let new = serde_json::to_vec(&record)?;
            if new == old || self.state.swap(&key, &old, &new, self.ttl(&record)).await? {
                return Ok(Some(changed));
            }
        }
    }

    /// Removes a record and returns it: of all who try, one gets it.
    pub(crate) async fn take(&self, id: &str) -> Result<Option<T>, StoreError> {
        Ok(self.state.take(&self.key(id)).await?.as_deref().map(serde_json::from_slice).transpose()?)
    }

    /// Removes every record whose id begins with `prefix`, but the one with the id `except`.
    pub(crate) async fn clear(&self, prefix: &str, except: Option<&str>) -> Result<(), StoreError> {
        loop {
            let mut found = self.list(prefix).await?;
            found.retain(|(id, _)| Some(id.as_str()) != except);
            if found.is_empty() {
                return Ok(());
            }
            for (id, _) in found {
                self.take(&id).await?;
            }
        }
    }

    /// The records whose id begins with `prefix`, with their ids, in the order of the ids.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<(String, T)>, StoreError> {
        const MOST: u32 = 10_000;
        let pairs = self.state.list(&self.key(prefix), MOST).await?;
        let read = |(key, value): (String, Vec<u8>)| {
            let id = key[self.folder.len() + 1..].to_owned();
            Ok((id, serde_json::from_slice(&value)?))
        };
        pairs.into_iter().map(read).collect()
    }

    fn key(&self, id: &str) -> String {
        format!("{}/{id}", self.folder)
    }

    fn ttl(&self, record: &T) -> Option<Duration> {
        let left = (self.ends_at)(record)?.saturating_sub(self.clock.now_ms());
        Some(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
    }
}

impl<T> fmt::Debug for Records<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("folder", &self.folder).finish_non_exhaustive()
    }
}
