//! Downloads: whoever holds a signed link gets the bytes as they are stored.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{Format, ImageId, ImageRecord, JobId, StoreError, job::Work, jobs::Progress};

use super::{LinkQuery, Refusal, conditional, range::Asked};
use crate::{Shared, error::Problem};

/// How long a URL of the object store works; it is asked for at once.
const PRESIGNED: Duration = Duration::from_secs(300);

/// What is sent.
pub(super) struct File<'a> {
    pub(super) blob: &'a str,
    pub(super) media_type: &'static str,
    pub(super) name: String,
    /// What is known of its bytes beforehand: without it there are no parts of them to ask for.
    pub(super) known: Option<Known>,
}

pub(super) struct Known {
    tag: HeaderValue,
    length: u64,
}

/// `GET /images/{id}`.
pub(crate) async fn image(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(query): Query<LinkQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check(&shared, &format!("/images/{id}"), &query)?;
    let id = ImageId::parse(&id).ok_or_else(gone)?;
    let record = shared.stores.images.any(&id).await?.ok_or_else(gone)?;
    let tag = tag(&record);
    match conditional::not_modified(&headers, &tag) {
        Some(known) => Ok(known),
        None => send(&shared, &method, &headers, file(&record, tag)).await,
    }
}

/// The bytes of an image for a page that may show nothing of other servers, by somebody who may see it.
pub(crate) async fn here(
    shared: &Shared,
    record: &ImageRecord,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let tag = tag(record);
    match conditional::not_modified(headers, &tag) {
        Some(known) => Ok(known),
        None => bytes(shared, method, headers, file(record, tag)).await,
    }
}

fn tag(record: &ImageRecord) -> String {
    format!("\"{}\"", record.facts.sha256)
}

fn file(record: &ImageRecord, tag: String) -> File<'_> {
    let known = HeaderValue::try_from(tag).ok().map(|tag| Known { tag, length: record.facts.bytes });
    File { blob: &record.blob, media_type: record.facts.format.media_type(), name: name(record), known }
}

/// `GET /images/{id}/thumbnail`.
pub(crate) async fn thumbnail(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(query): Query<LinkQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check(&shared, &format!("/images/{id}/thumbnail"), &query)?;
    let id = ImageId::parse(&id).ok_or_else(gone)?;
    let record = shared.stores.images.any(&id).await?.ok_or_else(gone)?;
    super::thumbnail::of(&shared, &record, &headers).await
}

/// `GET /jobs/{id}/unfinished/{number}`: an image on the way, as long as its job runs.
pub(crate) async fn unfinished(
    State(shared): State<Arc<Shared>>,
    Path((id, number)): Path<(String, u64)>,
    Query(query): Query<LinkQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check(&shared, &format!("/jobs/{id}/unfinished/{number}"), &query)?;
    let id = JobId::parse(&id).ok_or_else(gone)?;
    let record = shared.stores.jobs.any(&id).await?.ok_or_else(gone)?;
    let Work::Generate(generation) = &record.work else { return Err(gone()) };
    let format = generation.wishes.output_format.as_deref().and_then(Format::from_extension).unwrap_or(Format::Png);
    let name = format!("{id}-unfinished-{number}.{}", format.extension());
    let blob = Progress::blob(&id, number);
    send(&shared, &method, &headers, File { blob: &blob, media_type: format.media_type(), name, known: None }).await
}

pub(super) fn check(shared: &Shared, path: &str, query: &LinkQuery) -> Result<(), Problem> {
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

pub(super) fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "What this link leads to is no longer here.")
        .next("list_images lists what there is.")
}

/// Leads on to the object store where that is wanted, else sends the bytes.
pub(super) async fn send(
    shared: &Shared,
    method: &Method,
    headers: &HeaderMap,
    file: File<'_>,
) -> Result<Response, Problem> {
    let blobs = &shared.stores.blobs;
    let disposition = disposition(&file.name);
    // A URL is signed for one method.
    if method == Method::GET
        && let Some(url) = blobs.presigned(file.blob, PRESIGNED, file.media_type, &disposition).await?
    {
        let no_store = [(header::LOCATION, url.as_str()), (header::CACHE_CONTROL, "private, no-store")];
        return Ok((StatusCode::TEMPORARY_REDIRECT, no_store).into_response());
    }
    bytes(shared, method, headers, file).await
}

async fn bytes(shared: &Shared, method: &Method, headers: &HeaderMap, file: File<'_>) -> Result<Response, Problem> {
    let (blobs, disposition) = (&shared.stores.blobs, disposition(&file.name));
    let asked = match &file.known {
        Some(known) if method == Method::GET => Asked::of(headers, &known.tag, known.length),
        _ => Asked::Whole,
    };
    let range = match &asked {
        Asked::Whole => None,
        Asked::Part(range) => Some(range.clone()),
        Asked::Nothing { length } => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
    };
    let reading = match blobs.stream(file.blob, range).await {
        Ok(reading) => reading,
        Err(StoreError::Missing) => return Err(gone()),
        Err(error) => return Err(error.into()),
    };
    let mut response = Body::from_stream(reading.bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(reading.length));
    headers.insert(header::CACHE_CONTROL, conditional::KEPT);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    if let Some(known) = file.known {
        headers.insert(header::ETAG, known.tag);
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    if let Asked::Part(range) = asked {
        let last = (range.start + reading.length).saturating_sub(1);
        let range = format!("bytes {}-{last}/{}", range.start, reading.total);
        if let Ok(range) = HeaderValue::try_from(range) {
            headers.insert(header::CONTENT_RANGE, range);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

pub(super) fn name(record: &ImageRecord) -> String {
    if record.name.is_empty() {
        format!("{}.{}", record.id, record.facts.format.extension())
    } else {
        record.name.clone()
    }
}

/// The name as RFC 6266 wants it: plain for every client, and as UTF-8 for those that know how.
pub(super) fn disposition(name: &str) -> String {
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
