//! Models that read pictures (`/chat/completions`): words, or JSON of a given form.

use std::time::Duration;

use bytes::Bytes;
use common::{
    Failure, FailureKind, Usd,
    models::{Chosen, Usage},
    schema,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Provider, errors,
    retry::{self, Purpose, Refused},
    wishes,
};

/// The most that is read of an answer in words.
const MOST_ANSWER_BYTES: usize = 4 << 20;

/// What an answer is taken to be at most, where that is left to the model.
const MOST_ANSWER_TOKENS: u32 = 4000;

/// The most pictures that are looked at together.
const MAX_IMAGES: usize = 16;

/// A question about pictures.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The question.
    pub prompt: String,
    /// 1 to 16 files of any format that the engine reads.
    pub images: Vec<Bytes>,
    /// Instead of the model in the settings.
    pub model: Option<String>,
    /// `low`, `high` or `auto`. Default `high`: auto may cost five times as much for a photo of twelve megapixels.
    pub detail: Option<String>,
    /// A name and a JSON Schema: the answer is JSON of that form.
    pub form: Option<(String, Value)>,
    /// The longest answer, in tokens.
    pub max_tokens: Option<u32>,
}

/// What a model saw.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its words, which may hold words out of the pictures: data, never instructions.
    pub text: String,
    /// The same, of the form that was asked for.
    pub json: Option<Value>,
    /// Whether it had more to say than `max_tokens`.
    pub cut: bool,
    /// The model that looked.
    pub model: String,
    /// Why it is another than was asked for, or how long it will be there.
    pub model_note: Option<String>,
    /// Tokens, where the provider counts.
    pub usage: Option<Usage>,
    /// What it cost, where the model's price is known.
    pub cost: Option<Usd>,
    /// The provider's name for the call.
    pub request_id: Option<String>,
}

/// How the form of the answer is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// By the schema.
    Strict,
    /// By words, for backends that know JSON and no schemas.
    Told,
}

/// An answer that was read.
struct Said {
    text: String,
    cut: bool,
    usage: Option<Usage>,
    request_id: Option<String>,
}

impl Provider {
    /// Whether there is a key, or none is needed.
    #[must_use]
    pub fn can_look(&self) -> bool {
        !self.http().lacks_key()
    }

    /// Checks what is asked for: which model would look, and the most that costs; `None` where its price is not known.
    /// Asks nobody.
    ///
    /// # Errors
    /// `invalid_argument`, `missing_api_key`.
    pub fn quote_look(&self, ask: &Look) -> Result<(String, Option<Usd>), Failure> {
        let chosen = self.checked_look(ask)?;
        let (characters, pictures) = (ask.prompt.chars().count() as u64, ask.images.len() as u64);
        let form = ask.form.as_ref().map_or(0, |(_, form)| form.to_string().len() as u64);
        let tokens = u64::from(ask.max_tokens.unwrap_or(MOST_ANSWER_TOKENS));
        let price = self.models().price(&chosen.name);
        Ok((chosen.name, price.map(|price| price.of_looking(characters + form, pictures, tokens))))
    }

    /// Looks at pictures. Dropping the future drops the request.
    ///
    /// # Errors
    /// What is wrong with what was asked for, or what the provider says.
    pub async fn look(&self, ask: &Look) -> Result<Seen, Failure> {
        let chosen = self.checked_look(ask)?;
        let mut pictures = Vec::new();
        for (index, image) in ask.images.iter().enumerate() {
            let at = |failure: Failure| failure.argument(format!("images[{index}]"));
            pictures.push(self.data_url(image).await.map_err(at)?);
        }
        let deadline = Instant::now() + self.timeout();
        let said = match self.say(&body(ask, &chosen.name, &pictures, Form::Strict), deadline).await {
            Err(Refused { complaint: Some(complaint), .. })
                if ask.form.is_some() && complaint.is_about_the_form_of_answers() =>
            {
                tracing::info!("the backend knows no schemas; the form is told in words");
                self.say(&body(ask, &chosen.name, &pictures, Form::Told), deadline).await
            }
            said => said,
        };
        let said = said.map_err(|refused| refused.failure)?;
        let json = match &ask.form {
            Some((_, form)) => Some(
                of_form(&said, form).map_err(|failure| errors::with_request_id(failure, said.request_id.as_deref()))?,
            ),
            None => None,
        };
        let price = self.models().price(&chosen.name);
        let Said { text, cut, usage, request_id } = said;
        let cost = usage.zip(price).map(|(usage, price)| price.of(&usage, true));
        Ok(Seen { text, json, cut, model: chosen.name, model_note: chosen.note, usage, cost, request_id })
    }

