//! What a file says about a picture.

use std::sync::Arc;

use common::{
    Failure,
    job::{Inspect, Job},
    outcome::{Inspected, Outcome},
};

use super::{Context, input, store};
use crate::engine::PreviewKind;

pub(crate) async fn run(context: &Arc<Context>, job: &Job, inspect: &Inspect) -> Result<Outcome, Failure> {
    let input = input::fetch(context, job, &inspect.source).await?;
    let (bytes, sections) = (input.bytes.clone(), inspect.sections.clone());
    let show = if inspect.thumbnail { PreviewKind::Preview } else { PreviewKind::None };
    let found =
        context.on_engine(Some(&job.id), move |engine, stop| engine.inspect(&bytes, &sections, show, stop)).await?;
    let preview = store::preview(context, job, found.preview).await?;
    Ok(Outcome::Inspected(Box::new(Inspected {
        image: input.record,
        facts: found.facts,
        report: found.report,
        warnings: found.warnings,
        preview,
    })))
}
