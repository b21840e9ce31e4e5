//! A mark in Redis and in the storage, so that processes that were given different storages find out at start and not by
//! pictures that are missing.

use std::{io, time::Duration};

use crate::{Blobs, Redis, State, StoreError, ids::random_bytes};

/// The blob that holds the mark.
const BLOB: &str = "mark_of_storage";

/// The value that holds it.
const KEY: &str = "storage/mark";

/// The key in Redis.
pub(crate) fn key() -> String {
    Redis::key(&format!("state:{KEY}"))
}

/// How long another process, which is the first on a new storage, may take from the one to the other.
const MARKED_WITHIN: Duration = Duration::from_secs(3);

/// How long to wait for a storage that does not answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Makes sure that `blobs` is the storage that others use with `state`, and marks one that is new. A storage that cannot be
/// reached now is complained of in the log only: it may come back.
///
/// # Errors
/// [`StoreError::OtherStorage`]; or if `state` cannot be written.
pub(crate) async fn agree(blobs: &Blobs, state: &State) -> Result<(), StoreError> {
    let marked = async {
        let found = mark(blobs).await?;
        let ours = match &found {
            Some(found) => found.clone(),
            None => data_encoding::HEXLOWER.encode(&random_bytes::<16>()?).into_bytes(),
        };
        let agreed = state.get_or_set(KEY, &ours, None).await?;
        match found {
            Some(found) if found == agreed => Ok(()),
            Some(_) => Err(StoreError::OtherStorage),
            None if agreed == ours => blobs.put(BLOB, agreed).await,
            None => marked_by_another(blobs, &agreed).await,
        }
    };
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer").into());
    match tokio::time::timeout(ANSWERS_WITHIN, marked).await.unwrap_or_else(late) {
        Err(error @ (StoreError::File(_) | StoreError::Objects(_))) => {
            tracing::error!(%error, "STORAGE_URL: the storage cannot be used; going on, in case it comes back");
            Ok(())
        }
        done => done,
    }
}

async fn mark(blobs: &Blobs) -> Result<Option<Vec<u8>>, StoreError> {
    match blobs.get_at_most(BLOB, 64).await {
        Err(StoreError::Missing) => Ok(None),
        read => read.map(Some),
    }
}

async fn marked_by_another(blobs: &Blobs, agreed: &[u8]) -> Result<(), StoreError> {
    const PAUSE: Duration = Duration::from_millis(100);
    for _ in 0..MARKED_WITHIN.as_millis() / PAUSE.as_millis() {
        tokio::time::sleep(PAUSE).await;
        if let Some(mark) = mark(blobs).await? {
            return if mark == agreed { Ok(()) } else { Err(StoreError::OtherStorage) };
        }
    }
    Err(StoreError::OtherStorage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_store::{TestStore, on_every_store};

    on_every_store!(one_storage_is_agreed_on_and_another_is_refused, a_lost_store_takes_the_mark_of_the_storage);

    async fn one_storage_is_agreed_on_and_another_is_refused(home: &TestStore) {
        let state = State::new(home.store.clone());
        let (one, other) = (Blobs::memory(), Blobs::memory());
        let (first, second) = tokio::join!(agree(&one, &state), agree(&one, &state));
        first.unwrap();
        second.unwrap();
        assert!(matches!(agree(&other, &state).await, Err(StoreError::OtherStorage)));
        other.put(BLOB, b"the mark of another server".to_vec()).await.unwrap();
        assert!(matches!(agree(&other, &state).await, Err(StoreError::OtherStorage)));
        agree(&one, &state).await.unwrap();
    }

    async fn a_lost_store_takes_the_mark_of_the_storage(home: &TestStore) {
        let state = State::new(home.store.clone());
        let blobs = Blobs::memory();
        blobs.put(BLOB, b"of before".to_vec()).await.unwrap();
        agree(&blobs, &state).await.unwrap();
        assert_eq!(state.get(KEY).await.unwrap().as_deref(), Some(&b"of before"[..]));
    }
}
