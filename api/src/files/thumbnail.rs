//! Small pictures that show stored ones: made by a worker when somebody first asks, and kept.

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{Failure, FailureKind, ImageRecord, StoreError, job::Work};

use super::{conditional, download};
use crate::{Shared, error::Problem};

/// How long a browser waits for one to be made.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// No small picture has more bytes.
const MOST_BYTES: u64 = 100_000;

/// The small picture of `record`, for somebody who may see that.
pub(crate) async fn of(shared: &Shared, record: &ImageRecord, headers: &HeaderMap) -> Result<Response, Problem> {
    let tag = format!("\"{}-512\"", record.facts.sha256);
    if let Some(known) = conditional::not_modified(headers, &tag) {
        return Ok(known);
    }
    let bytes = match read(shared, record).await {
        Err(StoreError::Missing) => {
            make(shared, record).await?;
            read(shared, record).await.map_err(|error| match error {
                StoreError::Missing => download::gone(),
                other => other.into(),
            })?
        }
        read => read?,
    };
    let (media_type, ending) = kind(&bytes);
    let stem = record.name.rsplit_once('.').map_or(record.name.as_str(), |(stem, _)| stem);
    let disposition = download::disposition(&format!("{stem}-small.{ending}"));
    let mut response = (StatusCode::OK, bytes).into_response();
    let text = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("inline"));
    let fields: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::ETAG, text(tag)),
        (header::CACHE_CONTROL, conditional::KEPT),
        (header::CONTENT_DISPOSITION, text(disposition)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    for (name, value) in fields {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

async fn read(shared: &Shared, record: &ImageRecord) -> Result<Vec<u8>, StoreError> {
    shared.stores.blobs.get_at_most(&ImageRecord::thumbnail(&record.id), MOST_BYTES).await
}

/// Has a worker make it. Whoever asks at the same time waits for the same job.
async fn make(shared: &Shared, record: &ImageRecord) -> Result<(), Problem> {
    let jobs = &shared.stores.jobs;
    let submitted = jobs.submit(&record.owner, Work::Thumbnail { image: record.id.clone() }).await?;
    let job = jobs.wait(&submitted.id, LONGEST_WAIT).await?;
    if !job.state.is_final() {
        let late = Failure::new(FailureKind::Unavailable, "The small picture is not made yet.").retry_after(5);
        return Err(late.next("Load it again in a few seconds.").into());
    }
    job.failure.map_or(Ok(()), |failure| Err(failure.into()))
}

/// What the worker made of it, by its first bytes.
fn kind(bytes: &[u8]) -> (&'static str, &'static str) {
    match bytes {
        [0x89, b'P', ..] => ("image/png", "png"),
        [b'R', b'I', ..] => ("image/webp", "webp"),
        _ => ("image/jpeg", "jpg"),
    }
}
