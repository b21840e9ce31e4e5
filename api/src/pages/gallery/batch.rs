//! `GET /gallery/batches/{id}`: how far a batch is, and what came out.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use common::{
    JobId, Listing,
    job::Work,
    jobs::{ItemFilter, ItemStatus, JobRecord, JobState},
};
use serde::Serialize;

use super::{
    tile::{Tile, size},
    visitor::{Instead, Visitor},
};
use crate::{
    Site,
    files::{BatchFile, Links},
    pages::{moment, shown_name},
};

/// Images and failures that are shown.
const SHOWN: u32 = 24;

#[derive(Template)]
#[template(path = "gallery_batch.html")]
struct BatchPage {
    nonce: String,
    id: String,
    now: Far,
    begun: String,
    recipe: String,
    failures: Vec<(String, String)>,
    why: Option<String>,
    /// What comes out, and where.
    files: Vec<(&'static str, String)>,
    tiles: Vec<Tile>,
}

/// How far a batch is, in words and numbers; what the page shows first, and what its script then hears.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Far {
    state: &'static str,
    pub(super) over: bool,
    total: u64,
    done: u64,
    counts: String,
}

impl Far {
    pub(super) fn of(job: &JobRecord) -> Self {
        let tally = &job.tally;
        let state = match job.state {
            JobState::Queued => "Waiting",
            JobState::Running if tally.total == 0 => "Looking for images",
            JobState::Running => "Working",
            JobState::Finished => "Finished",
            JobState::Failed => "Failed",
            JobState::Cancelled => "Cancelled",
        };
        let mut counts = format!("{} of {} done: {} ok", tally.done(), tally.total, tally.ok);
        for (count, what) in [
            (tally.failed, "failed"),
            (tally.skipped, "skipped"),
            (tally.cancelled, "cancelled"),
            (tally.running, "being worked on"),
        ] {
            if count > 0 {
                counts.push_str(&format!(", {count} {what}"));
            }
        }
        if tally.bytes_in > 0 {
            counts.push_str(&format!("; {} became {}", size(tally.bytes_in), size(tally.bytes_out)));
        }
        Self { state, over: job.state.is_final(), total: tally.total, done: tally.done(), counts }
    }
}

/// What comes out of a finished batch, and where it is.
fn files(links: &Links, id: &JobId) -> Vec<(&'static str, String)> {
    [("All as a zip", BatchFile::Zip), ("Report", BatchFile::Report), ("Manifest", BatchFile::Manifest)]
        .map(|(what, file)| (what, links.batch(id, file)))
        .into()
}

/// `GET /gallery/batches/{id}`.
pub(super) async fn show(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Instead> {
    let visitor = Visitor::of(&site, &headers, &super::return_to("batches", &id)).await?;
    let job = visitor.batch(&site, &id).await?;
    let stores = &site.shared.stores;
    let of_batch = Listing { job: Some(job.id.clone()), limit: SHOWN, ..Listing::default() };
    let images = stores.images.list(&visitor.user, &of_batch).await?;
    let failed = ItemFilter { status: Some(ItemStatus::Failed), from: 0, limit: SHOWN };
    let failed = stores.jobs.items(&job.id, &failed).await?;
    let failures = failed.into_iter().map(|item| {
        let name = item.label.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        (shown_name(&name), item.error.map(|failure| failure.message).unwrap_or_default())
    });
    let recipe = match &job.work {
        Work::BatchPlan(batch) => batch.recipe.in_words(),
        _ => String::new(),
    };
    let finished = job.state == JobState::Finished;
    let now = stores.clock.now_ms();
    Ok(visitor.browser.scripted(&site.authority, StatusCode::OK, |nonce, _| BatchPage {
        nonce,
        id: job.id.to_string(),
        now: Far::of(&job),
        begun: moment::ago(job.created_at, now),
        recipe,
        failures: failures.collect(),
        why: job.failure.as_ref().filter(|_| job.state == JobState::Failed).map(|failure| failure.message.clone()),
        files: site.shared.links.as_ref().filter(|_| finished).map_or_else(Vec::new, |links| files(links, &job.id)),
        tiles: images.iter().map(|record| Tile::of(record, now)).collect(),
    })?)
}
