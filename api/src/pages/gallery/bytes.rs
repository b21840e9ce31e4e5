//! The bytes of images for the pages: whoever is signed in needs no signed link, and no page holds one.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method},
    response::{IntoResponse, Response},
};

use super::visitor::{Instead, Visitor};
use crate::{
    Site,
    files::{download, thumbnail as small},
};

/// `GET /gallery/images/{id}/thumbnail`.
pub(super) async fn thumbnail(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Instead> {
    let record = Visitor::of(&site, &headers, "/gallery").await?.image(&site, &id).await?;
    Ok(own(small::of(&site.shared, &record, &headers).await.into_response()))
}

/// `GET /gallery/images/{id}/file`.
pub(super) async fn file(
    State(site): State<Site>,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Instead> {
    let record = Visitor::of(&site, &headers, "/gallery").await?.image(&site, &id).await?;
    Ok(own(download::here(&site.shared, &record, &method, &headers).await.into_response()))
}

/// Only pages of ours may hold them: the cookie goes along whoever asks.
fn own(mut response: Response) -> Response {
    response.headers_mut().insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}
