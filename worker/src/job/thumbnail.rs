//! The small picture that shows a stored one. Made once and kept as long as that one.

use std::sync::Arc;

use common::{
    Failure, FailureKind, ImageId, ImageRecord,
    job::Job,
    outcome::{Outcome, PreviewRef},
};

use super::{Context, input};
use crate::engine::PreviewKind;

pub(crate) async fn run(context: &Arc<Context>, job: &Job, image: &ImageId) -> Result<Outcome, Failure> {
    let bytes = input::of_image(context, job, image).await?;
    let made =
        context.on_engine(Some(&job.id), move |engine, stop| engine.inspect(&bytes, &[], PreviewKind::Thumbnail, stop));
    let Some(small) = made.await?.preview else {
        return Err(Failure::new(FailureKind::ImageUnreadable, "The picture cannot be shown."));
    };
    let blob = ImageRecord::thumbnail(image);
    context.stores.blobs.put(&blob, small.bytes).await?;
    Ok(Outcome::Thumbnail(PreviewRef { blob, media_type: small.media_type.into() }))
}
