//! What a file says about a picture.

use std::sync::Arc;

use common::{
    Failure, Section,
    job::{Inspect, Job},
    outcome::{Inspected, Outcome},
};

use super::{
    Context,
    input::{self, Start},
    store,
};
use crate::engine::{Engine, Inspection, PreviewKind, Stop};

pub(crate) async fn run(context: &Arc<Context>, job: &Job, inspect: &Inspect) -> Result<Outcome, Failure> {
    if !inspect.thumbnail && !inspect.sections.contains(&Section::Hashes) {
        for most in Engine::STARTS {
            let Some(start) = input::fetch_start(context, job, &inspect.source, most).await? else { break };
            if Engine::is_enough(&start.bytes) {
                return by_start(context, job, inspect, start).await;
            }
        }
    }
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

async fn by_start(context: &Arc<Context>, job: &Job, inspect: &Inspect, start: Start) -> Result<Outcome, Failure> {
    let Start { bytes, length, record } = start;
    let sections = inspect.sections.clone();
    let work = move |engine: &Engine, stop: &Stop| engine.inspect_start(&bytes, length, &sections, stop);
    let Inspection { mut facts, report, warnings, .. } = context.on_engine(Some(&job.id), work).await?;
    if let Some(record) = &record {
        facts.sha256.clone_from(&record.facts.sha256);
    }
    Ok(Outcome::Inspected(Box::new(Inspected { image: record, facts, report, warnings, preview: None })))
}
