//! The record of every stored picture: whose it is, what it was made from, and its facts.

use serde::{Deserialize, Serialize};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Db, Facts, ImageId, JobId, Recipe, StoreError, UserId};

/// The record of a stored picture.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ImageRecord {
    /// Its id.
    pub id: ImageId,
    /// Whose it is.
    pub owner: UserId,
    /// The tool that made it; `upload` if it came from the caller.
    pub tool: String,
    /// The job that made it.
    pub job: JobId,
    /// The stored picture it was made from.
    pub parent: Option<ImageId>,
    /// The path it was made from, as the caller named it.
    pub source: Option<String>,
    /// A file name for it.
    pub name: String,
    /// The key of its bytes.
    pub blob: String,
    /// How it was made.
    pub recipe: Option<Recipe>,
    /// Size, format, hash.
    pub facts: Facts,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
}

/// Which pictures to list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only those made from this one.
    pub parent: Option<ImageId>,
    /// Only those made by this job.
    pub job: Option<JobId>,
    /// Only those older than this one.
    pub before: Option<ImageId>,
    /// How many at most.
    pub limit: u32,
}

/// The records, in SQLite. Clones share them.
#[derive(Clone, Debug)]
pub struct Images {
    db: Db,
}

impl Images {
    /// The records in `db`.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Writes a record. Writing the same id again keeps the first one's time and replaces the rest, so that a job
    /// that runs twice leaves one picture.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn put(&self, record: &ImageRecord) -> Result<(), StoreError> {
        let recipe = record.recipe.as_ref().map(serde_json::to_string).transpose()?;
        sqlx::query(
            "INSERT INTO images (id, owner, tool, job, parent, source, name, blob, recipe, facts, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, blob = excluded.blob, facts = excluded.facts",
        )
        .bind(record.id.as_str())
        .bind(&record.owner.0)
        .bind(&record.tool)
        .bind(record.job.as_str())
        .bind(record.parent.as_ref().map(ImageId::as_str))
        .bind(&record.source)
        .bind(&record.name)
        .bind(&record.blob)
        .bind(recipe)
        .bind(serde_json::to_string(&record.facts)?)
        .bind(record.created_at)
        .execute(&self.db.write)
        .await?;
        Ok(())
    }

    /// The record of `id`, whoever owns it; for links that carry their own proof.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn any(&self, id: &ImageId) -> Result<Option<ImageRecord>, StoreError> {
        let row =
            sqlx::query("SELECT * FROM images WHERE id = ?").bind(id.as_str()).fetch_optional(&self.db.read).await?;
        row.as_ref().map(record).transpose()
    }

    /// The record of `id` if it belongs to `owner`. Somebody else's picture looks like none.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn get(&self, owner: &UserId, id: &ImageId) -> Result<Option<ImageRecord>, StoreError> {
        Ok(self.any(id).await?.filter(|record| record.owner == *owner))
    }

    /// Pictures of `owner`, newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn list(&self, owner: &UserId, listing: &Listing) -> Result<Vec<ImageRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM images WHERE owner = ?1
               AND (?2 IS NULL OR parent = ?2) AND (?3 IS NULL OR job = ?3)
               AND (?4 IS NULL OR (created_at, id) < (SELECT created_at, id FROM images WHERE id = ?4))
             ORDER BY created_at DESC, id DESC LIMIT ?5",
        )
        .bind(&owner.0)
        .bind(listing.parent.as_ref().map(ImageId::as_str))
        .bind(listing.job.as_ref().map(JobId::as_str))
        .bind(listing.before.as_ref().map(ImageId::as_str))
        .bind(listing.limit)
        .fetch_all(&self.db.read)
        .await?;
        rows.iter().map(record).collect()
    }
}

fn record(row: &SqliteRow) -> Result<ImageRecord, StoreError> {
    let corrupt = || StoreError::Corrupt("images");
    let parent: Option<String> = row.get("parent");
    let recipe: Option<String> = row.get("recipe");
    Ok(ImageRecord {
        id: ImageId::parse(row.get("id")).ok_or_else(corrupt)?,
        owner: UserId(row.get("owner")),
        tool: row.get("tool"),
        job: JobId::parse(row.get("job")).ok_or_else(corrupt)?,
        parent: parent.as_deref().and_then(ImageId::parse),
        source: row.get("source"),
        name: row.get("name"),
        blob: row.get("blob"),
        recipe: recipe.as_deref().map(serde_json::from_str).transpose()?,
        facts: serde_json::from_str(row.get("facts"))?,
        created_at: row.get("created_at"),
    })
}
