//! Finds the pictures of a batch and queues the first of them.

use std::sync::Arc;

use common::{
    Failure, FailureKind, ImageId,
    job::{Batch, BatchSource, Job, Source},
    jobs::PlannedItem,
};

use super::Context;
use crate::{batch::notes, engine::is_picture, files::Listing};

pub(crate) async fn run(context: &Arc<Context>, job: &Job, batch: &Batch) -> Result<(), Failure> {
    let results = match &batch.save_to {
        None => None,
        Some(folder) => {
            let (shared, folder) = (context.clone(), folder.clone());
            Some(blocking(move || shared.files.make_folder(&folder, "save_to")).await?)
        }
    };
    let (items, left_out) = match &batch.source {
        BatchSource::Folder { folder, glob, recursive } => {
            let (shared, folder, glob, recursive) = (context.clone(), folder.clone(), glob.clone(), *recursive);
            let mut listing = blocking(move || shared.files.list(&folder, &glob, recursive, &is_picture)).await?;
            listing.leave_out(results.as_deref());
            if listing.files.is_empty() {
                return Err(nothing(&listing));
            }
            (from_listing(&listing), notes(&listing.skipped))
        }
        BatchSource::Images(sources) => {
            let (shared, sources) = (context.clone(), sources.clone());
            let items =
                blocking(move || Ok(sources.into_iter().map(|source| named(&shared, source)).collect())).await?;
            (items, Vec::new())
        }
    };
    let record =
        context.stores.jobs.any(&job.id).await?.ok_or_else(|| Failure::internal(&"the batch has no record"))?;
    Ok(context.stores.jobs.plan_batch(&record, &items, &left_out, context.slots).await?)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::internal(&error))?
}

fn from_listing(listing: &Listing) -> Vec<PlannedItem> {
    let item = |below: &std::path::PathBuf| {
        let path = listing.folder.join(below).to_string_lossy().into_owned();
        let dir = below.parent().map(|dir| dir.to_string_lossy().replace('\\', "/")).unwrap_or_default();
        PlannedItem { source: Source::Path(path.clone()), label: path, dir }
    };
    listing.files.iter().map(item).collect()
}

/// A label that can be compared: a path as it really is, if it is one that can be reached.
fn named(context: &Context, source: Source) -> PlannedItem {
    let label = match &source {
        Source::Path(path) => {
            context.files.resolve(path).map_or_else(|| path.clone(), |real| real.to_string_lossy().into_owned())
        }
        Source::Image(id) | Source::Inline(id) => ImageId::to_string(id),
        Source::Url(address) => address.clone(),
    };
    PlannedItem { source, label, dir: String::new() }
}

fn nothing(listing: &Listing) -> Failure {
    let notes = notes(&listing.skipped);
    let left_out = if notes.is_empty() { String::new() } else { format!(" Left out: {}.", notes.join(", ")) };
    Failure::new(FailureKind::NotFound, format!("No picture in this folder matches.{left_out}"))
        .argument("source.glob")
        .next("Check the folder and the glob; set recursive to true to look below it.")
}
