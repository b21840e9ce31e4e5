//! Writes the manifest of a batch whose pictures are all through.

use std::sync::Arc;

use common::{
    Failure,
    job::{Job, Work},
    jobs::ItemFilter,
    outcome::{BatchDone, Outcome},
};

use super::Context;
use crate::batch;

/// Rows read at a time.
const PAGE: u32 = 1000;

pub(crate) async fn run(context: &Arc<Context>, job: &Job) -> Result<Outcome, Failure> {
    let mut manifest = String::new();
    let mut from = 0;
    loop {
        let items = context.stores.jobs.items(&job.id, &ItemFilter { status: None, from, limit: PAGE }).await?;
        let Some(last) = items.last() else { break };
        from = last.index + 1;
        for item in &items {
            manifest += &batch::line(item).map_err(|error| Failure::internal(&error))?;
        }
    }
    let key = manifest_key(job);
    let saved_to = match context.stores.jobs.any(&job.id).await?.map(|record| record.work) {
        Some(Work::BatchPlan(batch)) => batch.save_to,
        _ => None,
    };
    let saved_manifest = match &saved_to {
        Some(folder) => Some(save(context, job, folder, manifest.clone()).await?),
        None => None,
    };
    context.stores.blobs.put(&key, manifest.into_bytes()).await?;
    Ok(Outcome::Batch(BatchDone { manifest: key, saved_manifest, saved_to }))
}

fn manifest_key(job: &Job) -> String {
    format!("{}.manifest.jsonl", job.id)
}

/// The job's id is in the name, so that a second batch into the same folder keeps the first one's manifest, and a
/// second attempt replaces only its own.
async fn save(context: &Arc<Context>, job: &Job, folder: &str, manifest: String) -> Result<String, Failure> {
    let (shared, path) = (context.clone(), format!("{folder}/manifest-{}.jsonl", job.id));
    let written = tokio::task::spawn_blocking(move || shared.files.write(&path, manifest.as_bytes(), true, "save_to"));
    let (_, path) = written.await.map_err(|error| Failure::internal(&error))??;
    Ok(path.to_string_lossy().into_owned())
}