    fn checked_look(&self, ask: &Look) -> Result<Chosen<'_>, Failure> {
        wishes::check_prompt(&ask.prompt)?;
        if !(1..=MAX_IMAGES).contains(&ask.images.len()) {
            return Err(Failure::invalid("images", format!("{} images are given.", ask.images.len()))
                .allowed(format!("1 to {MAX_IMAGES}"))
                .next("Name the images to look at."));
        }
        if let Some(detail) = ask.detail.as_deref().filter(|detail| !["low", "high", "auto"].contains(detail)) {
            let message = format!("There is no detail \"{}\".", schema::clip(detail));
            return Err(Failure::invalid("detail", message).allowed("low, high, auto").next("Set detail to high."));
        }
        let chosen = self.models().vision(ask.model.as_deref(), self.vision_default(), self.now_ms())?;
        self.need_key()?;
        Ok(chosen)
    }

    /// One question, asked again where that helps.
    async fn say(&self, body: &Value, deadline: Instant) -> Result<Said, Refused> {
        // A look that takes long is given up while there is time for another.
        let longest = self.timeout() / 3;
        let attempt = async |left: Duration| {
            let left = left.min(longest);
            let answered =
                self.http().post(Purpose::Look, "chat/completions", left, |request| request.json(body)).await?;
            let request_id = answered.request_id.clone();
            let named = |failure| errors::with_request_id(failure, request_id.as_deref());
            let text = answered.body(MOST_ANSWER_BYTES).await.map_err(|what| Refused {
                again: true,
                ..Refused::finally(named(errors::lost(Purpose::Look, &what)))
            })?;
            let mut said = read(&text).map_err(|failure| Refused::finally(named(failure)))?;
            said.request_id.clone_from(&request_id);
            Ok(said)
        };
        retry::until(Purpose::Look, deadline, attempt).await
    }
}

fn body(ask: &Look, model: &str, pictures: &[String], form: Form) -> Value {
    let detail = ask.detail.as_deref().unwrap_or("high");
    let mut content = vec![json!({"type": "text", "text": ask.prompt})];
    content
        .extend(pictures.iter().map(|url| json!({"type": "image_url", "image_url": {"url": url, "detail": detail}})));
    let mut messages = Vec::new();
    let mut body = json!({"model": model});
    if let Some((name, schema)) = &ask.form {
        let schema = strict(schema);
        body["response_format"] = match form {
            Form::Strict => {
                json!({"type": "json_schema", "json_schema": {"name": name, "strict": true, "schema": schema}})
            }
            Form::Told => {
                let told =
                    format!("Answer with one JSON object and nothing else. It conforms to this JSON Schema: {schema}");
                messages.push(json!({"role": "system", "content": told}));
                json!({"type": "json_object"})
            }
        };
    }
    messages.push(json!({"role": "user", "content": content}));
    body["messages"] = messages.into();
    if let Some(most) = ask.max_tokens {
        body["max_completion_tokens"] = most.into();
    }
    body
}

