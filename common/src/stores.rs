//! Everything that is kept, opened together.

use std::{path::Path, time::Duration};

use crate::{Blobs, Clock, Db, Images, Jobs, Queue, State, StoreError, private};

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
    /// Entries waiting for workers.
    pub queue: Queue,
    /// Small values with expiry.
    pub state: State,
    db: Db,
}

impl Stores {
    /// Whether there are stores of a single machine in `folder`.
    #[must_use]
    pub fn are_in(folder: &Path) -> bool {
        Db::file(folder).is_file()
    }

    /// Opens the stores of a single machine in `folder`, made if missing.
    ///
    /// # Errors
    /// If the folder cannot be used, or was written by a newer version of this program.
    pub async fn open(folder: &Path, lease: Duration, clock: Clock) -> Result<Self, StoreError> {
        private::folder(folder)?;
        let blobs = Blobs::open(folder.join("images"))?;
        let db = Db::open(folder, clock.clone()).await?;
        let queue = Queue::new(db.clone(), lease);
        Ok(Self {
            blobs,
            clock,
            images: Images::new(db.clone()),
            jobs: Jobs::new(db.clone(), queue.clone()),
            queue,
            state: State::new(db.clone()),
            db,
        })
    }

    /// Waits for the last write and closes the files.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
