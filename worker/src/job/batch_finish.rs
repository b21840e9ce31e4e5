//! Writes what comes out of a batch beside its pictures: the manifest, the report, the contact sheets, and what stands
//! in the zip.

use std::{collections::BTreeSet, sync::Arc};

use common::{
    Failure,
    job::{Job, Work},
    jobs::ItemFilter,
    kept,
    outcome::{BatchDone, Outcome},
};

use super::{Context, batch_sheets::Sheets, preview_kind};
use crate::{
    batch::{HEADER, Line},
    files::{Writing, folder_of},
};

/// Rows read at a time.
const PAGE: u32 = 20 * kept::ON_A_SHEET;

pub(crate) async fn run(context: &Arc<Context>, job: &Job) -> Result<Outcome, Failure> {
    let record =
        context.stores.jobs.any(&job.id).await?.ok_or_else(|| Failure::internal(&"a batch without a record"))?;
    let (saved_to, show) = match record.work {
        Work::BatchPlan(batch) => (batch.save_to, batch.show),
        _ => (None, common::job::Return::None),
    };
    let (mut manifest, mut report) = (String::new(), HEADER.to_owned());
    let mut folders = BTreeSet::from([".".to_owned()]);
    let mut sheets = Sheets::new(context, job, preview_kind(show));
    let mut from = 0;
    loop {
        let items = context.stores.jobs.items(&job.id, &ItemFilter { status: None, from, limit: PAGE }).await?;
        let Some(last) = items.last() else { break };
        from = last.index + 1;
        for item in &items {
            folders.extend(item.output.as_deref().map(|output| folder_of(output).to_owned()));
            let line = Line::from(item);
            manifest += &line.json().map_err(|error| Failure::internal(&error))?;
            report += &line.csv();
        }
        sheets.add(&items).await?;
    }
    sheets.finish().await?;
    let key = kept::manifest(&job.id);
    let beside = vec![
        sheets.beside("manifest.jsonl", key.clone(), manifest.as_bytes()),
        sheets.beside("report.csv", kept::report(&job.id), report.as_bytes()),
    ];
    let (count, preview) = (u32::try_from(sheets.sheets.len()).unwrap_or(u32::MAX), sheets.preview.clone());
    let mut contents = String::new();
    for entry in sheets.contents(beside) {
        contents += &serde_json::to_string(&entry).map_err(|error| Failure::internal(&error))?;
        contents.push('\n');
    }
    let blobs = &context.stores.blobs;
    blobs.put(&key, manifest.clone().into_bytes()).await?;
    blobs.put(&kept::report(&job.id), report.clone().into_bytes()).await?;
    blobs.put(&kept::contents(&job.id), contents.into_bytes()).await?;
    let mut done = BatchDone { manifest: key, sheets: count, preview, notes: record.notes, ..BatchDone::default() };
    if let Some(folder) = saved_to {
        let files = Files { manifest, report, folders };
        // The pictures are done whatever became of their folder.
        if let Err(failure) = save(context, job, &folder, files, &mut done).await {
            done.notes.push(format!(
                "not all copies of the manifest, the report and the contact sheets could be written: {}",
                failure.message
            ));
        }
        done.saved_to = Some(folder);
    }
    Ok(Outcome::Batch(done))
}

/// What is written into the folder that was named.
struct Files {
    manifest: String,
    report: String,
    /// Those with results in them.
    folders: BTreeSet<String>,
}

async fn save(
    context: &Arc<Context>,
    job: &Job,
    folder: &str,
    files: Files,
    done: &mut BatchDone,
) -> Result<(), Failure> {
    let (shared, below, tag, folders) = (context.clone(), folder.to_owned(), job.id.to_string(), files.folders);
    // All pictures are through: what is half-written was left by a process that died.
    let sweep = move || folders.iter().for_each(|within| shared.files.sweep(&format!("{below}/{within}"), &tag));
    tokio::task::spawn_blocking(sweep).await.map_err(|error| Failure::internal(&error))?;
    done.saved_manifest = Some(copy(context, job, folder, "manifest", "jsonl", files.manifest.into_bytes()).await?);
    done.saved_report = Some(copy(context, job, folder, "report", "csv", files.report.into_bytes()).await?);
    for number in 1..=done.sheets {
        let bytes = context.stores.blobs.get(&kept::sheet(&job.id, number)).await?;
        let ending = format!("{number:03}.jpg");
        done.saved_sheets.push(copy(context, job, folder, "contact", &ending, bytes).await?);
    }
    Ok(())
}

/// The job's id is in the name, so that a second batch into the same folder keeps the files of the first one, and a
/// second attempt replaces only its own.
async fn copy(
    context: &Arc<Context>,
    job: &Job,
    folder: &str,
    kind: &str,
    ending: &str,
    bytes: Vec<u8>,
) -> Result<String, Failure> {
    let dash = if kind == "contact" { '-' } else { '.' };
    let (shared, tag) = (context.clone(), job.id.to_string());
    let path = format!("{folder}/{kind}-{tag}{dash}{ending}");
    let written = tokio::task::spawn_blocking(move || {
        let how = Writing { overwrite: true, tag: &tag, argument: "save_to", still_wanted: &|| Ok(()) };
        shared.files.write(&path, &bytes, &how)
    });
    let (_, path) = written.await.map_err(|error| Failure::internal(&error))??;
    Ok(path.to_string_lossy().into_owned())
}
