//! The result of `transform_image`.

use common::{Failure, ImageRecord, Warning, job::Return, jobs::JobRecord, outcome::Transformed, rfc3339};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{CallFacts, Next, Reply};
use crate::{Shared, mcp::resources};

/// A stored picture.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(in crate::mcp) struct Picture {
    /// The id to use in further calls.
    pub(super) image_id: Option<String>,
    /// A link to the image that works for 24 hours; absent over stdio.
    pub(in crate::mcp) url: Option<String>,
    /// The stored file; only over stdio.
    pub(in crate::mcp) path: Option<String>,
    /// Pixels.
    pub(super) width: Option<u32>,
    /// Pixels.
    pub(super) height: Option<u32>,
    /// jpeg, png, webp, avif, gif, tiff, bmp, ico or qoi.
    pub(super) format: Option<&'static str>,
    /// Size of the file.
    pub(super) bytes: Option<u64>,
    /// SHA-256 of the file.
    pub(super) sha256: Option<String>,
    /// A file name for it.
    pub(super) name: Option<String>,
    /// The image_id it was made from.
    pub(super) parent: Option<String>,
    /// When the server removes it, RFC 3339; absent: never by itself.
    pub(super) expires_at: Option<String>,
}

impl Picture {
    /// The facts of a record, with a fresh link, or the path where there are no links.
    pub(in crate::mcp) fn of(shared: &Shared, record: &ImageRecord) -> Self {
        let path = || shared.stores.blobs.path(&record.blob).map(|path| path.display().to_string());
        let facts = &record.facts;
        Self {
            image_id: Some(record.id.to_string()),
            url: shared.links.as_ref().map(|links| links.image(&record.id)),
            path: if shared.links.is_none() { path() } else { None },
            width: Some(facts.width),
            height: Some(facts.height),
            format: Some(facts.format.name()),
            bytes: Some(facts.bytes),
            sha256: Some(facts.sha256.clone()),
            name: Some(record.name.clone()),
            parent: record.parent.as_ref().map(ToString::to_string),
            expires_at: shared.stores.images.expires_at(record).map(rfc3339),
        }
    }
}

/// The picture as it was.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct BeforeFacts {
    /// Pixels, upright.
    width: u32,
    /// Pixels, upright.
    height: u32,
    /// The format of the file.
    format: &'static str,
    /// Size of the file.
    bytes: u64,
}

/// What `transform_image` answers. After 45 seconds it is only `job_id`, `state` and `next`.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(in crate::mcp) struct TransformFacts {
    #[serde(flatten)]
    picture: Picture,
    /// The image as it was.
    before: Option<BeforeFacts>,
    /// What was done, in order.
    applied: Option<Vec<String>>,
    /// What was asked for and had no effect.
    ignored: Option<Vec<String>>,
    /// What to know although the call succeeded.
    warnings: Option<Vec<Warning>>,
    /// The file that was written besides the store.
    saved_to: Option<String>,
    #[serde(flatten)]
    call: CallFacts,
}

/// The answer to a transform that is through.
pub(super) fn transformed(
    shared: &Shared,
    record: &JobRecord,
    done: &Transformed,
    joined: bool,
    show: Return,
) -> Result<Reply, Failure> {
    let (image, before) = (&done.image, &done.before);
    let facts = TransformFacts {
        picture: Picture::of(shared, image),
        before: Some(BeforeFacts {
            width: before.width,
            height: before.height,
            format: before.format.name(),
            bytes: before.bytes,
        }),
        applied: Some(done.applied.clone()),
        ignored: Some(done.ignored.clone()),
        warnings: Some(done.warnings.clone()),
        saved_to: done.saved_to.clone(),
        call: CallFacts {
            job_id: Some(record.id.to_string()),
            state: Some("finished"),
            joined: joined.then_some(true),
            next: Some(vec![Next::new("image_metadata", json!({"image": image.id}))]),
            error: None,
        },
    };
    let headline = format!(
        "{} × {} {}, {} bytes; before: {} × {} {}, {} bytes.",
        image.facts.width,
        image.facts.height,
        image.facts.format.name(),
        image.facts.bytes,
        before.width,
        before.height,
        before.format.name(),
        before.bytes,
    );
    let mut reply = Reply::of(&headline, &facts)?;
    reply.link = (show != Return::None).then(|| resources::resource(image));
    Ok(reply)
}
