//! `GET /gallery`: the newest first, or what a search finds.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use common::{ImageId, Listing};
use url::form_urlencoded;

use super::{
    tile::{Tile, size},
    visitor::{Instead, Visitor},
};
use crate::{Site, pages::Form};

/// Pictures on a page: rows of two, three, four and six are full.
const PAGE: usize = 24;

/// The longest query, in characters.
const LONGEST_QUERY: usize = 200;

#[derive(Template)]
#[template(path = "gallery.html")]
struct GalleryPage {
    nonce: String,
    code: String,
    /// Whether there is somebody who could sign out.
    signed_in: bool,
    query: String,
    tiles: Vec<Tile>,
    /// Where the next page is.
    older: Option<String>,
    /// Whether this is not the first.
    paged: bool,
    /// What is stored in all, and of how much.
    stored: String,
    deleted: bool,
}

/// `GET /gallery`.
pub(super) async fn show(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Instead> {
    let visitor = Visitor::of(&site, &headers, "/gallery").await?;
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let query: String = form.get("query").unwrap_or_default().chars().take(LONGEST_QUERY).collect();
    let before = form.get("before").and_then(ImageId::parse);
    let listing = Listing {
        words: Listing::words(&query),
        before: before.clone(),
        limit: u32::try_from(PAGE).unwrap_or(u32::MAX) + 1,
        ..Listing::default()
    };
    let stores = &site.shared.stores;
    let mut found = stores.images.search(&visitor.user, &listing).await?;
    let more = found.records.len() > PAGE;
    found.records.truncate(PAGE);
    let last = found.records.last().filter(|_| more).map(|record| record.id.clone()).or(found.looked_until);
    let older = last.map(|last| address(&query, &last));
    let (used, keeping) = (stores.images.used_by(&visitor.user).await?, stores.images.keeping());
    let of = keeping.quota.map(|quota| format!(" of {}", size(quota))).unwrap_or_default();
    let kept = keeping.for_ms.map(|kept| format!("; each is kept for {} days", kept / (24 * 3600 * 1000)));
    let images = if used.pictures == 1 { "image" } else { "images" };
    let stored = format!("{} {images}, {}{of}{}", used.pictures, size(used.bytes), kept.unwrap_or_default());
    let now = stores.clock.now_ms();
    Ok(visitor.browser.scripted(&site.authority, StatusCode::OK, |nonce, code| GalleryPage {
        nonce,
        code,
        signed_in: visitor.browser.session.is_some(),
        query,
        tiles: found.records.iter().map(|record| Tile::of(record, now)).collect(),
        older,
        paged: before.is_some(),
        stored,
        deleted: form.get("done") == Some("deleted"),
    })?)
}

fn address(query: &str, before: &ImageId) -> String {
    let mut fields = form_urlencoded::Serializer::new(String::new());
    if !query.is_empty() {
        fields.append_pair("query", query);
    }
    format!("/gallery?{}", fields.append_pair("before", before.as_str()).finish())
}
