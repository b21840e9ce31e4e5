//! The SQLite database of a single machine: opened, migrated, shared by the stores.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{Clock, Failure, FailureKind, blobs::ObjectError, private, storage_mark};

/// One file a version; the position in the list is the version it leads to.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
];

/// What a store may fail with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// Redis said no, or nothing.
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// A row holds what this program cannot read.
    #[error("record: {0}")]
    Record(#[from] serde_json::Error),
    /// An id in this table is none.
    #[error("an id in the table {0} cannot be read")]
    Corrupt(&'static str),
    /// The file system said no.
    #[error("file: {0}")]
    File(#[from] std::io::Error),
    /// There are no bytes under this key.
    #[error("there are no bytes under this key")]
    Missing,
    /// There are more bytes under this key than were expected.
    #[error("{bytes} bytes are stored, {most} is the most")]
    TooLarge {
        /// How many there are.
        bytes: u64,
        /// How many there may be.
        most: u64,
    },
    /// The object store said no, or nothing.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The data folder was written by a newer version of this program.
    #[error("DATA_DIR has schema version {found}, this program knows {known}; use the newer program")]
    TooNew {
        /// The version found.
        found: i64,
        /// The newest version this program knows.
        known: usize,
    },
    /// The Redis server lacks what is needed.
    #[error("REDIS_URL: the server is Redis {found}; 6.2 or newer is needed")]
    RedisTooOld {
        /// The version found.
        found: String,
    },
    /// Other processes on this Redis server keep their bytes elsewhere.
    #[error(
        "STORAGE_URL: this is not the storage that goes with REDIS_URL; give every process the same one. To begin with an \
         empty storage, delete the key {} in Redis; results of before will then be missing",
        storage_mark::key()
    )]
    OtherStorage,
    /// A picture that would cross what its owner may store.
    #[error("{used} bytes of one user are stored, {more} more would cross {most}")]
    OverQuota {
        /// Bytes that are stored.
        used: u64,
        /// Bytes that there may be.
        most: u64,
        /// Bytes that would come to it.
        more: u64,
    },
    /// The owner has as many jobs that are not over as they may.
    #[error("{0} jobs of one user are not over")]
    TooManyOpen(u64),
    /// No randomness for a new id.
    #[error("{0}")]
    Id(#[from] Failure),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        use std::io::ErrorKind;
        match &error {
            StoreError::File(io) if matches!(io.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                tracing::error!(%error, "storage is full");
                storage_full()
            }
            StoreError::Database(sqlx::Error::Database(database))
                if database.code().as_deref() == Some(SQLITE_FULL) =>
            {
                tracing::error!(%error, "storage is full");
                storage_full()
            }
            StoreError::Objects(ObjectError::Full(_)) => {
                tracing::error!(%error, "storage is full");
                storage_full()
            }
            StoreError::Missing => Self::new(FailureKind::NotFound, "The bytes of this picture are no longer here.")
                .next("list_images lists what there is."),
            StoreError::TooLarge { bytes, most } => {
                Self::new(FailureKind::TooLarge, format!("The picture has {bytes} bytes."))
                    .allowed(format!("at most {most} bytes"))
            }
            StoreError::OverQuota { used, most, more } => crate::images::over_quota(*used, *most, *more),
            StoreError::Id(failure) => failure.clone(),
            StoreError::TooManyOpen(most) => crate::jobs::too_many_open(*most),
            StoreError::Record(_)
            | StoreError::Corrupt(_)
            | StoreError::TooNew { .. }
            | StoreError::RedisTooOld { .. }
            | StoreError::OtherStorage
            | StoreError::Objects(ObjectError::Settings(_)) => Self::internal(&error),
            StoreError::Database(_) | StoreError::File(_) | StoreError::Redis(_) | StoreError::Objects(_) => {
                tracing::error!(%error, "store unavailable");
                let mut failure =
                    Self::new(FailureKind::Unavailable, "The server's store cannot be used at the moment.")
                        .next("Nothing was lost; call again in a few seconds.");
                failure.retry_after = Some(5);
                failure
            }
        }
    }
}

