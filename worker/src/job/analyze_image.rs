//! What can be told of a picture: measured and read here.

use std::sync::Arc;

use common::{
    Failure,
    analysis::Focus,
    job::{Analyze, Job},
    outcome::{Analyzed, Outcome},
};

use super::{Context, input};
use crate::{
    engine::{Engine, Size, Stop, analyze},
    ocr::Ocr,
};

/// Why a part is not told.
const NEEDS_MODEL: &str = "needs a vision model, and none is set up (OPENAI_API_KEY)";

pub(crate) async fn run(context: &Arc<Context>, job: &Job, asked: &Analyze) -> Result<Outcome, Failure> {
    let input = input::fetch(context, job, &asked.source).await?;
    let (bytes, ocr) = (input.bytes.clone(), context.ocr.clone());
    let focus = if asked.focus.is_empty() { Focus::LOCAL.to_vec() } else { asked.focus.clone() };
    let looked = context.on_engine(Some(&job.id), move |engine, stop| look(engine, &ocr, &bytes, &focus, stop));
    let analyzed = Analyzed { image: input.record, ignored: ignored(asked), ..looked.await? };
    Ok(Outcome::Analyzed(Box::new(analyzed)))
}

/// What was asked for that nothing here can tell.
fn ignored(asked: &Analyze) -> Vec<String> {
    let foreign = asked.focus.iter().filter(|focus| !Focus::LOCAL.contains(focus));
    let mut ignored: Vec<String> = foreign.map(|focus| format!("focus {}: {NEEDS_MODEL}", focus.name())).collect();
    if asked.prompt.is_some() {
        ignored.push(format!("prompt: {NEEDS_MODEL}"));
    }
    if asked.detail.is_some() {
        ignored.push(format!("detail: {NEEDS_MODEL}"));
    }
    ignored
}

fn look(engine: &Engine, ocr: &Ocr, input: &[u8], focus: &[Focus], stop: &Stop) -> Result<Analyzed, Failure> {
    let reads = focus.contains(&Focus::Text);
    let _turn = reads.then(|| ocr.turn(stop)).transpose()?;
    let beside = |sizes: &[Size]| {
        let pixels: u64 = sizes.iter().map(|size| size.pixels()).sum();
        pixels.saturating_mul(analyze::BYTES_A_PIXEL).saturating_add(if reads { Ocr::memory() } else { 0 })
    };
    engine.look(&[("image", input)], beside, stop, |seen| {
        let Some(seen) = seen.into_iter().next() else { return Err(Failure::internal(&"a picture got lost")) };
        let measured = analyze::measure(&seen.image, focus, stop)?;
        let mut warnings = seen.warnings;
        let reading = if reads {
            let read = ocr.read_pixels(seen.image, false, stop)?;
            warnings.extend(read.warnings);
            Some(read.reading)
        } else {
            None
        };
        Ok(Analyzed { image: None, facts: seen.facts, measured, reading, ignored: Vec::new(), warnings })
    })
}
