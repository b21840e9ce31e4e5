//! How far a job is: what `batch_process`, `get_job` and `cancel_job` answer, and every call whose time is up.

use common::{
    Failure, FailureKind,
    job::Work,
    jobs::{Item, ItemFilter, ItemStatus, JobRecord, JobState},
    kept,
    outcome::Outcome,
    rfc3339,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{CallFacts, GeneratedFacts, Next, Reply, ReportFacts, TransformFacts};
use crate::{Shared, files::BatchFile};

/// How many failures stand at the top.
const ERRORS_SHOWN: u32 = 3;

/// How many contact sheets are linked.
const SHEETS_SHOWN: u32 = 5;

/// Which pictures of a batch to show.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::mcp) struct Page {
    pub(in crate::mcp) status: Option<ItemStatus>,
    pub(in crate::mcp) from: u32,
    pub(in crate::mcp) limit: u32,
}

/// Why a picture failed.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct ItemError {
    /// The code, such as image_unreadable.
    code: &'static str,
    /// One sentence.
    message: String,
    /// Whether it may go well next time.
    retryable: bool,
}

/// A picture of a batch.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct ItemFacts {
    /// Its place in the batch, from 0.
    index: u32,
    /// Where it came from.
    source: String,
    /// pending, queued, running, ok, failed, skipped or cancelled.
    status: &'static str,
    /// The name of the result.
    output: Option<String>,
    /// The result in the store.
    image_id: Option<String>,
    /// Why it failed or was left out.
    error: Option<ItemError>,
    /// Milliseconds of work.
    ms: Option<u64>,
    /// Size of the file that was read.
    bytes_before: Option<u64>,
    /// Size of the file that was written.
    bytes_after: Option<u64>,
}

impl From<Item> for ItemFacts {
    fn from(item: Item) -> Self {
        let error = item.error.map(|failure| ItemError {
            code: failure.kind.code(),
            message: failure.message,
            retryable: failure.kind.retryable(),
        });
        Self {
            index: item.index,
            source: item.label,
            status: item.status.name(),
            output: item.output,
            image_id: item.image_id.map(|id| id.to_string()),
            error,
            ms: item.ms,
            bytes_before: Some(item.bytes_before).filter(|bytes| *bytes > 0),
            bytes_after: Some(item.bytes_after).filter(|bytes| *bytes > 0),
        }
    }
}

/// How far a job is. `finished` includes batches with failed pictures.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(in crate::mcp) struct JobFacts {
    #[serde(flatten)]
    call: CallFacts,
    /// What it does: batch, transform, generate …
    kind: Option<String>,
    /// Pictures; absent while they are still being looked for.
    total: Option<u64>,
    /// Pictures that went well.
    ok: Option<u64>,
    /// Pictures that failed.
    failed: Option<u64>,
    /// Pictures left out on purpose.
    skipped: Option<u64>,
    /// Pictures dropped by a cancel.
    cancelled: Option<u64>,
    /// Pictures being worked on.
    running: Option<u64>,
    /// Bytes read so far.
    bytes_in: Option<u64>,
    /// Bytes written so far.
    bytes_out: Option<u64>,
    /// Pictures a second.
    rate: Option<f64>,
    /// Seconds until it is through, if it goes on like this.
    eta_seconds: Option<u64>,
    /// The first failures.
    errors: Option<Vec<ItemFacts>>,
    /// A page of the pictures.
    items: Option<Vec<ItemFacts>>,
    /// The folder the results were written to.
    saved_to: Option<String>,
    /// manifest.jsonl (a line for each picture): a link that works for 24 hours; absent over stdio.
    url: Option<String>,
    /// manifest.jsonl as a file.
    path: Option<String>,
    /// All results with manifest, report and contact sheets as one zip, for 24 hours; absent over stdio, where they are files.
    zip_url: Option<String>,
    /// report.csv (the manifest for spreadsheets), likewise.
    report_url: Option<String>,
    /// report.csv as a file.
    report_path: Option<String>,
    /// How many contact sheets there are, of 48 images each.
    sheets: Option<u32>,
    /// The first five contact sheets; the others are named alike.
    sheet_urls: Option<Vec<String>>,
    /// The same as files.
    sheet_paths: Option<Vec<String>>,
    /// A page where the user can watch the batch in a browser, once signed in; absent over stdio.
    watch_url: Option<String>,
    /// What was skipped while pictures were looked for.
    notes: Option<Vec<String>>,
    /// When it was submitted, RFC 3339.
    created_at: Option<String>,
}

