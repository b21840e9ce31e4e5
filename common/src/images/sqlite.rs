//! The records as a table.

use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

use super::{ImageRecord, Listing, StorageUse};
use crate::{Db, ImageId, JobId, StoreError, UserId};

pub(super) async fn put(db: &Db, record: &ImageRecord, quota: Option<u64>) -> Result<(), StoreError> {
    let recipe = record.recipe.as_ref().map(serde_json::to_string).transpose()?;
    let by_model = record.by_model.as_ref().map(serde_json::to_string).transpose()?;
    let mut transaction = db.transaction().await?;
    if let Some(most) = quota {
        let (used, before): (i64, i64) = sqlx::query_as(
            "SELECT coalesce((SELECT bytes FROM storage_use WHERE owner = ?), 0),
                    coalesce((SELECT json_extract(facts, '$.bytes') FROM images WHERE id = ?), 0)",
        )
        .bind(&record.owner.0)
        .bind(record.id.as_str())
        .fetch_one(&mut *transaction)
        .await?;
        let more = record.facts.bytes.saturating_sub(before.unsigned_abs());
        if more > 0 && used.unsigned_abs().saturating_add(more) > most {
            return Err(StoreError::OverQuota { used: used.unsigned_abs(), most, more });
        }
    }
    sqlx::query(
        "INSERT INTO images (id, owner, tool, job, parent, source, name, blob, recipe, by_model, facts, created_at, words)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, blob = excluded.blob, by_model = excluded.by_model,
           facts = excluded.facts, words = excluded.words",
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
    .bind(record.words())
    .execute(&mut *transaction)
    .await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn any(db: &Db, id: &ImageId) -> Result<Option<ImageRecord>, StoreError> {
    let row = sqlx::query("SELECT * FROM images WHERE id = ?").bind(id.as_str()).fetch_optional(&db.read).await?;
    row.as_ref().map(record).transpose()
}

pub(super) async fn delete(db: &Db, id: &ImageId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM images WHERE id = ?").bind(id.as_str()).execute(&db.write).await?;
    Ok(())
}

pub(super) async fn list(db: &Db, owner: &UserId, listing: &Listing) -> Result<Vec<ImageRecord>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM images WHERE owner = ");
    query.push_bind(owner.0.clone());
    let mut and = |condition: &'static str, value: Option<String>| {
        if let Some(value) = value {
            query.push(condition).push_bind(value);
        }
    };
    and(" AND parent = ", listing.parent.as_ref().map(ToString::to_string));
    and(" AND job = ", listing.job.as_ref().map(ToString::to_string));
    and(" AND tool = ", listing.tool.clone());
    let format = listing.format.map(serde_json::to_value).transpose()?;
    and(" AND json_extract(facts, '$.format') = ", format.and_then(|format| format.as_str().map(str::to_owned)));
    let before = listing.before.as_ref().map(ToString::to_string);
    if let Some(before) = before {
        query
            .push(" AND (created_at, id) < (SELECT created_at, id FROM images WHERE id = ")
            .push_bind(before)
            .push(")");
    }
    for (condition, moment) in [(" AND created_at >= ", listing.since), (" AND created_at <= ", listing.until)] {
        if let Some(moment) = moment {
            query.push(condition).push_bind(moment);
        }
    }
    for word in &listing.words {
        query.push(" AND words LIKE ").push_bind(containing(word)).push(" ESCAPE '\\'");
    }
    query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(listing.limit);
    query.build().fetch_all(&db.read).await?.iter().map(record).collect()
}

/// The pattern of texts in which `word` occurs as it is.
fn containing(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

pub(super) async fn used_by(db: &Db, owner: &UserId) -> Result<StorageUse, StoreError> {
    let used: Option<(i64, i64)> = sqlx::query_as("SELECT bytes, pictures FROM storage_use WHERE owner = ?")
        .bind(&owner.0)
        .fetch_optional(&db.read)
        .await?;
    let (bytes, pictures) = used.unwrap_or_default();
    Ok(StorageUse { bytes: bytes.unsigned_abs(), pictures: pictures.unsigned_abs() })
}

pub(super) async fn made_before(
    db: &Db,
    moment: i64,
    after: Option<&ImageRecord>,
    most: u32,
) -> Result<Vec<ImageRecord>, StoreError> {
    let (after, id) = after.map_or((i64::MIN, ""), |after| (after.created_at, after.id.as_str()));
    let rows = sqlx::query(
        "SELECT * FROM images WHERE created_at < ? AND (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?",
    )
    .bind(moment)
    .bind(after)
    .bind(id)
    .bind(most)
    .fetch_all(&db.read)
    .await?;
    rows.iter().map(record).collect()
}

pub(super) async fn beginning_with(
    db: &Db,
    owner: &UserId,
    beginning: &str,
    most: u32,
) -> Result<Vec<ImageId>, StoreError> {
    // ~ comes behind every letter that an id may have. + has it go by the id, not through all that the owner has.
    let ids: Vec<(String,)> =
        sqlx::query_as("SELECT id FROM images WHERE id >= ? AND id < ? AND +owner = ? ORDER BY id LIMIT ?")
            .bind(beginning)
            .bind(format!("{beginning}~"))
            .bind(&owner.0)
            .bind(most)
            .fetch_all(&db.read)
            .await?;
    ids.iter().map(|(id,)| ImageId::parse(id).ok_or(StoreError::Corrupt("images"))).collect()
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
