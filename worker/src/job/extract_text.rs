//! The text in a picture.

use std::sync::Arc;

use common::{
    Failure,
    job::{ExtractText, Job},
    outcome::{Outcome, TextExtracted},
    reading::Layout,
};

use super::{Context, input};
use crate::ocr;

pub(crate) async fn run(context: &Arc<Context>, job: &Job, extract: &ExtractText) -> Result<Outcome, Failure> {
    let input = input::fetch(context, job, &extract.source).await?;
    let (bytes, ocr, words) = (input.bytes.clone(), context.ocr.clone(), extract.layout == Layout::Words);
    let (facts, read) =
        context.on_engine(Some(&job.id), move |engine, stop| ocr.read(engine, &bytes, words, stop)).await?;
    let mut warnings = read.warnings;
    warnings.extend(ocr::languages::warning(&extract.languages));
    Ok(Outcome::TextExtracted(Box::new(TextExtracted { image: input.record, facts, reading: read.reading, warnings })))
}
