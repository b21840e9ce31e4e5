//! Who is alive: each process holds a lock on a file that bears its name, and the operating system drops the lock
//! when the process dies, however it dies. So a server that was killed finds its own work at once when it starts
//! again, while another process on the same folder keeps what it holds. Processes of many machines share no folder:
//! there the leases alone tell who is silent.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use super::Queue;
use crate::{StoreError, ids::random_bytes, private};

/// The name of this process as a worker, and on a single machine the lock that proves it lives.
#[derive(Debug)]
pub struct Presence {
    name: String,
    lock: Option<(PathBuf, File)>,
}

impl Presence {
    /// Takes a new name below `folder`.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn announce(folder: &Path) -> Result<Self, StoreError> {
        private::folder(folder)?;
        let random = data_encoding::HEXLOWER.encode(&random_bytes::<4>()?);
        let name = format!("worker-{}-{random}", std::process::id());
        let path = folder.join(format!("{name}.lock"));
        let lock = OpenOptions::new().create_new(true).write(true).open(&path)?;
        lock.lock()?;
        Ok(Self { name, lock: Some((path, lock)) })
    }

    /// Takes a new name, unlike that of any process on any machine.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn anywhere() -> Result<Self, StoreError> {
        let random = data_encoding::HEXLOWER.encode(&random_bytes::<10>()?);
        Ok(Self { name: format!("worker-{random}"), lock: None })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives back what dead processes of this machine held. Returns how many entries.
    ///
    /// # Errors
    /// If the store or the folder cannot be used.
    pub async fn recover(&self, queue: &Queue) -> Result<u64, StoreError> {
        let mut recovered = 0;
        let Some(folder) = self.lock.as_ref().and_then(|(path, _)| path.parent()) else { return Ok(0) };
        for found in std::fs::read_dir(folder)? {
            let path = found?.path();
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            if name == self.name || path.extension().is_none_or(|extension| extension != "lock") {
                continue;
            }
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                recovered += queue.give_back(name).await?;
                std::fs::remove_file(&path)?;
            }
        }
        Ok(recovered)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.lock {
            let _ = std::fs::remove_file(path);
        }
    }
}