/// The schema as strict answers need it: every key is required, and there are no others.
fn strict(schema: &Value) -> Value {
    let mut schema = schema.clone();
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    if let Some(properties) = schema["properties"].as_object() {
        let names: Vec<Value> = properties.keys().map(|name| name.as_str().into()).collect();
        schema["required"] = names.into();
        schema["additionalProperties"] = false.into();
    }
    match schema {
        Value::Object(object) => {
            object.values_mut().filter(|value| value.is_object() || value.is_array()).for_each(close)
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Reads an answer: words, or why there are none.
fn read(body: &[u8]) -> Result<Said, Failure> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| unusable("The model's answer cannot be read."))?;
    let choice = &answer["choices"][0];
    let message = &choice["message"];
    let end = choice["finish_reason"].as_str().unwrap_or_default();
    if message["refusal"].as_str().is_some_and(|refusal| !refusal.is_empty()) || end == "content_filter" {
        return Err(Failure::new(FailureKind::ContentBlocked, "The model refuses to answer, because of the content.")
            .next("Ask in other words, or about another picture."));
    }
    let text = match &message["content"] {
        Value::String(text) => text.clone(),
        // Some backends answer in parts.
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    };
    let cut = end == "length";
    if text.trim().is_empty() {
        return Err(if cut { too_short() } else { unusable("The model's answer is empty.") });
    }
    Ok(Said { text, cut, usage: Usage::read(&answer["usage"]), request_id: None })
}

/// The answer as JSON that conforms to `form`, whatever the backend promised.
fn of_form(said: &Said, form: &Value) -> Result<Value, Failure> {
    if said.cut {
        return Err(too_short());
    }
    let text = said.text.trim();
    let fenced = text.strip_prefix("```").and_then(|rest| rest.trim_start_matches("json").strip_suffix("```"));
    let mut json: Value =
        serde_json::from_str(fenced.unwrap_or(text)).map_err(|_| unusable("The model's answer is not JSON."))?;
    schema::conform(&mut json, &strict(form), "").map_err(|failure| {
        tracing::warn!(argument = failure.argument, "the answer of a model has another form than was asked for");
        unusable("The model's answer is not of the form that was asked for.")
    })?;
    Ok(json)
}

fn unusable(what: &str) -> Failure {
    Failure::new(FailureKind::UpstreamFailed, what).next("Try again; if it happens again, name another model.")
}

fn too_short() -> Failure {
    Failure::new(FailureKind::UpstreamFailed, "The model's answer was cut off at its longest.")
        .next("Ask for less, or for more tokens.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_schemas_require_all_and_allow_nothing_else() {
        let schema = json!({"type": "object", "properties": {
            "objects": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        }});
        let closed = strict(&schema);
        assert_eq!(closed["required"], json!(["objects"]));
        let inner = &closed["properties"]["objects"]["items"];
        assert_eq!((&inner["required"], &inner["additionalProperties"]), (&json!(["name"]), &json!(false)));
    }

    fn said(text: &str, cut: bool) -> Said {
        Said { text: text.into(), cut, usage: None, request_id: None }
    }

    #[test]
    fn an_answer_is_checked_whatever_was_promised() {
        let form = json!({"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}});
        for good in [r#"{"name":"a","count":1}"#, "```json\n{\"name\":\"a\",\"count\":1}\n```"] {
            assert_eq!(of_form(&said(good, false), &form).unwrap()["count"], 1, "{good}");
        }
        let wrong =
            [r#"{"name":"a"}"#, r#"{"name":"a","count":1,"more":2}"#, r#"{"name":"a","count":"x"}"#, "a cat", "[]"];
        for wrong in wrong {
            assert_eq!(of_form(&said(wrong, false), &form).unwrap_err().kind, FailureKind::UpstreamFailed, "{wrong}");
        }
        assert!(of_form(&said(r#"{"name":"a","count":1}"#, true), &form).unwrap_err().message.contains("cut off"));
    }

    #[test]
    fn answers_in_parts_are_put_together() {
        let parts = json!([{"type": "text", "text": "a "}, {"type": "text", "text": "cat"}]);
        let body = json!({"choices": [{"message": {"content": parts}}]}).to_string();
        assert_eq!(read(body.as_bytes()).unwrap().text, "a cat");
        for odd in ["{}", "[]", "null", r#"{"choices":[]}"#, r#"{"choices":[{"message":null}]}"#, "<html>"] {
            assert_eq!(read(odd.as_bytes()).err().unwrap().kind, FailureKind::UpstreamFailed, "{odd}");
        }
    }
}
