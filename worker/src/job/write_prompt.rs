//! A prompt that a model writes for a picture.

use std::sync::Arc;

use bytes::Bytes;
use common::{
    Failure,
    generation::{Length, Prompts, Target, WritePrompt},
    job::Job,
    outcome::Outcome,
};
use serde_json::{Value, json};

use super::{Context, account::Account, generate::IS_DATA, input};
use crate::provider::Look;

/// The longest answer, in tokens, of one prompt.
const TOKENS: u32 = 700;

pub(crate) async fn run(context: &Arc<Context>, job: &Job, asked: &WritePrompt) -> Result<Outcome, Failure> {
    let account = Account { context, job, tool: "prompt_from_image", payment: &asked.payment };
    context.provider.quote_look(&look(asked, Bytes::new()))?;
    let input = input::fetch(context, job, &asked.source).await?;
    let (seen, bill) = account.look(&look(asked, Bytes::from_owner(input.bytes.clone()))).await?;
    let json = seen.json.unwrap_or_default();
    let prompts = json["prompts"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::trim);
    let prompts = prompts.filter(|prompt| !prompt.is_empty()).take(usize::from(asked.n)).map(str::to_owned).collect();
    let negative_prompt = json["negative_prompt"].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    Ok(Outcome::Prompts(Box::new(Prompts { image: input.record, prompts, negative_prompt, bill })))
}

fn look(asked: &WritePrompt, image: Bytes) -> Look {
    let mut form = json!({"type": "object", "properties": {"prompts": {"type": "array", "items": {"type": "string"}}}});
    if asked.target == Target::Sdxl {
        form["properties"]["negative_prompt"] = json!({"type": "string"});
    }
    Look {
        prompt: question(asked),
        images: vec![image],
        form: Some(("prompts".into(), form)),
        max_tokens: Some(TOKENS.saturating_mul(u32::from(asked.n))),
        ..Look::default()
    }
}

fn question(asked: &WritePrompt) -> String {
    let how = match asked.target {
        Target::GptImage => {
            "for a model that follows plain language (gpt-image): full sentences that name subject, setting, composition, light, \
             palette, style and medium, and quote any text that must appear"
        }
        Target::Midjourney => {
            "for Midjourney: short comma-separated phrases, the subject first, then style, light and lens, and at the end the \
             parameter --ar with the shape of this image and --style raw if it is a photograph"
        }
        Target::Sdxl => {
            "for Stable Diffusion XL: comma-separated tags, the most important first, weights such as (tag:1.2) only where they \
             matter; and a negative prompt"
        }
        Target::Generic => "for any image generator: one plain description that needs no special syntax",
    };
    let words = match asked.length {
        Length::Short => 30,
        Length::Medium => 80,
        Length::Long => 200,
    };
    let style = asked.style.as_ref().map(|style| format!(" The new image shall have this style instead: {style}."));
    let different = if asked.n > 1 { ", each with another emphasis" } else { "" };
    format!(
        "Write {} prompt(s){different} that would make an image like this one, {how}. About {words} words each.{} {IS_DATA}",
        asked.n,
        style.unwrap_or_default()
    )
}
