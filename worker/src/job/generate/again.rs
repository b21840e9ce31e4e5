//! A job that had asked its model before it came here: what came then, or that nobody knows.

use std::sync::Arc;

use common::{
    Failure, ImageId, Warning,
    generation::{Bill, Generated, Generation},
    job::Job,
    outcome::Outcome,
};

use crate::job::{Context, account::sent_before, preview_kind, store};

/// What was stored before the worker was lost.
///
/// # Errors
/// `outcome_unknown` where nothing was.
pub(super) async fn stored(context: &Arc<Context>, job: &Job, asked: &Generation) -> Result<Outcome, Failure> {
    let mut images = Vec::new();
    for index in 0..u32::from(asked.wishes.count()) {
        let id = ImageId::made_by(&job.id, index);
        images.extend(context.stores.images.get(&job.owner, &id).await?);
    }
    let Some(by_model) = images.first().and_then(|image| image.by_model.clone()) else { return Err(sent_before()) };
    let mut bytes = Vec::new();
    for image in &images {
        bytes.push(context.stores.blobs.get(&image.blob).await?);
    }
    let kind = preview_kind(asked.show);
    let preview = context.on_engine(Some(&job.id), move |engine, stop| {
        let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        engine.sheet(&bytes, kind, stop)
    });
    let preview = store::preview(context, job, preview.await.unwrap_or_default()).await?;
    let descriptions = images.iter().filter_map(|image| image.by_model.as_ref()?.description.clone()).collect();
    let warning = "The worker stopped after the images had come. What is here was stored by then.";
    let mut ignored = Vec::new();
    if images.len() < usize::from(asked.wishes.count()) {
        ignored.push(format!("n: {} of {} were stored", images.len(), asked.wishes.count()));
    }
    if asked.save_to.is_some() {
        ignored.push("save_to: the worker stopped before the file was written".into());
    }
    Ok(Outcome::Generated(Box::new(Generated {
        images,
        descriptions,
        prompt: None,
        applied: Vec::new(),
        ignored,
        warnings: vec![Warning::new("resumed", warning)],
        bill: Bill { model: by_model.model, cost: by_model.cost, ..Bill::default() },
        preview,
        saved_to: Vec::new(),
    })))
}
