//! The records as a table.

use sqlx::{Row, sqlite::SqliteRow};

use super::{ImageRecord, Listing};
use crate::{Db, ImageId, JobId, StoreError, UserId};

pub(super) async fn put(db: &Db, record: &ImageRecord) -> Result<(), StoreError> {
    let recipe = record.recipe.as_ref().map(serde_json::to_string).transpose()?;
    let by_model = record.by_model.as_ref().map(serde_json::to_string).transpose()?;
    sqlx::query(
        "INSERT INTO images (id, owner, tool, job, parent, source, name, blob, recipe, by_model, facts, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, blob = excluded.blob, by_model = excluded.by_model,
           facts = excluded.facts",
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
    .bind(by_model)
    .bind(serde_json::to_string(&record.facts)?)
    .bind(record.created_at)
    .execute(&db.write)
    .await?;
    Ok(())
}

pub(super) async fn any(db: &Db, id: &ImageId) -> Result<Option<ImageRecord>, StoreError> {
    let row = sqlx::query("SELECT * FROM images WHERE id = ?").bind(id.as_str()).fetch_optional(&db.read).await?;
    row.as_ref().map(record).transpose()
}

pub(super) async fn list(db: &Db, owner: &UserId, listing: &Listing) -> Result<Vec<ImageRecord>, StoreError> {
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
    .fetch_all(&db.read)
    .await?;
    rows.iter().map(record).collect()
}

fn record(row: &SqliteRow) -> Result<ImageRecord, StoreError> {
    let corrupt = || StoreError::Corrupt("images");
    let parent: Option<String> = row.get("parent");
    let recipe: Option<String> = row.get("recipe");
    let by_model: Option<String> = row.get("by_model");
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
        by_model: by_model.as_deref().map(serde_json::from_str).transpose()?,
        facts: serde_json::from_str(row.get("facts"))?,
        created_at: row.get("created_at"),
    })
}
