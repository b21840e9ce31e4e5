//! `/images/generations` and `/images/edits`.

use std::io::Cursor;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::Response;
use image::{DynamicImage, ImageFormat, ImageReader};
use serde_json::{Map, Value, json};

use super::{Asked, Body, Dialect, End, Fault, File, Refusal, Said, events, json_with};
use crate::images as pictures;

/// Models that are there, and whether they make any size.
const MODELS: [(&str, bool); 8] = [
    ("gpt-image-2", true),
    ("gpt-image-2.5-flare", true),
    ("gpt-image-2.5-sunburst", true),
    ("gpt-image-2.6-flare", true),
    ("gpt-image-2.6-sunburst", true),
    ("gpt-image-1.5", false),
    ("gpt-image-1-mini", false),
    ("chatgpt-image-latest", false),
];

const COMMON: [&str; 10] = [
    "model",
    "prompt",
    "n",
    "size",
    "quality",
    "background",
    "output_format",
    "output_compression",
    "stream",
    "partial_images",
];

pub(super) fn generations(asked: &Asked, dialect: Dialect, fault: Option<Fault>) -> Said {
    let Some(fields) = asked.fields.as_object() else { return Err(Refusal::new(400, "invalid_json", "")) };
    if dialect == Dialect::Plain {
        plain(fields)?;
    } else {
        known(fields, &["moderation"])?;
        legal(fields)?;
    }
    respond(fields, "image_generation", 0, fault)
}

pub(super) fn edits(asked: &Asked, fault: Option<Fault>) -> Said {
    let texts = asked.fields.as_object().cloned().unwrap_or_default();
    known(&texts, &["input_fidelity"])?;
    let fields = typed(texts);
    legal(&fields)?;
    let model = fields["model"].as_str().unwrap_or_default();
    if fields.contains_key("input_fidelity") && any_size(model) {
        return Err(Refusal::new(400, "unknown_parameter", "input_fidelity"));
    }
    let (masks, images): (Vec<&File>, Vec<&File>) = asked.files.iter().partition(|file| file.part == "mask");
    let sizes = images.iter().map(|file| checked(file)).collect::<Result<Vec<_>, _>>()?;
    let single = images.iter().filter(|file| file.part == "image").count();
    let listed = images.iter().filter(|file| file.part == "image[]").count();
    match (single, listed) {
        (1, 0) | (0, 1..=16) if single + listed == images.len() => {}
        (0, 0) => return Err(Refusal::new(400, "missing_required_parameter", "image")),
        _ => return Err(Refusal::new(400, "duplicate_parameter", "image")),
    }
    for mask in &masks {
        let size = checked(mask)?;
        let alpha = image::load_from_memory(&mask.bytes).unwrap().color().has_alpha();
        let good = mask.media_type.as_deref() == Some("image/png") && alpha && mask.bytes.len() < 4 << 20;
        if masks.len() > 1 || !good || Some(&size) != sizes.first() {
            return Err(Refusal::new(400, "invalid_image_file", "mask"));
        }
    }
    respond(&fields, "image_edit", asked.files.len(), fault)
}

/// What a file says of itself is what it is.
fn checked(file: &File) -> Result<(u32, u32), Refusal> {
    let Some(media_type) = &file.media_type else {
        return Err(Refusal::new(400, "missing_file_mimetype", &file.part));
    };
    let read = ImageReader::new(Cursor::new(&file.bytes)).with_guessed_format().unwrap();
    let (true_type, ending) = match read.format() {
        Some(ImageFormat::Png) => ("image/png", ".png"),
        Some(ImageFormat::Jpeg) => ("image/jpeg", ".jpg"),
        Some(ImageFormat::WebP) => ("image/webp", ".webp"),
        _ => return Err(Refusal::new(400, "unsupported_file_mimetype", &file.part)),
    };
    if true_type != media_type || !file.name.ends_with(ending) {
        return Err(Refusal::new(400, "unsupported_file_mimetype", &file.part));
    }
    let small = file.bytes.len() < 50 << 20;
    read.into_dimensions().ok().filter(|_| small).ok_or_else(|| Refusal::new(400, "invalid_image_file", &file.part))
}