/// The result code of a full disk (sqlite.org, Result and Error Codes).
const SQLITE_FULL: &str = "13";

fn storage_full() -> Failure {
    Failure::new(FailureKind::StorageFull, "No room is left where results are stored.")
        .next("Free space where the server keeps its data (DATA_DIR, STORAGE_URL), then call again.")
}

/// The database. Clones share it.
#[derive(Clone, Debug)]
pub struct Db {
    /// One connection: SQLite has one writer, and waiting for it here is cheaper than `SQLITE_BUSY`.
    pub(crate) write: SqlitePool,
    pub(crate) read: SqlitePool,
    pub(crate) clock: Clock,
}

impl Db {
    /// The file of the database in `folder`.
    pub(crate) fn file(folder: &Path) -> PathBuf {
        folder.join("image-tool.sqlite3")
    }

    /// Opens `folder/image-tool.sqlite3`, made if missing, and brings an older schema up to date.
    ///
    /// # Errors
    /// If the file cannot be opened, or was written by a newer program.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Self, StoreError> {
        let file = Self::file(folder);
        // The files that SQLite makes beside it get the same rights.
        private::file(&file)?;
        let options = SqliteConnectOptions::from_str("sqlite:")?
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(10));
        migrate(&mut SqliteConnection::connect_with(&options).await?).await?;
        let pool = |most| SqlitePoolOptions::new().max_connections(most).idle_timeout(None).max_lifetime(None);
        let write = pool(1).connect_with(options.clone()).await?;
        let read = pool(4).connect_with(options.read_only(true)).await?;
        Ok(Self { write, read, clock })
    }

    pub(crate) async fn transaction(&self) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>, sqlx::Error> {
        // IMMEDIATE: another process may write too, and a read that turns into a write cannot wait for it.
        match self.write.begin_with("BEGIN IMMEDIATE").await {
            Err(sqlx::Error::InvalidSavePointStatement | sqlx::Error::BeginFailed) => {
                // After a full disk SQLite has rolled back by itself, which the connection does not know; it would
                // refuse every transaction from now on.
                self.write.acquire().await?.close().await?;
                self.write.begin_with("BEGIN IMMEDIATE").await
            }
            begun => begun,
        }
    }

    /// Waits for the last write and closes the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let (found,): (i64,) = sqlx::query_as("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    let known = MIGRATIONS.len();
    let done =
        usize::try_from(found).ok().filter(|version| *version <= known).ok_or(StoreError::TooNew { found, known })?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
        let version = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {}", index + 1));
        sqlx::raw_sql(version).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn opens_twice_and_refuses_a_newer_schema() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(folder.path(), Clock::default()).await.unwrap();
        sqlx::raw_sql("PRAGMA user_version = 99").execute(&db.write).await.unwrap();
        db.close().await;
        let error = Db::open(folder.path(), Clock::default()).await.unwrap_err();
        assert!(error.to_string().contains("newer program"), "{error}");
    }

    #[tokio::test]
    async fn a_full_disk_is_told_as_such_and_writing_goes_on_when_there_is_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(folder.path(), Clock::default()).await.unwrap();
        let limit = |pages: u32| sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::raw_sql(limit(1)).execute(&db.write).await.unwrap();
        let fill = async || -> Result<(), StoreError> {
            let mut transaction = db.transaction().await?;
            sqlx::query("INSERT INTO state (key, value) VALUES ('big', zeroblob(1000000))")
                .execute(&mut *transaction)
                .await?;
            Ok(transaction.commit().await?)
        };
        let failure = Failure::from(fill().await.unwrap_err());
        assert_eq!(failure.kind, FailureKind::StorageFull);
        sqlx::raw_sql(limit(1_000_000)).execute(&db.write).await.unwrap();
        fill().await.unwrap();
    }
}
