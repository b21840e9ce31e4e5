//! What can be told of a picture: measured and read here, seen by a model where there is one.

use std::sync::Arc;

use bytes::Bytes;
use common::{
    Failure, Warning,
    analysis::{Focus, Object, Vision},
    job::{Analyze, Job},
    outcome::{Analyzed, Outcome},
};
use serde_json::json;

use super::{Context, account::Account, generate::IS_DATA, input};
use crate::{
    engine::{Engine, Size, Stop, analyze},
    ocr::Ocr,
    provider::Look,
};

/// Why a part is not told.
const NO_KEY: &str = "needs a vision model, and this server has no key for one (OPENAI_API_KEY)";
const NO_RIGHT: &str = "needs a vision model, and this connection may not ask one (scope image_processing)";

/// The longest answer of a model, in tokens.
const TOKENS: u32 = 2000;

pub(crate) async fn run(context: &Arc<Context>, job: &Job, asked: &Analyze) -> Result<Outcome, Failure> {
    let input = input::fetch(context, job, &asked.source).await?;
    let (bytes, ocr) = (input.bytes.clone(), context.ocr.clone());
    let focus = if asked.focus.is_empty() { Focus::LOCAL.to_vec() } else { asked.focus.clone() };
    let measured =
        context.on_engine(Some(&job.id), move |engine, stop| measure(engine, &ocr, &bytes, &focus, stop)).await?;
    let mut analyzed = Analyzed { image: input.record, ..measured };
    let payment = match &asked.payment {
        Some(payment) if context.provider.can_look() => payment,
        payment => {
            analyzed.ignored = ignored(asked, if payment.is_some() { NO_KEY } else { NO_RIGHT });
            return Ok(Outcome::Analyzed(Box::new(analyzed)));
        }
    };
    if asked.wants_model() {
        let account = Account { context, job, tool: "analyze_image", payment };
        match see(&account, asked, Bytes::from_owner(input.bytes)).await {
            Ok(vision) => analyzed.vision = Some(vision),
            // Nobody asked for a model: what was measured is an answer.
            Err(failure) if asked.prompt.is_none() && asked.focus.is_empty() => {
                let message = format!("No model has looked at the image: {}", failure.message);
                analyzed.warnings.push(Warning::new("not_described", message));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(Outcome::Analyzed(Box::new(analyzed)))
}

/// What was asked for that nothing here can tell.
fn ignored(asked: &Analyze, why: &str) -> Vec<String> {
    let foreign = asked.focus.iter().filter(|focus| !Focus::LOCAL.contains(focus));
    let mut ignored: Vec<String> = foreign.map(|focus| format!("focus {}: {why}", focus.name())).collect();
    if asked.prompt.is_some() {
        ignored.push(format!("prompt: {why}"));
    }
    if asked.detail.is_some() {
        ignored.push(format!("detail: {why}"));
    }
    ignored
}

/// Has a model look.
async fn see(account: &Account<'_>, asked: &Analyze, image: Bytes) -> Result<Vision, Failure> {
    let wants = |part: Focus| asked.focus.contains(&part) || (asked.focus.is_empty() && asked.prompt.is_none());
    let mut parts = serde_json::Map::new();
    let mut questions = Vec::new();
    if wants(Focus::Description) {
        parts.insert("description".into(), json!({"type": "string"}));
        questions.push("description: what the image shows, in two to four plain sentences".to_owned());
    }
    if wants(Focus::Objects) {
        let object = json!({"name": {"type": "string"}, "count": {"type": "integer"}, "place": {"type": "string"}});
        let object = json!({"type": "object", "properties": object});
        parts.insert("objects".into(), json!({"type": "array", "items": object}));
        questions.push(
            "objects: what can be told apart in it, at most 20, with how many and where (such as upper left)".into(),
        );
    }
    if let Some(prompt) = &asked.prompt {
        parts.insert("answer".into(), json!({"type": "string"}));
        questions.push(format!("answer: the answer to this question: {prompt}"));
    }
    let look = Look {
        prompt: format!("Look at this image and tell:\n{}\n\n{IS_DATA}", questions.join("\n")),
        images: vec![image],
        detail: asked.detail.map(|detail| detail.name().to_owned()),
        form: Some(("analysis".into(), json!({"type": "object", "properties": parts}))),
        max_tokens: Some(TOKENS),
        ..Look::default()
    };
    let (seen, bill) = account.look(&look).await?;
    let json = seen.json.unwrap_or_default();
    let text = |key: &str| json[key].as_str().map(str::to_owned);
    let objects = json.get("objects").map(|objects| serde_json::from_value(objects.clone())).transpose();
    let objects: Option<Vec<Object>> = objects.map_err(|error| Failure::internal(&error))?;
    Ok(Vision { description: text("description"), objects, answer: text("answer"), bill })
}

fn measure(engine: &Engine, ocr: &Ocr, input: &[u8], focus: &[Focus], stop: &Stop) -> Result<Analyzed, Failure> {
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
        Ok(Analyzed { image: None, facts: seen.facts, measured, reading, vision: None, ignored: Vec::new(), warnings })
    })
}
