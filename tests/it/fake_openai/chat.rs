//! `/chat/completions` with pictures.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{Asked, Fault, Refusal, Said, json_with};

const KNOWN: [&str; 4] = ["model", "messages", "response_format", "max_completion_tokens"];

/// The longest side of a picture that it looks at in full.
const MAX_SIDE: u32 = 2048;

pub(super) fn completions(asked: &Asked, fault: Option<Fault>) -> Said {
    let fields = &asked.fields;
    let Some(object) = fields.as_object() else { return Err(Refusal::new(400, "invalid_json", "")) };
    if let Some(name) = object.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Refusal::new(400, "unknown_parameter", name));
    }
    if !["gpt-6-luna", "gpt-4o", "llava"].contains(&fields["model"].as_str().unwrap_or_default()) {
        return Err(Refusal::new(404, "model_not_found", "model"));
    }
    let mut pictures = 0;
    for message in fields["messages"].as_array().into_iter().flatten() {
        for part in message["content"].as_array().into_iter().flatten() {
            if part["type"] == "image_url" {
                picture(&part["image_url"])?;
                pictures += 1;
            }
        }
    }
    if pictures == 0 {
        return Err(Refusal::new(400, "invalid_value", "messages"));
    }
    let format = &fields["response_format"];
    let mut words = match format["type"].as_str() {
        None => "A red disc.".to_owned(),
        Some("json_object") => json!({"name": "a disc", "count": 1}).to_string(),
        Some("json_schema") => {
            let form = &format["json_schema"];
            if form["strict"] != true || !is_name(&form["name"]) || !is_strict(&form["schema"]) {
                return Err(Refusal::new(400, "invalid_value", "response_format"));
            }
            instance(&form["schema"]).to_string()
        }
        Some(_) => return Err(Refusal::new(400, "invalid_value", "response_format")),
    };
    let (mut refusal, mut finish) = (Value::Null, "stop");
    match fault {
        Some(Fault::Refusal) => (refusal, words) = ("I cannot help with that.".into(), String::new()),
        Some(Fault::Finish(end)) => (finish, words) = (end, words.chars().take(9).collect()),
        Some(Fault::Words(other)) => other.clone_into(&mut words),
        _ => {}
    }
    Ok(json_with(
        200,
        &json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_795_000_000, "model": fields["model"],
            "choices": [{"index": 0, "finish_reason": finish,
                "message": {"role": "assistant", "content": words, "refusal": refusal}}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 20, "total_tokens": 1020},
        }),
    ))
}

fn picture(image: &Value) -> Result<(), Refusal> {
    let wrong = || Refusal::new(400, "invalid_image_url", "messages");
    let url = image["url"].as_str().unwrap_or_default();
    let (media_type, data) = url.strip_prefix("data:").and_then(|url| url.split_once(";base64,")).ok_or_else(wrong)?;
    let bytes = STANDARD.decode(data).map_err(|_| wrong())?;
    let format = image::ImageFormat::from_mime_type(media_type).ok_or_else(wrong)?;
    let picture = image::load_from_memory_with_format(&bytes, format).map_err(|_| wrong())?;
    let detail = image["detail"].as_str().unwrap_or_default();
    if picture.width().max(picture.height()) > MAX_SIDE || !["low", "high", "auto"].contains(&detail) {
        return Err(wrong());
    }
    Ok(())
}

fn is_name(name: &Value) -> bool {
    let name = name.as_str().unwrap_or_default();
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Every object names all its keys as required, and allows no others.
fn is_strict(schema: &Value) -> bool {
    let inner = |value: &Value| value.as_object().is_none_or(|object| object.values().all(is_strict));
    match schema["type"].as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            schema["additionalProperties"] == false
                && properties.keys().all(|name| required.iter().any(|required| required == name))
                && inner(&schema["properties"])
        }
        Some("array") => is_strict(&schema["items"]),
        _ => true,
    }
}

/// Something that conforms to the schema.
fn instance(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            Value::Object(properties.map(|(name, schema)| (name.clone(), instance(schema))).collect::<Map<_, _>>())
        }
        Some("array") => json!([instance(&schema["items"])]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        _ => json!("a disc"),
    }
}
