//! Storing what a job made: bytes first, then the record that names them.

use common::{
    ByModel, Facts, Failure, ImageId, ImageRecord, Recipe, StoreError, Stores,
    job::{Job, SaveTo},
    kept,
    outcome::PreviewRef,
    queue::Hold,
};

use super::{Context, asker, input::Input};
use crate::{
    engine::Preview,
    files::{Files, Taken, Writing, folder_of},
};

/// What is known of a result before it is stored.
#[derive(Clone)]
pub(super) struct Made<'a> {
    pub(super) tool: &'static str,
    /// Its place among what the job makes.
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) recipe: Option<&'a Recipe>,
    pub(super) by_model: Option<ByModel>,
}

/// Stores a result under the id that this job and place always give.
pub(super) async fn result(
    context: &Context,
    job: &Job,
    input: Option<&Input>,
    made: Made<'_>,
    bytes: Vec<u8>,
    facts: &Facts,
) -> Result<ImageRecord, StoreError> {
    let id = ImageId::made_by(&job.id, made.index);
    let blob = format!("{id}.{}", facts.format.extension());
    context.stores.blobs.put(&blob, bytes).await?;
    let record = ImageRecord {
        id,
        owner: job.owner.clone(),
        tool: made.tool.into(),
        job: job.id.clone(),
        parent: input.and_then(|input| input.record.as_ref()).map(|record| record.id.clone()),
        source: input.and_then(|input| input.path.clone().or_else(|| input.url.clone())),
        name: made.name,
        blob,
        recipe: made.recipe.cloned(),
        by_model: made.by_model,
        facts: facts.clone(),
        created_at: context.stores.clock.now_ms(),
    };
    keep(context, &record).await?;
    Ok(record)
}

/// Writes the record of bytes that are stored. What was paid for is kept in any case; other bytes that their owner may
/// not store go again.
pub(super) async fn keep(context: &Context, record: &ImageRecord) -> Result<(), StoreError> {
    let Stores { images, blobs, .. } = &context.stores;
    if record.by_model.is_some() {
        return images.put_paid(record).await;
    }
    let put = images.put(record).await;
    if matches!(put, Err(StoreError::OverQuota { .. })) && images.any(&record.id).await?.is_none() {
        blobs.delete(&record.blob).await?;
    }
    put
}

/// Stores what the reply shows. It belongs to the job: the same picture may be shown differently by another.
pub(super) async fn preview(
    context: &Context,
    job: &Job,
    preview: Option<Preview>,
) -> Result<Option<PreviewRef>, StoreError> {
    let Some(preview) = preview else { return Ok(None) };
    let blob = kept::preview(&job.id);
    context.stores.blobs.put(&blob, preview.bytes).await?;
    Ok(Some(PreviewRef { blob, media_type: preview.media_type.into() }))
}

/// Writes a result where the caller asked, besides the store.
pub(super) async fn save(
    context: &std::sync::Arc<Context>,
    job: &Job,
    input: Option<&Input>,
    save_to: &SaveTo,
    bytes: Vec<u8>,
    hold: &Hold,
) -> Result<String, Failure> {
    let (shared, asked, tag) = (context.clone(), save_to.clone(), job.id.to_string());
    let source = input.and_then(|input| input.path.clone());
    let ours = asker(hold);
    let written = tokio::task::spawn_blocking(move || {
        let existing = shared.files.resolve(&asked.path);
        if existing.is_some()
            && existing.as_deref().map(|path| path.to_string_lossy()) == source.as_deref().map(Into::into)
        {
            return Err(Failure::invalid("save_to", "The result would replace the picture it was made from.")
                .next("Choose another name: originals are never altered."));
        }
        shared.files.make_folder(folder_of(&asked.path), "save_to")?;
        // An earlier attempt may have been killed in the middle.
        shared.files.sweep(folder_of(&asked.path), &tag);
        let how = Writing { overwrite: asked.overwrite, tag: &tag, argument: "save_to", still_wanted: &ours };
        match shared.files.write(&asked.path, &bytes, &how)? {
            (Taken::No, path) => Ok(path.to_string_lossy().into_owned()),
            (Taken::Yes, path) => {
                Err(Files::exists(&path, "save_to").next("Choose another name, or set overwrite to true."))
            }
        }
    });
    written.await.map_err(|error| Failure::internal(&error))?
}
