//! What comes out of a batch: its manifest, its report, its contact sheets, and a zip of all of it with the results,
//! which is made while it is sent.

use std::{io, ops::Range, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{
    Blobs, Failure, JobId, StoreError,
    jobs::JobRecord,
    kept::{self, Entry},
    outcome::{BatchDone, Outcome},
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::{
    LinkQuery,
    archive::{Archive, Part},
    download::{File, check, gone, send},
    range::Asked,
};
use crate::{Shared, error::Problem};

/// Images looked up at a time.
const LOOKUPS: usize = 16;

/// A file of a batch, as its link names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BatchFile {
    Manifest,
    Report,
    /// They count from 1.
    Sheet(u32),
    Zip,
}

impl BatchFile {
    /// The last step of its address.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Manifest => "manifest.jsonl".into(),
            Self::Report => "report.csv".into(),
            Self::Sheet(number) => kept::sheet_name(number),
            Self::Zip => "results.zip".into(),
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let number = name.strip_prefix("contact-").and_then(|rest| rest.strip_suffix(".jpg")?.parse().ok());
        let known = [Self::Manifest, Self::Report, Self::Zip].into_iter().chain(number.map(Self::Sheet));
        known.into_iter().find(|file| file.name() == name)
    }
}

/// `GET /jobs/{id}/{file}`.
pub(crate) async fn file(
    State(shared): State<Arc<Shared>>,
    Path((id, name)): Path<(String, String)>,
    Query(query): Query<LinkQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check(&shared, &format!("/jobs/{id}/{name}"), &query)?;
    let id = JobId::parse(&id).ok_or_else(gone)?;
    let record = shared.stores.jobs.any(&id).await?.ok_or_else(gone)?;
    let Some(Outcome::Batch(done)) = &record.outcome else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "This job has no manifest (yet).")
            .next("Ask get_job for its state; a finished batch has one."));
    };
    let (blob, media_type, name) = match BatchFile::parse(&name) {
        Some(BatchFile::Manifest) => (done.manifest.clone(), "application/jsonl; charset=utf-8", format!("{id}.jsonl")),
        Some(BatchFile::Report) => (kept::report(&id), "text/csv; charset=utf-8", format!("{id}.csv")),
        Some(BatchFile::Sheet(number)) => (kept::sheet(&id, number), "image/jpeg", format!("{id}-{name}")),
        Some(BatchFile::Zip) => return zip(&shared, &record, done, &method, &headers).await,
        None => return Err(gone()),
    };
    send(&shared, &method, &headers, File { blob: &blob, media_type, name, known: None }).await
}

async fn zip(
    shared: &Arc<Shared>,
    record: &JobRecord,
    done: &BatchDone,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let entries = entries(shared, &record.id).await?;
    let tag = tag(&entries);
    let archive = Archive::new(entries, record.finished_at.unwrap_or(record.created_at));
    let whole = archive.length();
    let asked = tag.as_ref().filter(|_| method == Method::GET).map(|tag| Asked::of(headers, tag, whole));
    let (range, status) = match asked {
        None | Some(Asked::Whole) => (0..whole, StatusCode::OK),
        Some(Asked::Part(range)) => (range, StatusCode::PARTIAL_CONTENT),
        Some(Asked::Nothing { length }) => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
    };
    tracing::debug!(files = archive.entries().len(), bytes = whole, sheets = done.sheets, "a zip is sent");
    let body = Body::from_stream(bytes(archive, shared.stores.blobs.clone(), range.clone()));
    let disposition = format!("attachment; filename=\"{}.zip\"", record.id);
    let mut response = (status, [(header::CONTENT_DISPOSITION, disposition)], body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag);
    }
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = HeaderValue::try_from(format!("bytes {}-{}/{whole}", range.start, range.end - 1))
    {
        headers.insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

/// What the worker has put down, but for images that are deleted since.
async fn entries(shared: &Arc<Shared>, id: &JobId) -> Result<Vec<Entry>, Problem> {
    let contents = match shared.stores.blobs.get(&kept::contents(id)).await {
        Ok(contents) => contents,
        Err(StoreError::Missing) => return Err(gone()),
        Err(error) => return Err(error.into()),
    };
    let listed: Vec<Entry> = contents
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(serde_json::from_slice)
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::internal(&error))?;
    let images = shared.stores.images.clone();
    let still_there = |entry: Entry| {
        let images = images.clone();
        async move {
            let there = match &entry.image {
                Some(image) => images.any(image).await?.is_some(),
                None => true,
            };
            Ok::<_, StoreError>(there.then_some(entry))
        }
    };
    let kept: Vec<Option<Entry>> = stream::iter(listed).map(still_there).buffered(LOOKUPS).try_collect().await?;
    Ok(kept.into_iter().flatten().collect())
}

/// Two archives with one tag are the same: whoever goes on with a part of one gets the rest of it.
fn tag(entries: &[Entry]) -> Option<HeaderValue> {
    let mut hash = Sha256::new();
    for entry in entries {
        hash.update(format!("{}/{}/{}\n", entry.name, entry.length, entry.crc32));
    }
    HeaderValue::try_from(format!("\"{}\"", data_encoding::HEXLOWER.encode(&hash.finalize()))).ok()
}

/// The bytes of `range`, one file after the other. Neither the archive nor a whole file is ever held.
fn bytes(archive: Archive, blobs: Blobs, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> {
    let archive = Arc::new(archive);
    let walking = archive.clone();
    let parts = stream::iter(
        std::iter::successors(Some((0, 0, None)), move |(number, at, _)| {
            let (part, next) = walking.part(*number, *at, &range).filter(|_| *at < range.end)?;
            Some((number + 1, next, part.map(Arc::new)))
        })
        .filter_map(|(_, _, part)| part),
    );
    parts
        .then(move |part| {
            let (archive, blobs) = (archive.clone(), blobs.clone());
            async move {
                match part.as_ref() {
                    Part::Bytes(bytes) => {
                        let bytes = bytes.clone();
                        Ok(stream::once(async { Ok(bytes) }).boxed())
                    }
                    Part::File(index, within) => content(&archive.entries()[*index], within.clone(), &blobs).await,
                }
            }
        })
        .try_flatten()
}

async fn content(
    entry: &Entry,
    within: Range<u64>,
    blobs: &Blobs,
) -> io::Result<stream::BoxStream<'static, io::Result<Bytes>>> {
    let reading = blobs.stream(&entry.blob, Some(within.clone())).await.map_err(io::Error::other)?;
    if reading.total != entry.length || reading.length != within.end - within.start {
        // What follows would stand in the wrong place.
        return Err(io::Error::other("a file of a zip has another length than before"));
    }
    Ok(reading.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name_and_no_other() {
        for file in
            [BatchFile::Manifest, BatchFile::Report, BatchFile::Zip, BatchFile::Sheet(7), BatchFile::Sheet(1234)]
        {
            assert_eq!(BatchFile::parse(&file.name()), Some(file));
        }
        for name in ["contact-7.jpg", "contact-+07.jpg", "contact-.jpg", "manifest", "results.zip/", "preview"] {
            assert_eq!(BatchFile::parse(name), None, "{name}");
        }
    }
}
