//! What a provider answers that was asked for pictures: base64 or links, at once or as a stream.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use common::{Failure, models::Usage};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Partial,
    errors::{self, Complaint},
    http::{Answered, Http},
    retry::Purpose,
    stream::Events,
};
use crate::engine;

/// The largest picture that is taken: four times what the largest size needs without any compression.
const MOST_PICTURE_BYTES: usize = 64 << 20;

/// The largest answer that is taken, in base64.
const MOST_ANSWER_BYTES: usize = 256 << 20;

/// Some leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Pictures that were paid for, and what they cost in tokens.
#[derive(Debug)]
pub(super) struct Pictures {
    pub(super) images: Vec<Bytes>,
    pub(super) usage: Option<Usage>,
}

/// What stands in `data`; only that is certain.
#[derive(Deserialize)]
struct Answer {
    data: Option<Vec<Item>>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Item {
    b64_json: Option<String>,
    url: Option<String>,
}

/// Reads an answer to its end. Nothing here asks for pictures again.
///
/// # Errors
/// `outcome_unknown` where pictures were made, it seems, and cannot be read; what the provider says where it was an error.
pub(super) async fn read(
    answered: Answered,
    http: &Http,
    progress: &(dyn Fn(Partial) + Send + Sync),
) -> Result<Pictures, Failure> {
    let request_id = answered.request_id.clone();
    let read = if answered.is_events() { stream(answered, progress).await } else { whole(answered, http).await };
    read.map_err(|failure| errors::with_request_id(failure, request_id.as_deref()))
}

async fn whole(answered: Answered, http: &Http) -> Result<Pictures, Failure> {
    let body = answered.body(MOST_ANSWER_BYTES).await.map_err(|what| lost(&what))?;
    let Ok(answer) = serde_json::from_slice::<Answer>(&body) else {
        return Err(said_or_lost(&body, "The provider's answer cannot be read."));
    };
    let (mut images, mut first_loss) = (Vec::new(), None);
    for item in answer.data.unwrap_or_default() {
        let picture = match item {
            Item { b64_json: Some(text), .. } if !text.is_empty() => decoded(&text),
            Item { url: Some(link), .. } if !link.is_empty() => linked(&link, http).await,
            Item { .. } => continue,
        };
        // One that is lost takes none of the others with it.
        match picture {
            Ok(picture) => images.push(picture),
            Err(failure) => first_loss = first_loss.or(Some(failure)),
        }
    }
    match first_loss {
        Some(failure) if images.is_empty() => Err(failure),
        None if images.is_empty() => Err(said_or_lost(&body, "The provider answers without any picture.")),
        _ => Ok(Pictures { images, usage: Usage::read(&answer.usage) }),
    }
}

async fn stream(mut answered: Answered, progress: &(dyn Fn(Partial) + Send + Sync)) -> Result<Pictures, Failure> {
    let (mut events, mut length) = (Events::default(), 0);
    while let Some(piece) = answered.chunk().await.map_err(|what| lost(&what))? {
        length += piece.len();
        if length > MOST_ANSWER_BYTES {
            return Err(lost("The provider's answer is too long."));
        }
        for data in events.add(&piece) {
            if let Some(pictures) = event(&data, progress)? {
                return Ok(pictures);
            }
        }
    }
    Err(lost("The provider's answer breaks off before the picture is complete."))
}

/// The picture, if this event completes it.
fn event(data: &[u8], progress: &(dyn Fn(Partial) + Send + Sync)) -> Result<Option<Pictures>, Failure> {
    let Ok(event) = serde_json::from_slice::<Value>(data) else { return Ok(None) };
    let kind = event["type"].as_str().unwrap_or_default();
    let picture = || event["b64_json"].as_str().map_or_else(|| Err(lost("A part of its answer is missing.")), decoded);
    if kind.ends_with(".completed") {
        Ok(Some(Pictures { images: vec![picture()?], usage: Usage::read(&event["usage"]) }))
    } else if kind.ends_with(".partial_image") {
        // A part on the way that cannot be read is no loss.
        if let Ok(bytes) = picture() {
            let index = event["partial_image_index"].as_u64().unwrap_or_default();
            progress(Partial { index, bytes });
        }
        Ok(None)
    } else if kind == "error" || kind.ends_with(".failed") || event["error"].is_object() {
        let complaint = Complaint::of(&event);
        tracing::warn!(code = complaint.code.as_deref(), kind = complaint.kind.as_deref(), "the provider fails midway");
        Err(errors::by_code(&complaint).unwrap_or_else(|| lost("The provider failed while it worked.")))
    } else {
        Ok(None)
    }
}

/// Some say what is wrong with a status of 200.
fn said_or_lost(body: &[u8], what: &str) -> Failure {
    errors::by_code(&Complaint::read(body)).unwrap_or_else(|| lost(what))
}

fn lost(what: &str) -> Failure {
    errors::lost(Purpose::Make, what)
}

fn decoded(text: &str) -> Result<Bytes, Failure> {
    let text = match text.strip_prefix("data:") {
        Some(data) => data.split_once(";base64,").map_or("", |(_, text)| text),
        None => text,
    };
    if text.len() / 4 * 3 > MOST_PICTURE_BYTES {
        return Err(lost("The provider's picture is too large."));
    }
    let bytes = BASE64.decode(text.trim()).map_err(|_| lost("The provider's picture is not base64."))?;
    checked(bytes.into())
}

async fn linked(link: &str, http: &Http) -> Result<Bytes, Failure> {
    if link.starts_with("data:") {
        return decoded(link);
    }
    checked(
        http.download(link, MOST_PICTURE_BYTES)
            .await
            .map_err(|what| lost(&format!("The provider's answer holds no picture. {what}")))?,
    )
}

/// A page of HTML is no picture, whatever it is called.
fn checked(bytes: Bytes) -> Result<Bytes, Failure> {
    let is_svg = || {
        let head: String = String::from_utf8_lossy(bytes.get(..1024).unwrap_or(&bytes)).into_owned();
        (head.trim_start().starts_with("<?xml") || head.trim_start().starts_with("<svg")) && head.contains("<svg")
    };
    if engine::is_picture(&bytes) || is_svg() { Ok(bytes) } else { Err(lost("What the provider made is no picture.")) }
}

#[cfg(test)]
mod tests {
    use common::FailureKind;

    use super::*;

    #[test]
    fn base64_is_read_in_every_form_that_is_in_use() {
        for text in ["R0lGODlhAQ==", "R0lGODlhAQ", "data:image/gif;base64,R0lGODlhAQ==", " R0lGODlhAQ==\n"] {
            assert_eq!(decoded(text).unwrap().as_ref(), b"GIF89a\x01", "{text}");
        }
        for text in ["", "é", "data:image/gif,x", "PGh0bWw+PC9odG1sPg=="] {
            assert_eq!(decoded(text).unwrap_err().kind, FailureKind::OutcomeUnknown, "{text}");
        }
        assert!(checked(Bytes::from_static(b"<?xml version=\"1.0\"?>\n<svg/>")).is_ok());
        assert!(checked(Bytes::from_static(b"<html><svg/></html>")).is_err());
    }

    #[test]
    fn events_that_nobody_knows_are_passed_over() {
        let none = |_| panic!("there was no partial picture");
        for data in ["[DONE]", "{}", r#"{"type":"image_generation.in_progress"}"#, "not json", r#"{"type":7}"#] {
            assert!(event(data.as_bytes(), &none).unwrap().is_none(), "{data}");
        }
    }
}