fn known(fields: &Map<String, Value>, more: &[&str]) -> Result<(), Refusal> {
    match fields.keys().find(|name| !COMMON.contains(&name.as_str()) && !more.contains(&name.as_str())) {
        Some(name) => Err(Refusal::new(400, "unknown_parameter", name)),
        None => Ok(()),
    }
}

/// A form holds texts only; numbers are as JSON writes them.
fn typed(texts: Map<String, Value>) -> Map<String, Value> {
    let number = |name: &str| ["n", "output_compression", "stream", "partial_images"].contains(&name);
    let typed = |name: &str, text: Value| {
        let read = text.as_str().filter(|_| number(name)).and_then(|text| serde_json::from_str(text).ok());
        read.unwrap_or(text)
    };
    texts.into_iter().map(|(name, text)| (name.clone(), typed(&name, text))).collect()
}

fn any_size(model: &str) -> bool {
    MODELS.iter().any(|(name, any)| *name == model && *any)
}

/// A backend of one's own: it wants to be asked for base64, and knows little.
fn plain(fields: &Map<String, Value>) -> Result<(), Refusal> {
    if fields.get("response_format") != Some(&json!("b64_json")) {
        return Err(Refusal::new(400, "response_format", ""));
    }
    match ["moderation", "background", "quality", "stream"].into_iter().find(|name| fields.contains_key(*name)) {
        Some(name) => Err(Refusal::new(422, name, "")),
        None => Ok(()),
    }
}

fn legal(fields: &Map<String, Value>) -> Result<(), Refusal> {
    let wrong = |name: &str| Err(Refusal::new(400, "invalid_value", name));
    let text = |name: &str| fields.get(name).map(|value| value.as_str().unwrap_or("(no text)"));
    let number = |name: &str| fields.get(name).map(|value| value.as_u64().unwrap_or(u64::MAX));
    let Some(model) = text("model") else { return Err(Refusal::new(400, "missing_required_parameter", "model")) };
    if !MODELS.iter().any(|(name, _)| *name == model) {
        return Err(Refusal::new(404, "model_not_found", "model"));
    }
    let new = model.starts_with("gpt-image-2.");
    let is = |name: &str, allowed: &[&str]| text(name).is_none_or(|value| allowed.contains(&value));
    if !text("prompt").is_some_and(|prompt| (1..=32_000).contains(&prompt.chars().count())) {
        return wrong("prompt");
    }
    if !number("n").is_none_or(|n| (1..=10).contains(&n)) {
        return wrong("n");
    }
    if !text("size").is_none_or(|size| legal_size(size, any_size(model))) {
        return wrong("size");
    }
    let qualities = ["low", "medium", "high", "auto", "xhigh", "max"];
    if !is("quality", if new { &qualities } else { &qualities[..4] }) {
        return wrong("quality");
    }
    let formats = ["png", "jpeg", "webp", "gif", "svg"];
    if !is("output_format", if model.starts_with("gpt-image-2.6") { &formats } else { &formats[..3] }) {
        return wrong("output_format");
    }
    let format = text("output_format").unwrap_or("png");
    let clear = text("background") == Some("transparent");
    if !is("background", &["transparent", "opaque", "auto"]) || (clear && !["png", "webp"].contains(&format)) {
        return wrong("background");
    }
    let compressible = ["jpeg", "webp"].contains(&format);
    if !number("output_compression").is_none_or(|value| value <= 100 && compressible) {
        return wrong("output_compression");
    }
    if !is("moderation", &["auto", "low"]) || !is("input_fidelity", &["low", "high"]) {
        return wrong("moderation");
    }
    let streams = fields.get("stream").is_none_or(Value::is_boolean);
    if !streams || !number("partial_images").is_none_or(|count| count <= 3 && fields["stream"] == true) {
        return wrong("partial_images");
    }
    Ok(())
}

