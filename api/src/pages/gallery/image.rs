//! `GET /gallery/images/{id}`: one image, beside what it was made from.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use common::{Ancestor, ImageRecord, rfc3339};

use super::{
    tile::{Tile, facts, shown},
    visitor::{Instead, Visitor},
};
use crate::{
    Site,
    pages::{moment, shown_name},
};

#[derive(Template)]
#[template(path = "gallery_image.html")]
struct ImagePage {
    nonce: String,
    id: String,
    name: String,
    shown: String,
    /// Where the image is that it was made from.
    before: Option<String>,
    facts: Vec<(&'static str, String)>,
    prompt: Option<String>,
    description: Option<String>,
    /// Its batch, if it is of one.
    batch: Option<String>,
    /// The nearest first.
    ancestors: Vec<Step>,
    children: Vec<Tile>,
    more: bool,
}

/// An image that it was made from.
struct Step {
    tile: Option<Tile>,
    id: String,
    how: String,
}

/// `GET /gallery/images/{id}`.
pub(super) async fn show(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Instead> {
    let visitor = Visitor::of(&site, &headers, &super::return_to("images", &id)).await?;
    let record = visitor.image(&site, &id).await?;
    let stores = &site.shared.stores;
    let lineage = stores.images.lineage(&visitor.user, &record).await?;
    let now = stores.clock.now_ms();
    let before = match lineage.ancestors.first() {
        Some(Ancestor::Kept(parent)) => Some(shown(parent)),
        _ => None,
    };
    let ancestors = lineage.ancestors.iter().map(|ancestor| match ancestor {
        Ancestor::Kept(record) => {
            Step { tile: Some(Tile::of(record, now)), id: record.id.to_string(), how: how(record) }
        }
        Ancestor::Gone(id) => Step { tile: None, id: id.to_string(), how: String::new() },
    });
    let expires = stores.images.expires_at(&record);
    let made = record.by_model.as_ref();
    Ok(visitor.browser.scripted(&site.authority, StatusCode::OK, |nonce, _| ImagePage {
        nonce,
        id: record.id.to_string(),
        name: shown_name(&record.name),
        shown: shown(&record),
        before,
        facts: rows(&record, expires, now),
        prompt: made.map(|made| made.prompt.clone()),
        description: made.and_then(|made| made.description.clone()),
        batch: (record.tool == "batch_process").then(|| record.job.to_string()),
        ancestors: ancestors.collect(),
        children: lineage.children.iter().map(|record| Tile::of(record, now)).collect(),
        more: lineage.more,
    })?)
}

/// What was done to make it.
fn how(record: &ImageRecord) -> String {
    let made = record.by_model.as_ref();
    let recipe = record.recipe.as_ref().map(common::Recipe::in_words);
    recipe.or_else(|| made.map(|made| made.prompt.clone())).unwrap_or_else(|| record.tool.replace('_', " "))
}

fn rows(record: &ImageRecord, expires: Option<i64>, now: i64) -> Vec<(&'static str, String)> {
    let made = record.by_model.as_ref();
    let rows = [
        ("Image", Some(facts(record))),
        ("Id", Some(record.id.to_string())),
        ("Made by", Some(record.tool.clone())),
        ("Steps", record.recipe.as_ref().map(common::Recipe::in_words)),
        ("Model", made.map(|made| made.model.clone())),
        ("Cost", made.and_then(|made| made.cost).map(|cost| cost.to_string())),
        ("From", record.source.as_deref().map(shown_name)),
        ("When", Some(format!("{} ({})", moment::ago(record.created_at, now), rfc3339(record.created_at)))),
        ("Kept until", expires.map(rfc3339)),
        ("SHA-256", Some(record.facts.sha256.clone())),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
