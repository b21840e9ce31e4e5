//! Bytes by key, in a folder. A key that can be read was written whole: bytes go to a temporary name, to the disk,
//! and only then to their own name.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{StoreError, ids::random_bytes, private};

/// A temporary file of this age belongs to nobody any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The blob store. Clones share it.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    /// The store in `folder`, made if missing; what a dead process left half-written is removed.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn open(folder: PathBuf) -> Result<Self, StoreError> {
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

    /// Where the bytes of `key` are: below two letters of its random part, so that no folder holds millions.
    ///
    /// # Errors
    /// If the key is not one of ours.
    pub fn path(&self, key: &str) -> Result<PathBuf, StoreError> {
        let sound = key.len() >= 8
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && !key.starts_with('.');
        if !sound {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a blob key").into());
        }
        Ok(self.folder.join(&key[4..6]).join(key))
    }

    /// Stores `bytes` under `key`, replacing what was there.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let target = self.path(key)?;
        let temporary = self.folder.join("tmp").join(data_encoding::HEXLOWER.encode(&random_bytes::<8>()?));
        blocking(move || write_whole(&temporary, &target, &bytes)).await
    }

    /// The bytes of `key`.
    ///
    /// # Errors
    /// If there are none, or they cannot be read.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        Ok(tokio::fs::read(self.path(key)?).await?)
    }

    /// Opens the bytes of `key` for streaming.
    ///
    /// # Errors
    /// If there are none, or they cannot be read.
    pub async fn open_file(&self, key: &str) -> Result<tokio::fs::File, StoreError> {
        Ok(tokio::fs::File::open(self.path(key)?).await?)
    }

    /// Removes `key`; nothing happens if it is not there.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match tokio::fs::remove_file(self.path(key)?).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Writes and removes a small blob, to show that it can.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub async fn probe(&self) -> Result<(), StoreError> {
        const KEY: &str = "probe_of_health";
        self.put(KEY, b"ok".to_vec()).await?;
        self.delete(KEY).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(io::Error::other(error).into()),
    }
}

fn write_whole(temporary: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = (|| {
        let mut file = File::create_new(temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if let Some(parent) = target.parent() {
            private::folder(parent)?;
        }
        std::fs::rename(temporary, target)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_come_back_until_they_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().join("images")).unwrap();
        blobs.put("img_abcdef.png", vec![1, 2, 3]).await.unwrap();
        blobs.put("img_abcdef.png", vec![4]).await.unwrap();
        assert_eq!(blobs.get("img_abcdef.png").await.unwrap(), [4]);
        assert_eq!(std::fs::read_dir(folder.path().join("images/tmp")).unwrap().count(), 0);
        blobs.delete("img_abcdef.png").await.unwrap();
        blobs.delete("img_abcdef.png").await.unwrap();
        assert!(blobs.get("img_abcdef.png").await.is_err());
        blobs.probe().await.unwrap();
    }

    #[tokio::test]
    async fn a_key_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().join("images")).unwrap();
        for key in ["", "../../../../etc/passwd", "img_/../../../x", ".hidden-file", "img_abc\0def", "C:\\windows\\x"] {
            assert!(blobs.put(key, vec![]).await.is_err(), "{key:?}");
            assert!(blobs.get(key).await.is_err(), "{key:?}");
        }
    }
}