fn legal_size(text: &str, any: bool) -> bool {
    if ["auto", "1024x1024", "1536x1024", "1024x1536"].contains(&text) {
        return true;
    }
    let Some(size) = text.split_once('x') else { return false };
    let (Ok(width), Ok(height)) = (size.0.parse::<u64>(), size.1.parse::<u64>()) else { return false };
    let (long, short) = (width.max(height), width.min(height));
    let pixels = width * height;
    any && width % 16 == 0
        && height % 16 == 0
        && long <= 3840
        && long <= 3 * short
        && (655_360..=8_294_400).contains(&pixels)
}

fn respond(fields: &Map<String, Value>, name: &str, files: usize, fault: Option<Fault>) -> Said {
    let opaque = matches!(fault, Some(Fault::Opaque));
    let n = fields.get("n").and_then(Value::as_u64).unwrap_or(1);
    let made = STANDARD.encode(picture(fields, opaque));
    let (text, image) = (10, files as u64 * 1000);
    let out = 1056 * n;
    let mut usage = json!({
        "input_tokens": text + image, "output_tokens": out, "total_tokens": text + image + out,
        "input_tokens_details": {"text_tokens": text, "image_tokens": image},
    });
    if matches!(fault, Some(Fault::NoUsage)) {
        usage = Value::Null;
    }
    if fields.get("stream") == Some(&json!(true)) {
        return Ok(streamed(fields, name, &made, &usage, fault));
    }
    let data = match fault {
        Some(Fault::NoData) => json!([]),
        Some(Fault::Link(link)) => json!([{"url": link}]),
        Some(Fault::Bytes(bytes)) => json!([{"b64_json": STANDARD.encode(bytes)}]),
        fault => {
            let n = if matches!(fault, Some(Fault::OneFewer)) { n - 1 } else { n };
            (0..n).map(|_| json!({"b64_json": made})).collect()
        }
    };
    Ok(json_with(200, &json!({"created": 1_795_000_000, "data": data, "usage": usage})))
}

fn streamed(
    fields: &Map<String, Value>,
    name: &str,
    made: &str,
    usage: &Value,
    fault: Option<Fault>,
) -> Response<Body> {
    let partials = match fault {
        Some(Fault::NoPartials) => 0,
        _ => fields.get("partial_images").and_then(Value::as_u64).unwrap_or_default(),
    };
    let mut said: Vec<Value> = (0..partials)
        .map(|index| json!({"type": format!("{name}.partial_image"), "b64_json": made, "partial_image_index": index}))
        .collect();
    match fault {
        Some(Fault::StalledStream) => return events(said, End::Never),
        Some(Fault::CutStream) => return events(said, End::Whole),
        Some(Fault::BrokenStream) => return events(said, End::Broken),
        Some(Fault::ErrorEvent(code)) => {
            let error = json!({"code": code, "message": "It went wrong.", "type": "server_error"});
            said.push(json!({"type": "error", "error": error}));
        }
        _ => said.push(json!({"type": format!("{name}.completed"), "b64_json": made, "usage": usage})),
    }
    events(said, End::Whole)
}

/// A picture as it was asked for.
fn picture(fields: &Map<String, Value>, opaque: bool) -> Vec<u8> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or("auto");
    let side = |text: &str| text.parse().unwrap_or(1024);
    let (width, height) = text("size").split_once('x').map_or((1024, 1024), |(w, h)| (side(w), side(h)));
    let clear = text("background") == "transparent" && !opaque;
    let picture = match clear {
        true => image::load_from_memory(&pictures::disc(width.min(height))).unwrap(),
        // As the real one, with an alpha channel that says nothing.
        false => DynamicImage::ImageRgba8(pictures::gradient(width, height).to_rgba8()),
    };
    match text("output_format") {
        "jpeg" => pictures::encoded(&picture.to_rgb8().into(), ImageFormat::Jpeg),
        "webp" => pictures::encoded(&picture, ImageFormat::WebP),
        "gif" => pictures::encoded(&picture, ImageFormat::Gif),
        "svg" => b"<svg xmlns=\"http://www.w3.org/2000/svg\"><rect width=\"9\" height=\"9\"/></svg>".to_vec(),
        _ => pictures::encoded(&picture, ImageFormat::Png),
    }
}
