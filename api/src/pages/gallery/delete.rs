//! `/gallery/images/{id}/delete`: asks first, then deletes.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use common::{ImageRecord, Listing};

use super::visitor::{Instead, Visitor};
use crate::{
    Site,
    pages::{Form, see_other, shown_name},
};

#[derive(Template)]
#[template(path = "gallery_delete.html")]
struct DeletePage {
    nonce: String,
    code: String,
    id: String,
    name: String,
    /// Whether others were made from it.
    has_children: bool,
}

/// `GET /gallery/images/{id}/delete`.
pub(super) async fn ask(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Instead> {
    let visitor = Visitor::of(&site, &headers, &super::return_to("images", &id)).await?;
    let ImageRecord { id, name, .. } = visitor.image(&site, &id).await?;
    let children = Listing { parent: Some(id.clone()), limit: 1, ..Listing::default() };
    let children = site.shared.stores.images.list(&visitor.user, &children).await?;
    Ok(visitor.browser.page(&site.authority, StatusCode::OK, |nonce, code| DeletePage {
        nonce,
        code,
        id: id.to_string(),
        name: shown_name(&name),
        has_children: !children.is_empty(),
    })?)
}

/// `POST /gallery/images/{id}/delete`.
pub(super) async fn submit(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Instead> {
    let visitor = Visitor::of(&site, &headers, &super::return_to("images", &id)).await?;
    visitor.browser.check(&site.authority, &headers, &form)?;
    let record = visitor.image(&site, &id).await?;
    site.shared.stores.delete_image(&visitor.user, &record.id).await?;
    Ok(see_other("/gallery?done=deleted"))
}
