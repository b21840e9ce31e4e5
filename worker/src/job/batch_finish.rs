//! Writes the manifest of a batch whose pictures are all through.

use std::{collections::BTreeSet, sync::Arc};

use common::{
    Failure,
    job::{Job, Work},
    jobs::ItemFilter,
    outcome::{BatchDone, Outcome},
};

use super::{Context, manifest_key};
use crate::{
    batch,
    files::{Writing, folder_of},
};

/// Rows read at a time.
const PAGE: u32 = 1000;

pub(crate) async fn run(context: &Arc<Context>, job: &Job) -> Result<Outcome, Failure> {
    let mut manifest = String::new();
    let mut folders = BTreeSet::from([".".to_owned()]);
    let mut from = 0;
    loop {
        let items = context.stores.jobs.items(&job.id, &ItemFilter { status: None, from, limit: PAGE }).await?;
        let Some(last) = items.last() else { break };
        from = last.index + 1;
        for item in &items {
            folders.extend(item.output.as_deref().map(|output| folder_of(output).to_owned()));
            manifest += &batch::line(item).map_err(|error| Failure::internal(&error))?;
        }
    }
    let key = manifest_key(&job.id);
    let record =
        context.stores.jobs.any(&job.id).await?.ok_or_else(|| Failure::internal(&"a batch without a record"))?;
    let saved_to = match record.work {
        Work::BatchPlan(batch) => batch.save_to,
        _ => None,
    };
    context.stores.blobs.put(&key, manifest.clone().into_bytes()).await?;
    let mut notes = record.notes;
    let saved_manifest = match &saved_to {
        None => None,
        // The pictures are done whatever became of their folder.
        Some(folder) => save(context, job, folder, folders, manifest).await.map_or_else(
            |failure| {
                notes.push(format!("the copy of the manifest could not be written: {}", failure.message));
                None
            },
            Some,
        ),
    };
    Ok(Outcome::Batch(BatchDone { manifest: key, saved_manifest, saved_to, notes }))
}

/// The job's id is in the name, so that a second batch into the same folder keeps the first one's manifest, and a
/// second attempt replaces only its own.
async fn save(
    context: &Arc<Context>,
    job: &Job,
    folder: &str,
    folders: BTreeSet<String>,
    manifest: String,
) -> Result<String, Failure> {
    let (shared, folder, tag) = (context.clone(), folder.to_owned(), job.id.to_string());
    let written = tokio::task::spawn_blocking(move || {
        // All pictures are through: what is half-written was left by a process that died.
        folders.iter().for_each(|below| shared.files.sweep(&format!("{folder}/{below}"), &tag));
        let how = Writing { overwrite: true, tag: &tag, argument: "save_to", still_wanted: &|| Ok(()) };
        shared.files.write(&format!("{folder}/manifest-{tag}.jsonl"), manifest.as_bytes(), &how)
    });
    let (_, path) = written.await.map_err(|error| Failure::internal(&error))??;
    Ok(path.to_string_lossy().into_owned())
}
