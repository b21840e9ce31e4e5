//! The contact sheets of a batch, from the bytes of its results; and, since they pass by, their sums for the zip.

use std::sync::Arc;

use common::{
    Failure, StoreError,
    job::Job,
    jobs::{Item, ItemStatus},
    kept::{self, Entry},
    outcome::PreviewRef,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{Context, store};
use crate::{
    batch::Names,
    engine::{Cell, PreviewKind},
};

/// Sheets in the making.
pub(super) struct Sheets<'a> {
    context: &'a Arc<Context>,
    job: &'a Job,
    kind: PreviewKind,
    waiting: Vec<Cell>,
    names: Names,
    /// The results, as they stand in the zip.
    pub(super) results: Vec<Entry>,
    /// The sheets, likewise.
    pub(super) sheets: Vec<Entry>,
    /// The first sheet, for the reply.
    pub(super) preview: Option<PreviewRef>,
}

impl<'a> Sheets<'a> {
    pub(super) fn new(context: &'a Arc<Context>, job: &'a Job, kind: PreviewKind) -> Self {
        let (waiting, results, sheets) = (Vec::new(), Vec::new(), Vec::new());
        Self { context, job, kind, waiting, names: Names::default(), results, sheets, preview: None }
    }

    /// The next pictures. As many of them are in memory at a time as this worker has slots.
    pub(super) async fn add(&mut self, items: &[Item]) -> Result<(), Failure> {
        // What a cancel has dropped was never looked at.
        let is_shown = |item: &&Item| matches!(item.status, ItemStatus::Ok | ItemStatus::Failed | ItemStatus::Skipped);
        let shown: Vec<Item> = items.iter().filter(is_shown).cloned().collect();
        let slots = usize::try_from(self.context.slots).unwrap_or(1).max(1);
        let context = self.context.clone();
        let mut seen = stream::iter(shown).map(move |item| look(context.clone(), item)).buffered(slots);
        while let Some((cell, result)) = seen.try_next().await? {
            self.results.extend(result.map(|entry| Entry { name: self.names.take(&entry.name), ..entry }));
            self.waiting.push(cell);
            if self.waiting.len() == kept::ON_A_SHEET as usize {
                self.draw().await?;
            }
        }
        Ok(())
    }

    /// Draws what has not filled a sheet.
    pub(super) async fn finish(&mut self) -> Result<(), Failure> {
        if self.waiting.is_empty() { Ok(()) } else { self.draw().await }
    }

    /// The name of a file beside the results in the zip. Where a result has that name, the result keeps it.
    pub(super) fn beside(&mut self, name: &str, blob: String, bytes: &[u8]) -> Entry {
        Entry {
            name: self.names.take(name),
            blob,
            image: None,
            length: bytes.len() as u64,
            crc32: crc32fast::hash(bytes),
        }
    }

    async fn draw(&mut self) -> Result<(), Failure> {
        let cells = std::mem::take(&mut self.waiting);
        let number = u32::try_from(self.sheets.len()).unwrap_or(u32::MAX).saturating_add(1);
        let kind = if number == 1 { self.kind } else { PreviewKind::None };
        let drawn = self.context.on_engine(None, move |engine, stop| engine.contact_sheet(&cells, kind, stop)).await?;
        if number == 1 {
            self.preview = store::preview(self.context, self.job, drawn.preview).await?;
        }
        let blob = kept::sheet(&self.job.id, number);
        // Its name is settled once the results have theirs.
        let entry = Entry {
            name: kept::sheet_name(number),
            blob: blob.clone(),
            image: None,
            length: drawn.jpeg.len() as u64,
            crc32: crc32fast::hash(&drawn.jpeg),
        };
        self.context.stores.blobs.put(&blob, drawn.jpeg).await?;
        self.sheets.push(entry);
        Ok(())
    }

    /// Everything that stands in the zip, the results last.
    pub(super) fn contents(mut self, beside: Vec<Entry>) -> Vec<Entry> {
        let mut all = beside;
        let sheets = std::mem::take(&mut self.sheets);
        all.extend(sheets.into_iter().map(|entry| Entry { name: self.names.take(&entry.name), ..entry }));
        all.append(&mut self.results);
        all
    }
}

/// One picture as the sheet shows it, and as the zip has it.
async fn look(context: Arc<Context>, item: Item) -> Result<(Cell, Option<Entry>), Failure> {
    let path = item.output.as_deref().unwrap_or(&item.label);
    let mut cell = Cell {
        index: item.index,
        name: path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned(),
        status: item.status.name().to_owned(),
        failed: item.status == ItemStatus::Failed,
        thumbnail: None,
    };
    if let (true, Some(failure)) = (cell.failed, &item.error) {
        cell.status = failure.kind.code().to_owned();
    }
    let record = match &item.image_id {
        Some(id) => context.stores.images.any(id).await?,
        None => None,
    };
    let Some(record) = record else { return Ok((cell, None)) };
    let bytes = match context.stores.blobs.get(&record.blob).await {
        Ok(bytes) => bytes,
        // Somebody has deleted it since.
        Err(StoreError::Missing) => return Ok((cell, None)),
        Err(error) => return Err(error.into()),
    };
    let entry = Entry {
        name: path.to_owned(),
        blob: record.blob,
        image: Some(record.id),
        length: bytes.len() as u64,
        crc32: crc32fast::hash(&bytes),
    };
    // A picture that cannot be shown small is no less well.
    cell.thumbnail = context.on_engine(None, move |engine, stop| engine.thumbnail(&bytes, stop)).await.ok();
    Ok((cell, Some(entry)))
}
