//! `/gallery`: what somebody has stored, to be looked at, searched, compared, downloaded and deleted.

mod batch;
mod bytes;
mod delete;
mod events;
mod image;
mod list;
mod tile;
mod visitor;

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{Site, files::dead_link};

/// The script of these pages: they work without it.
async fn script() -> Response {
    let fields = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (fields, include_str!("../../../templates/gallery.js")).into_response()
}

/// Every address of the gallery.
pub(crate) fn routes() -> Router<Site> {
    let files = Router::new()
        .route("/gallery/images/{id}/thumbnail", get(bytes::thumbnail))
        .route("/gallery/images/{id}/file", get(bytes::file))
        .layer(from_fn(dead_link));
    Router::new()
        .route("/gallery", get(list::show))
        .route("/gallery/images/{id}", get(image::show))
        .route("/gallery/images/{id}/delete", get(delete::ask).post(delete::submit))
        .route("/gallery/batches/{id}", get(batch::show))
        .route("/gallery/batches/{id}/events", get(events::follow))
        .route("/gallery.js", get(script))
        .merge(files)
}

/// The page of an image or a batch, if `id` is one; else the gallery. Where signing in leads back to.
fn return_to(kind: &str, id: &str) -> String {
    let plain = id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { format!("/gallery/{kind}/{id}") } else { "/gallery".to_owned() }
}
