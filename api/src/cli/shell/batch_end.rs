//! What comes out of a shell batch beside its images: the summary, the report and the contact sheets.

use std::time::Instant;

use common::{Failure, job::OnConflict, kept};
use rayon::prelude::*;
use serde::Serialize;
use worker::{
    batch::{HEADER, Line, Naming},
    engine::{Cell, PreviewKind, Stop},
    files::Writing,
};

use super::{
    batch_run::{Done, Run},
    plan::Plan,
    progress::Progress,
};
use crate::cli::{End, result, say};

/// What came of a batch.
#[derive(Default, Serialize)]
struct Summary {
    total: u64,
    ok: u64,
    failed: u64,
    skipped: u64,
    /// Done by an earlier run.
    before: u64,
    /// Not begun, because of Ctrl-C.
    left: u64,
    bytes_in: u64,
    bytes_out: u64,
    ms: u64,
    errors: Vec<ItemError>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact_sheets: Vec<String>,
}

#[derive(Serialize)]
struct ItemError {
    source: String,
    error: Failure,
}

/// Runs all of it on so many threads, 0 for all cores, and says what came of it.
pub(super) fn finish(run: &Run, plan: &Plan, jobs: usize, json: bool, sheets: bool) -> anyhow::Result<End> {
    let started = Instant::now();
    let progress = Progress::start(plan.items.len() as u64, json);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
    let ended = pool.install(|| run.all(plan, &progress));
    progress.end();
    let lines: Vec<Line> = ended.iter().filter_map(Done::line).cloned().collect();
    let mut summary = sum_up(plan, ended);
    if run.journal.is_some() {
        let text = lines.iter().fold(HEADER.to_owned(), |text, line| text + &line.csv());
        let how = Writing { overwrite: true, tag: "shell", argument: "--out", still_wanted: &|| Ok(()) };
        run.results.write("report.csv", text.as_bytes(), &how)?;
    }
    if sheets {
        summary.contact_sheets = pool.install(|| draw(run, &lines))?;
    }
    summary.ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    report(&summary, plan, json)?;
    if summary.left > 0 {
        if !json {
            let how =
                if run.journal.is_some() { "--resume goes on" } else { "with --resume a run can be gone on with" };
            say(&format!("interrupted: {} images are left; {how}", summary.left));
        }
        return Ok(End::Interrupted);
    }
    Ok(if summary.failed > 0 { End::SomeFailed } else { End::Good })
}

fn sum_up(plan: &Plan, ended: Vec<Done>) -> Summary {
    let mut summary = Summary { total: ended.len() as u64, ..Summary::default() };
    for (item, done) in plan.items.iter().zip(ended) {
        match done {
            Done::Ok(line) => {
                summary.ok += 1;
                summary.bytes_in += line.bytes_before;
                summary.bytes_out += line.bytes_after;
            }
            Done::Skipped(_) => summary.skipped += 1,
            Done::Before(_) => summary.before += 1,
            Done::Left => summary.left += 1,
            Done::Failed(_, error) => {
                summary.failed += 1;
                summary.errors.push(ItemError { source: item.path.display().to_string(), error: *error });
            }
        }
    }
    summary
}

/// Contact sheets of all images, read back from where they were written.
fn draw(run: &Run, lines: &[Line]) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for (number, some) in (1..).zip(lines.chunks(kept::ON_A_SHEET as usize)) {
        let cells: Vec<Cell> = some.par_iter().with_max_len(1).map(|line| cell(run, line)).collect();
        let sheet = run.engine.contact_sheet(&cells, PreviewKind::None, &Stop::new(run.timeout))?;
        // No original and no result is ever replaced by a sheet.
        let replace = run.resume || run.policy == OnConflict::Overwrite;
        let policy = if replace { OnConflict::Overwrite } else { OnConflict::Suffix };
        let naming = Naming::new(policy, kept::sheet_name(number), 0, None);
        names.extend(run.settle(naming, "", &sheet.jpeg)?);
    }
    Ok(names)
}

fn cell(run: &Run, line: &Line) -> Cell {
    let path = line.output.as_deref().unwrap_or(&line.source);
    let thumbnail = line.output.as_deref().and_then(|output| {
        let (bytes, _) = run.results.read(output, "--out").ok()?;
        // A result that cannot be shown small is no less well.
        run.engine.thumbnail(&bytes, &Stop::new(run.timeout)).ok()
    });
    let error = line.error.as_ref();
    Cell {
        index: line.index,
        name: path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned(),
        status: error.map_or(&line.status, |error| &error.code).clone(),
        failed: error.is_some(),
        thumbnail,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a summary for people")]
fn report(summary: &Summary, plan: &Plan, json: bool) -> anyhow::Result<()> {
    if json {
        return Ok(result(&serde_json::to_string(summary)?)?);
    }
    let seconds = summary.ms as f64 / 1000.0;
    let rate = (summary.total - summary.before - summary.left) as f64 / seconds.max(0.001);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let mut counts = format!("{} ok, {} failed, {} skipped", summary.ok, summary.failed, summary.skipped);
    if summary.before > 0 {
        counts += &format!(", {} done before", summary.before);
    }
    result(&format!(
        "{} images in {seconds:.2} s ({rate:.1} images/s): {counts}; {:.1} MiB -> {:.1} MiB",
        summary.total,
        mib(summary.bytes_in),
        mib(summary.bytes_out),
    ))?;
    for note in plan.notes() {
        result(&format!("left out: {note}"))?;
    }
    Ok(())
}
