//! The bytes of a picture, wherever they come from.

use std::{path::Path, sync::Arc};

use common::{
    Facts, Failure, FailureKind, ImageId, ImageRecord, Recipe, StoreError,
    job::{Job, Source},
};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use super::{Context, store};
use crate::engine::Probe;

/// A picture that was fetched.
pub(super) struct Input {
    pub(super) bytes: Arc<[u8]>,
    /// The stored picture it is.
    pub(super) record: Option<ImageRecord>,
    /// The path it came from, as it really is.
    pub(super) path: Option<String>,
    /// The address it came from, without what is behind its path.
    pub(super) url: Option<String>,
    /// The start of a name for what is made from it.
    pub(super) stem: String,
}

/// The start of a picture's file.
pub(super) struct Start {
    pub(super) bytes: Vec<u8>,
    /// Bytes of the whole file.
    pub(super) length: u64,
    /// The stored picture it is.
    pub(super) record: Option<ImageRecord>,
}

/// Fetches the first `most` bytes; `None` for what came with the call, which is to become a picture of its own first.
pub(super) async fn fetch_start(
    context: &Arc<Context>,
    job: &Job,
    source: &Source,
    most: u64,
) -> Result<Option<Start>, Failure> {
    match source {
        Source::Image(id) => {
            let record = context.stores.images.get(&job.owner, id).await?.ok_or_else(|| unknown(id))?;
            let length = record.facts.bytes;
            let range = 0..most.min(length).max(1);
            let missing = |error| if matches!(error, StoreError::Missing) { unknown(id) } else { Failure::from(error) };
            let mut reading = context.stores.blobs.stream(&record.blob, Some(range)).await.map_err(missing)?;
            let mut bytes = Vec::new();
            while let Some(some) = reading.bytes.try_next().await.map_err(StoreError::from)? {
                bytes.extend_from_slice(&some);
            }
            Ok(Some(Start { bytes, length, record: Some(record) }))
        }
        Source::Path(path) => {
            let (shared, asked) = (context.clone(), path.clone());
            let read = tokio::task::spawn_blocking(move || shared.files.read_start(&asked, "image", most)).await;
            let (bytes, length, _) = read.map_err(|error| Failure::internal(&error))??;
            Ok(Some(Start { bytes, length, record: None }))
        }
        Source::Inline(_) | Source::Url(_) => Ok(None),
    }
}

/// The bytes of a stored picture of `job`'s owner.
pub(super) async fn of_image(context: &Context, job: &Job, id: &ImageId) -> Result<Arc<[u8]>, Failure> {
    Ok(stored(context, job, id).await?.bytes)
}

/// Fetches a picture of `job`'s owner.
pub(super) async fn fetch(context: &Arc<Context>, job: &Job, source: &Source) -> Result<Input, Failure> {
    match source {
        Source::Image(id) => stored(context, job, id).await,
        Source::Path(path) => file(context, path).await,
        Source::Inline(id) => inline(context, job, id).await,
        Source::Url(address) => remote(context, job, address).await,
    }
}

/// The bytes of the other pictures that the steps of `recipe` name; `sources` has them in the same order.
pub(super) async fn others(
    context: &Arc<Context>,
    job: &Job,
    recipe: &Recipe,
    sources: &[Source],
) -> Result<Vec<Arc<[u8]>>, Failure> {
    let mut others = Vec::with_capacity(sources.len());
    for ((argument, _), source) in recipe.others().zip(sources) {
        let input = fetch(context, job, source).await.map_err(|failure| failure.argument(argument))?;
        others.push(input.bytes);
    }
    Ok(others)
}

async fn stored(context: &Context, job: &Job, id: &ImageId) -> Result<Input, Failure> {
    let record = context.stores.images.get(&job.owner, id).await?.ok_or_else(|| unknown(id))?;
    let bytes = bytes(context, id, &record.blob).await?;
    let stem = stem(&record.name);
    Ok(Input { bytes: bytes.into(), record: Some(record), path: None, url: None, stem })
}