/// What `get_job` answers: how far the job is, and for a finished call of another tool what that tool answers.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "only its schema matters")]
pub(in crate::mcp) struct GetJobFacts {
    #[serde(flatten)]
    job: JobFacts,
    #[serde(flatten)]
    transform: TransformFacts,
    #[serde(flatten)]
    report: ReportFacts,
    #[serde(flatten)]
    generated: GeneratedFacts,
}

/// A call whose job failed, or was cancelled while the call waited.
pub(super) fn failed(record: &JobRecord, failure: &Failure) -> Reply {
    let mut reply = Reply::failure(failure);
    reply.facts.insert("job_id".into(), json!(record.id));
    reply.facts.insert("state".into(), json!(record.state));
    reply
}

/// How far the job of `record` is.
pub(in crate::mcp) async fn job(
    shared: &Shared,
    record: &JobRecord,
    joined: bool,
    page: Option<Page>,
) -> Result<Reply, Failure> {
    let mut facts = JobFacts {
        call: CallFacts {
            job_id: Some(record.id.to_string()),
            state: Some(word(record.state)),
            joined: joined.then_some(true),
            next: next(record, page),
            error: record.failure.clone().filter(|failure| failure.kind != FailureKind::Cancelled),
        },
        kind: Some(record.kind.clone()),
        created_at: Some(rfc3339(record.created_at)),
        ..JobFacts::default()
    };
    if matches!(record.work, Work::BatchPlan(_)) {
        count(&mut facts, record, shared.stores.clock.now_ms());
        items(&mut facts, shared, record, page).await?;
        files(&mut facts, shared, record);
        facts.watch_url = shared.links.as_ref().map(|links| links.batch_page(&record.id));
    }
    let mut reply = Reply::of(&headline(record), &facts)?;
    let from_the_start = page.is_none_or(|page| page.from == 0 && page.status.is_none());
    if let (Some(Outcome::Batch(done)), true) = (&record.outcome, from_the_start) {
        reply.picture = super::bytes(shared, done.preview.as_ref()).await?;
    }
    Ok(reply)
}

fn word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Finished => "finished",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

fn headline(record: &JobRecord) -> String {
    let tally = &record.tally;
    match record.state {
        JobState::Queued | JobState::Running => {
            format!("The job is {}. Poll get_job; do not run the call again.", word(record.state))
        }
        JobState::Finished => {
            format!("Finished: {} ok, {} failed, {} skipped.", tally.ok, tally.failed, tally.skipped)
        }
        JobState::Failed => "The job failed.".into(),
        JobState::Cancelled if record.kind == "batch" => {
            format!(
                "Cancelled: {} were done, {} were dropped, {} come through.",
                tally.ok, tally.cancelled, tally.running
            )
        }
        JobState::Cancelled => "Cancelled.".into(),
    }
}

fn count(facts: &mut JobFacts, record: &JobRecord, now_ms: i64) {
    let tally = &record.tally;
    facts.total = Some(tally.total).filter(|total| *total > 0 || record.state.is_final());
    facts.ok = Some(tally.ok);
    facts.failed = Some(tally.failed);
    facts.skipped = Some(tally.skipped);
    facts.cancelled = Some(tally.cancelled).filter(|count| *count > 0);
    facts.running = Some(tally.running);
    facts.bytes_in = Some(tally.bytes_in);
    facts.bytes_out = Some(tally.bytes_out);
    facts.notes = Some(record.notes.clone()).filter(|notes| !notes.is_empty());
    let elapsed_ms = record.started_at.map(|start| record.finished_at.unwrap_or(now_ms) - start);
    let worked = tally.ok + tally.failed;
    if let Some(elapsed_ms) = elapsed_ms.filter(|elapsed| *elapsed > 0 && worked > 0) {
        #[expect(clippy::cast_precision_loss, reason = "counts and milliseconds far below 2^52")]
        let rate = worked as f64 * 1000.0 / elapsed_ms as f64;
        facts.rate = Some((rate * 100.0).round() / 100.0);
        if !record.state.is_final() {
            let left = tally.total.saturating_sub(tally.done());
            facts.eta_seconds = left.checked_mul(elapsed_ms.unsigned_abs()).map(|ms| (ms / worked).div_ceil(1000));
        }
    }
}

