//! One picture through one recipe.

use std::sync::Arc;

use common::{
    Failure,
    job::{Job, Transform},
    outcome::{Before, Outcome, Transformed},
    queue::Hold,
};

use super::{Context, input, preview_kind, store};
use crate::engine::Options;

pub(crate) async fn run(
    context: &Arc<Context>,
    job: &Job,
    transform: &Transform,
    hold: &Hold,
) -> Result<Outcome, Failure> {
    context.stores.images.has_room(&job.owner).await?;
    let input = input::fetch(context, job, &transform.source).await?;
    let others = input::others(context, job, &transform.recipe, &transform.others).await?;
    let options = Options { strict: transform.strict, preview: preview_kind(transform.show) };
    let (bytes, recipe) = (input.bytes.clone(), transform.recipe.clone());
    let transformed = context
        .on_engine(Some(&job.id), move |engine, stop| engine.transform_with(&bytes, &others, &recipe, &options, stop));
    let mut made = transformed.await?;
    let about = store::Made {
        tool: "transform_image",
        index: 0,
        name: format!("{}.{}", input.stem, made.facts.format.extension()),
        recipe: Some(&transform.recipe),
        by_model: None,
    };
    let image = store::result(context, job, Some(&input), about, made.bytes.clone(), &made.facts).await?;
    let preview = store::preview(context, job, made.preview.take()).await?;
    let saved_to = match &transform.save_to {
        Some(save_to) => Some(store::save(context, job, Some(&input), save_to, made.bytes, hold).await?),
        None => None,
    };
    let before = Before {
        width: made.before.width,
        height: made.before.height,
        format: made.before.format,
        bytes: made.before.bytes,
    };
    Ok(Outcome::Transformed(Box::new(Transformed {
        image,
        before,
        applied: made.applied,
        ignored: made.ignored,
        warnings: made.warnings,
        preview,
        saved_to,
    })))
}
