//! One picture of a batch. It fails alone: the others go on.

use std::{sync::Arc, time::Instant};

use common::{
    Failure, StoreError,
    job::{Batch, Job, Work},
    jobs::{Item, ItemDone, ItemStatus, JobRecord},
    naming::{Named, Template},
    queue::Hold,
    rfc3339,
};

use super::{Context, asker, input, input::Input, still_ours, store};
use crate::{
    batch::{Attempt, Naming, Place, Step},
    engine::{Options, PreviewKind, Transformed},
    files::{Taken, Writing},
};

pub(crate) async fn run(context: &Arc<Context>, job: &Job, index: u32, hold: &Hold) -> Result<(), Failure> {
    let Some(item) = context.stores.jobs.start_item(&job.id, index).await? else { return Ok(()) };
    let (record, batch) = batch_of(context, job).await?;
    let started = Instant::now();
    let mut done = match one(context, job, &record, &batch, &item, hold).await {
        Ok(done) => done,
        // The attempt is repeated as a whole; see perform.rs.
        Err(failure) if failure.passes() => return Err(failure),
        Err(failure) => failed(failure),
    };
    done.ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(context.stores.jobs.finish_item(&record, index, &done, batch.max_failures).await?)
}

/// Writes a failure that [`run`] could not write itself.
pub(crate) async fn fail(context: &Context, job: &Job, index: u32, failure: Failure) -> Result<(), StoreError> {
    match batch_of(context, job).await {
        Ok((record, batch)) => {
            context.stores.jobs.finish_item(&record, index, &failed(failure), batch.max_failures).await
        }
        Err(failure) => {
            tracing::error!(%failure, "a picture of a batch without a record");
            Ok(())
        }
    }
}

async fn batch_of(context: &Context, job: &Job) -> Result<(JobRecord, Batch), Failure> {
    let missing = || Failure::internal(&"a picture of a batch without a batch");
    let record = context.stores.jobs.any(&job.id).await?.ok_or_else(missing)?;
    let Work::BatchPlan(batch) = &record.work else { return Err(missing()) };
    let batch = batch.clone();
    Ok((record, batch))
}

async fn one(
    context: &Arc<Context>,
    job: &Job,
    record: &JobRecord,
    batch: &Batch,
    item: &Item,
    hold: &Hold,
) -> Result<ItemDone, Failure> {
    context.stores.images.has_room(&job.owner).await?;
    let input = input::fetch(context, job, &item.origin).await?;
    let others = input::others(context, job, &batch.recipe, &batch.others).await?;
    let options = Options { strict: batch.strict, preview: PreviewKind::None };
    let (bytes, recipe) = (input.bytes.clone(), batch.recipe.clone());
    let transformed =
        context.on_engine(None, move |engine, stop| engine.transform_with(&bytes, &others, &recipe, &options, stop));
    let made = transformed.await?;
    let bytes_in = made.before.bytes;
    still_ours(hold).await?;
    let Some(name) = name_and_save(context, record, batch, item, &input, &made, hold).await? else {
        let skipped = Failure::invalid("name", "The name is taken, and on_conflict is skip.");
        return Ok(ItemDone { status: ItemStatus::Skipped, bytes_in, ..failed(skipped) });
    };
    let about =
        store::Made { tool: "batch_process", index: item.index, name, recipe: Some(&batch.recipe), by_model: None };
    let image = store::result(context, job, Some(&input), about, made.bytes, &made.facts).await?;
    Ok(ItemDone {
        status: ItemStatus::Ok,
        image: Some(image.id),
        failure: None,
        bytes_in,
        bytes_out: made.facts.bytes,
        sha256: Some(made.facts.sha256),
        ms: 0,
    })
}

/// Claims a name and writes the file, if a folder was named. `None` if the name is taken and that means to skip.
async fn name_and_save(
    context: &Arc<Context>,
    record: &JobRecord,
    batch: &Batch,
    item: &Item,
    input: &Input,
    made: &Transformed,
    hold: &Hold,
) -> Result<Option<String>, Failure> {
    let wanted = wanted_name(record, batch, item, input, made)?;
    let mut naming = Naming::new(batch.on_conflict, wanted, item.index, item.output.clone());
    let mut step = naming.first();
    loop {
        match step {
            Step::Try(attempt) => {
                let place = place(context, record, batch, item.index, &attempt, &made.bytes, hold).await?;
                step = naming.after(&attempt, place);
            }
            Step::Done(name) => return Ok(Some(name)),
            Step::Skip => return Ok(None),
            Step::Fail(failure) => return Err(failure),
        }
    }
}

async fn place(
    context: &Arc<Context>,
    record: &JobRecord,
    batch: &Batch,
    index: u32,
    attempt: &Attempt,
    bytes: &[u8],
    hold: &Hold,
) -> Result<Place, Failure> {
    if !context.stores.jobs.claim_name(&record.id, index, &attempt.name).await? {
        return Ok(Place::Taken);
    }
    let Some(folder) = &batch.save_to else { return Ok(Place::Written) };
    let path = format!("{folder}/{}", attempt.name);
    if let Some(existing) = context.files.resolve(&path)
        && context.stores.jobs.is_source(&record.id, &existing.to_string_lossy()).await?
    {
        return Ok(Place::Original);
    }
    let (shared, attempt, bytes, tag) = (context.clone(), attempt.clone(), bytes.to_vec(), record.id.to_string());
    let ours = asker(hold);
    let written = tokio::task::spawn_blocking(move || {
        if let Some((above, _)) = path.rsplit_once('/') {
            shared.files.make_folder(above, "save_to")?;
        }
        let how = Writing { overwrite: attempt.may_replace, tag: &tag, argument: "save_to", still_wanted: &ours };
        let (taken, _) = shared.files.write(&path, &bytes, &how)?;
        // The file of an attempt whose process died is known by its bytes.
        let own = |path: &str| shared.files.read(path, "save_to").is_ok_and(|(there, _)| there == bytes);
        Ok(if taken == Taken::No || (attempt.resumed && own(&path)) { Place::Written } else { Place::Taken })
    });
    written.await.map_err(|error| Failure::internal(&error))?
}

fn wanted_name(
    record: &JobRecord,
    batch: &Batch,
    item: &Item,
    input: &Input,
    made: &Transformed,
) -> Result<String, Failure> {
    let date = rfc3339(record.created_at);
    Ok(Template::parse(&batch.name, "name")?.render(&Named {
        stem: &input.stem,
        ext: made.facts.format.extension(),
        index: item.index,
        dir: &item.dir,
        width: made.facts.width,
        height: made.facts.height,
        sha256: &made.facts.sha256,
        date: date.get(..10).unwrap_or_default(),
    }))
}

fn failed(failure: Failure) -> ItemDone {
    ItemDone {
        status: ItemStatus::Failed,
        image: None,
        failure: Some(failure),
        bytes_in: 0,
        bytes_out: 0,
        sha256: None,
        ms: 0,
    }
}