async fn file(context: &Arc<Context>, path: &str) -> Result<Input, Failure> {
    let (shared, asked) = (context.clone(), path.to_owned());
    let read = tokio::task::spawn_blocking(move || shared.files.read(&asked, "image")).await;
    let (bytes, real) = read.map_err(|error| Failure::internal(&error))??;
    let stem = stem(&real.to_string_lossy());
    Ok(Input { bytes: bytes.into(), record: None, path: Some(real.to_string_lossy().into_owned()), url: None, stem })
}

/// Fetches an address, until the job is over for another reason.
async fn remote(context: &Context, job: &Job, address: &str) -> Result<Input, Failure> {
    let over = context.stores.jobs.stop_token(&job.id);
    let bytes = tokio::select! {
        fetched = context.fetcher.fetch(address) => fetched.map_err(|failure| failure.argument("image"))?,
        () = over.cancelled() => return Err(Failure::new(FailureKind::Cancelled, "The job was cancelled.")),
    };
    // What is behind the path of an address may be a secret.
    let place = address.split(['?', '#']).next().unwrap_or_default().to_owned();
    let stem = stem(place.rsplit('/').next().unwrap_or_default());
    Ok(Input { bytes: bytes.into(), record: None, path: None, url: Some(place), stem })
}

/// Bytes that came with the call become a picture of their own, so that later calls can name it.
async fn inline(context: &Arc<Context>, job: &Job, id: &ImageId) -> Result<Input, Failure> {
    let blob = inline_blob(id);
    let bytes: Arc<[u8]> = bytes(context, id, &blob).await?.into();
    if let Some(record) = context.stores.images.get(&job.owner, id).await? {
        return Ok(Input { bytes, stem: stem(&record.name), record: Some(record), path: None, url: None });
    }
    let shared = bytes.clone();
    let probed = context.on_engine(None, move |engine, _| engine.probe(&shared)).await;
    let probe = match probed {
        Ok(probe) => probe,
        Err(failure) => {
            // Nobody will ask for bytes that are no picture.
            context.stores.blobs.delete(&blob).await?;
            return Err(failure.argument("image"));
        }
    };
    let record = ImageRecord {
        id: id.clone(),
        owner: job.owner.clone(),
        tool: "upload".into(),
        job: job.id.clone(),
        parent: None,
        source: None,
        name: format!("upload.{}", probe.format.extension()),
        blob,
        recipe: None,
        by_model: None,
        facts: facts(&probe, &bytes),
        created_at: context.stores.clock.now_ms(),
    };
    store::keep(context, &record).await.map_err(|error| Failure::from(error).argument("image"))?;
    Ok(Input { bytes, stem: stem(&record.name), record: Some(record), path: None, url: None })
}

/// Where the web puts bytes that came with a call.
fn inline_blob(id: &ImageId) -> String {
    format!("{id}.upload")
}

pub(super) fn facts(probe: &Probe, bytes: &[u8]) -> Facts {
    let (width, height) = probe.upright();
    Facts {
        width,
        height,
        format: probe.format,
        bytes: bytes.len() as u64,
        sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        alpha: probe.alpha,
        bit_depth: probe.bit_depth,
    }
}

fn unknown(id: &ImageId) -> Failure {
    Failure::new(FailureKind::NotFound, format!("There is no picture {id}."))
        .argument("image")
        .next("Call list_images for the ids there are.")
}

/// What the engine would refuse is not even fetched.
async fn bytes(context: &Context, id: &ImageId, blob: &str) -> Result<Vec<u8>, Failure> {
    let most = context.engine.limits().max_file_bytes;
    context.stores.blobs.get_at_most(blob, most).await.map_err(|error| match error {
        StoreError::Missing => unknown(id),
        other => Failure::from(other).argument("image"),
    })
}

fn stem(name: &str) -> String {
    Path::new(name).file_stem().map_or_else(|| "image".into(), |stem| stem.to_string_lossy().into_owned())
}
