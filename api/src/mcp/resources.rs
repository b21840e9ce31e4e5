//! Stored images as MCP resources, `image://{id}`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{Failure, ImageId, ImageRecord, Listing};
use rmcp::{
    ErrorData,
    model::{CacheScope, ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate},
};
use serde_json::json;

use super::{
    reply::{MAX_RESULT, Picture},
    server::FRESH_MS,
};
use crate::{Caller, Shared};

const SCHEME: &str = "image://";

/// How many of the newest images are listed; list_images pages through all of them.
const LISTED: u32 = 20;

/// The image that a resource URI names.
pub(super) fn id_of(uri: &str) -> Option<ImageId> {
    uri.strip_prefix(SCHEME).and_then(ImageId::parse)
}

/// An image as a resource.
pub(super) fn resource(record: &ImageRecord) -> Resource {
    let facts = &record.facts;
    Resource::new(format!("{SCHEME}{}", record.id), record.name.clone())
        .with_description(format!("{} × {} {}", facts.width, facts.height, facts.format.name()))
        .with_mime_type(facts.format.media_type())
        .with_size(facts.bytes)
}

/// The one template.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{SCHEME}{{id}}"), "image")
            .with_title("Stored image")
            .with_description("The bytes of an image by its image_id; large ones come as a link."),
    ]
}

/// The newest images of the caller.
pub(super) async fn list(shared: &Shared, caller: &Caller) -> Result<ListResourcesResult, ErrorData> {
    let listing = Listing { limit: LISTED, ..Listing::default() };
    let records = shared.stores.images.list(&caller.user, &listing).await.map_err(|error| protocol(&error.into()))?;
    Ok(ListResourcesResult::with_all_items(records.iter().map(resource).collect()))
}

/// One image of the caller.
pub(super) async fn read(shared: &Shared, caller: &Caller, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let missing = || ErrorData::resource_not_found("There is no such image.", Some(json!({"uri": uri})));
    let id = id_of(uri).ok_or_else(missing)?;
    let images = &shared.stores.images;
    let record = images.get(&caller.user, &id).await.map_err(|error| protocol(&error.into()))?.ok_or_else(missing)?;
    let room = u64::try_from(MAX_RESULT / 4 * 3).unwrap_or(u64::MAX);
    if record.facts.bytes > room {
        let picture = Picture::of(shared, &record);
        let place = picture.url.or(picture.path).unwrap_or_default();
        let text = format!("The image has {} bytes, too many for a message. It is at {place}", record.facts.bytes);
        // Its link expires.
        return Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri)]));
    }
    let bytes = shared.stores.blobs.get_at_most(&record.blob, room).await.map_err(|error| protocol(&error.into()))?;
    let blob = ResourceContents::blob(STANDARD.encode(bytes), uri).with_mime_type(record.facts.format.media_type());
    // A stored image never changes.
    Ok(ReadResourceResult::new(vec![blob]).with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Private))
}

fn protocol(failure: &Failure) -> ErrorData {
    ErrorData::internal_error(failure.to_string(), None)
}
