//! Downloads: whoever holds a signed link gets the bytes as they are stored.

use std::{fmt::Write as _, io::ErrorKind, sync::Arc};

use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{ImageId, ImageRecord, JobId, StoreError, outcome::Outcome};
use tokio_util::io::ReaderStream;

use super::{LinkQuery, Refusal};
use crate::{Shared, error::Problem};

/// `GET /images/{id}`.
pub(crate) async fn image(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(query): Query<LinkQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check(&shared, &format!("/images/{id}"), &query)?;
    let id = ImageId::parse(&id).ok_or_else(gone)?;
    let record = shared.stores.images.any(&id).await?.ok_or_else(gone)?;
    let tag = format!("\"{}\"", record.facts.sha256);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let mut response = stream(&shared, &record.blob, record.facts.format.media_type(), &name(&record)).await?;
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// `GET /jobs/{id}/manifest.jsonl`.
pub(crate) async fn manifest(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(query): Query<LinkQuery>,
) -> Result<Response, Problem> {
    check(&shared, &format!("/jobs/{id}/manifest.jsonl"), &query)?;
    let id = JobId::parse(&id).ok_or_else(gone)?;
    let record = shared.stores.jobs.any(&id).await?.ok_or_else(gone)?;
    let Some(Outcome::Batch(done)) = record.outcome else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "This job has no manifest (yet).")
            .next("Ask get_job for its state; a finished batch has one."));
    };
    stream(&shared, &done.manifest, "application/jsonl; charset=utf-8", &format!("{id}.jsonl")).await
}

fn check(shared: &Shared, path: &str, query: &LinkQuery) -> Result<(), Problem> {
    let refusal = match &shared.links {
        Some(links) => links.check(path, query).err(),
        None => Some(Refusal::Forged),
    };
    match refusal {
        None => Ok(()),
        Some(Refusal::Forged) => {
            Err(Problem::new(StatusCode::FORBIDDEN, "link_invalid", "The signature of this link is missing or wrong.")
                .next("Copy the whole link, signature included, or ask for a new one with list_images."))
        }
        Some(Refusal::Expired) => Err(Problem::new(StatusCode::GONE, "link_expired", "This link has expired.")
            .next("Ask for a new one: list_images lists every image with a fresh link.")),
    }
}

fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "What this link leads to is no longer here.")
        .next("list_images lists what there is.")
}

async fn stream(shared: &Shared, blob: &str, media_type: &'static str, name: &str) -> Result<Response, Problem> {
    let file = match shared.stores.blobs.open_file(blob).await {
        Ok(file) => file,
        Err(StoreError::File(error)) if error.kind() == ErrorKind::NotFound => return Err(gone()),
        Err(error) => return Err(error.into()),
    };
    let length = file.metadata().await.map_err(StoreError::from)?.len();
    let mut response = Body::from_stream(ReaderStream::new(file)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if let Ok(disposition) = HeaderValue::try_from(disposition(name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

fn name(record: &ImageRecord) -> String {
    if record.name.is_empty() {
        format!("{}.{}", record.id, record.facts.format.extension())
    } else {
        record.name.clone()
    }
}

/// The name as RFC 6266 wants it: plain for every client, and as UTF-8 for those that know how.
fn disposition(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let mut value = format!("inline; filename=\"{ascii}\"");
    if ascii != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
                value.push(char::from(byte));
            } else {
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        assert_eq!(disposition("cat.png"), "inline; filename=\"cat.png\"");
        assert_eq!(disposition("ü\"\r\n.png"), "inline; filename=\"____.png\"; filename*=UTF-8''%C3%BC%22%0D%0A.png");
    }
}