async fn items(facts: &mut JobFacts, shared: &Shared, record: &JobRecord, page: Option<Page>) -> Result<(), Failure> {
    let jobs = &shared.stores.jobs;
    if record.tally.failed > 0 {
        let failures = ItemFilter { status: Some(ItemStatus::Failed), from: 0, limit: ERRORS_SHOWN };
        let failures = jobs.items(&record.id, &failures).await?;
        facts.errors = Some(failures.into_iter().map(ItemFacts::from).collect());
    }
    if let Some(page) = page.filter(|page| page.limit > 0) {
        let filter = ItemFilter { status: page.status, from: page.from, limit: page.limit };
        facts.items = Some(jobs.items(&record.id, &filter).await?.into_iter().map(ItemFacts::from).collect());
        let last = facts.items.as_ref().and_then(|items| items.last()).map(|item| item.index);
        let full = facts.items.as_ref().is_some_and(|items| u32::try_from(items.len()) == Ok(page.limit));
        if let (Some(last), true) = (last, full) {
            let mut arguments = json!({"job_id": record.id, "from": last + 1, "limit": page.limit});
            if let Some(status) = page.status {
                arguments["status"] = status.name().into();
            }
            facts.call.next.get_or_insert_default().push(Next::new("get_job", arguments));
        }
    }
    Ok(())
}

/// What came out of a batch beside its images: links, or files where there are none.
fn files(facts: &mut JobFacts, shared: &Shared, record: &JobRecord) {
    let Some(Outcome::Batch(done)) = &record.outcome else { return };
    let id = &record.id;
    let link = |file: BatchFile| shared.links.as_ref().map(|links| links.batch(id, file));
    let stored = |key: &str| match shared.links {
        Some(_) => None,
        None => shared.stores.blobs.path(key).map(|path| path.display().to_string()),
    };
    facts.saved_to = done.saved_to.clone();
    facts.url = link(BatchFile::Manifest);
    facts.path = done.saved_manifest.clone().or_else(|| stored(&done.manifest));
    facts.zip_url = link(BatchFile::Zip);
    facts.report_url = link(BatchFile::Report);
    facts.report_path = done.saved_report.clone().or_else(|| stored(&kept::report(id)));
    facts.sheets = Some(done.sheets);
    let first = 1..=done.sheets.min(SHEETS_SHOWN);
    facts.sheet_urls = first.clone().map(|number| link(BatchFile::Sheet(number))).collect();
    let saved = |number: u32| done.saved_sheets.get(number as usize - 1).cloned();
    facts.sheet_paths = first.map(|number| saved(number).or_else(|| stored(&kept::sheet(id, number)))).collect();
    facts.notes = Some(done.notes.clone()).filter(|notes| !notes.is_empty()).or(facts.notes.take());
}

/// What to do next: poll what is not over, look at what failed.
fn next(record: &JobRecord, page: Option<Page>) -> Option<Vec<Next>> {
    let id = &record.id;
    if !record.state.is_final() {
        return Some(vec![
            Next::new("get_job", json!({"job_id": id, "wait_seconds": 45})),
            Next::new("cancel_job", json!({"job_id": id})),
        ]);
    }
    let looking_at_failures = page.is_some_and(|page| page.status == Some(ItemStatus::Failed));
    let mut next = Vec::new();
    if record.tally.failed > 0 && record.kind == "batch" && !looking_at_failures {
        next.push(Next::new("get_job", json!({"job_id": id, "status": "failed", "limit": 50})));
    }
    if record.tally.ok > 0 && record.kind == "batch" {
        next.push(Next::new("list_images", json!({"job": id})));
    }
    (!next.is_empty()).then_some(next)
}
