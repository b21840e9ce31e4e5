//! Models that read pictures.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{Failure, FailureKind, Usd};
use serde_json::{Value, json};
use worker::provider::{Look, Provider, Seen};

use super::{impatient, openai, some};
use crate::{
    fake_openai::{Asked, Fault, REQUEST_ID},
    images::{jpeg, png},
};

fn look(picture: Vec<u8>) -> Look {
    Look { prompt: "What is this?".into(), images: vec![picture.into()], ..Look::default() }
}

/// Asks for JSON of a form.
fn formed() -> Look {
    let schema = json!({"type": "object", "properties": {
        "name": {"type": "string"}, "count": {"type": "integer"},
    }});
    Look { form: Some(("thing".into(), schema)), ..look(png(32, 32)) }
}

async fn fails(provider: &Provider, ask: &Look) -> Failure {
    provider.look(ask).await.map(|seen: Seen| panic!("{seen:?}")).unwrap_err()
}

/// The picture that was sent.
fn picture(asked: &Asked) -> Value {
    asked.fields["messages"][0]["content"][1]["image_url"].clone()
}

#[tokio::test]
async fn a_picture_is_shown_by_a_data_url() {
    let (fake, provider) = openai().await;
    let seen = provider.look(&Look { max_tokens: Some(300), ..look(jpeg(80, 60)) }).await.unwrap();
    let asked = fake.asked_once();
    assert_eq!(asked.path, "/v1/chat/completions");
    let fields = asked.fields.as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["model", "messages", "max_completion_tokens"]);
    assert_eq!((&fields["model"], &fields["max_completion_tokens"]), (&json!("gpt-6-luna"), &json!(300)));
    assert_eq!(asked.fields["messages"][0]["content"][0], json!({"type": "text", "text": "What is this?"}));
    assert_eq!(picture(&asked)["detail"], "high", "auto may cost five times as much");
    assert!(picture(&asked)["url"].as_str().unwrap().starts_with("data:image/jpeg;base64,"));
    assert_eq!((seen.text.as_str(), seen.json, seen.cut), ("A red disc.", None, false));
    // 1000 tokens at $0.10 a million, 20 at $0.50.
    assert_eq!(seen.cost, Some(Usd::from_nanos(1000 * 100 + 20 * 500)));
    assert_eq!(seen.request_id.as_deref(), Some(REQUEST_ID));
}

#[tokio::test]
async fn large_pictures_are_made_smaller_first() {
    let (fake, provider) = openai().await;
    provider.look(&Look { detail: some("low"), ..look(jpeg(4096, 1024)) }).await.unwrap();
    let image = picture(&fake.asked_once());
    let data = image["url"].as_str().unwrap().split_once(',').unwrap().1.to_owned();
    let sent = image::load_from_memory(&STANDARD.decode(data).unwrap()).unwrap();
    assert_eq!((sent.width(), sent.height(), &image["detail"]), (2048, 512, &json!("low")));
}

#[tokio::test]
async fn a_form_is_asked_for_strictly_and_checked() {
    let (fake, provider) = openai().await;
    let seen = provider.look(&formed()).await.unwrap();
    let format = fake.asked_once().fields["response_format"].clone();
    assert_eq!((&format["type"], &format["json_schema"]["strict"]), (&json!("json_schema"), &json!(true)));
    assert_eq!(format["json_schema"]["schema"]["additionalProperties"], false);
    assert_eq!(seen.json, Some(json!({"name": "a disc", "count": 1})));
    for words in ["a cat", r#"{"name":"a"}"#, r#"{"name":"a","count":1,"more":true}"#] {
        fake.fail([Fault::Words(words)]);
        let failure = fails(&provider, &formed()).await;
        assert_eq!(failure.kind, FailureKind::UpstreamFailed, "{words}");
        assert!(failure.message.contains(REQUEST_ID), "{failure}");
    }
}

#[tokio::test]
async fn a_backend_without_schemas_is_told_the_form_in_words() {
    let (fake, provider) = openai().await;
    let message = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.";
    fake.fail([Fault::error(400, "invalid_request_error", None, message)]);
    let seen = provider.look(&formed()).await.unwrap();
    let asked = fake.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].fields["response_format"], json!({"type": "json_object"}));
    assert!(asked[1].fields["messages"][0]["content"].as_str().unwrap().contains("\"count\""));
    assert_eq!(seen.json.unwrap()["count"], 1);
    // Without a form there is nothing else to try.
    fake.fail([Fault::error(400, "invalid_request_error", None, message)]);
    assert_eq!(fails(&provider, &look(png(8, 8))).await.kind, FailureKind::InvalidArgument);
    assert_eq!(fake.asked().len(), 3);
}

#[tokio::test]
async fn a_model_may_refuse_or_be_cut_off() {
    let (fake, provider) = openai().await;
    fake.fail([Fault::Refusal, Fault::Finish("content_filter"), Fault::Finish("length"), Fault::Finish("length")]);
    for _ in 0..2 {
        assert_eq!(fails(&provider, &look(png(8, 8))).await.kind, FailureKind::ContentBlocked);
    }
    let seen = provider.look(&look(png(8, 8))).await.unwrap();
    assert!(seen.cut && seen.text == "A red dis", "half a sentence is told as such: {seen:?}");
    let failure = fails(&provider, &formed()).await;
    assert!(failure.kind == FailureKind::UpstreamFailed && failure.message.contains("cut off"), "{failure}");
    assert_eq!(fake.asked().len(), 4);
}

#[tokio::test]
async fn a_look_is_repeated_twice_whatever_failed() {
    for status in [408, 409, 429, 500, 502, 503, 504] {
        let (fake, provider) = openai().await;
        let fault = Fault::error(status, "server_error", None, "Oh.").with("retry-after-ms", "5");
        fake.fail([fault.clone(), fault.clone()]);
        assert!(provider.look(&look(png(8, 8))).await.is_ok(), "{status}");
        fake.fail(vec![fault; 3]);
        let failure = fails(&provider, &look(png(8, 8))).await;
        let kind = if status == 429 { FailureKind::RateLimited } else { FailureKind::UpstreamFailed };
        assert_eq!((failure.kind, fake.asked().len()), (kind, 6), "{status}");
    }
}

#[tokio::test]
async fn a_look_that_takes_too_long_is_repeated_while_there_is_time() {
    let (fake, provider) = impatient(6000).await;
    fake.fail([Fault::Hang, Fault::Reset]);
    assert!(provider.look(&look(png(8, 8))).await.is_ok());
    assert_eq!(fake.asked().len(), 3);
}

#[tokio::test]
async fn an_empty_purse_and_a_wrong_key_are_not_asked_again() {
    let (fake, provider) = openai().await;
    fake.fail([Fault::quota(), Fault::error(401, "x", Some("invalid_api_key"), "No.")]);
    assert_eq!(fails(&provider, &look(png(8, 8))).await.kind, FailureKind::BudgetExceeded);
    assert_eq!(fails(&provider, &look(png(8, 8))).await.kind, FailureKind::MissingApiKey);
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn what_is_too_long_is_not_read() {
    let (fake, provider) = openai().await;
    let body = format!("\"{}\"", "x".repeat(5 << 20));
    fake.fail(vec![Fault::Raw { status: 200, media_type: "application/json", body }; 3]);
    let failure = fails(&provider, &look(png(8, 8))).await;
    assert!(failure.message.contains("over 4 MB"), "{failure}");
}

#[tokio::test]
async fn what_cannot_be_meant_asks_nobody() {
    let (fake, provider) = openai().await;
    let cases = [
        (Look { prompt: " ".into(), ..look(png(8, 8)) }, "prompt"),
        (Look { images: Vec::new(), ..look(png(8, 8)) }, "images"),
        (Look { detail: some("best"), ..look(png(8, 8)) }, "detail"),
        (Look { model: some("gpt-image-2"), ..look(png(8, 8)) }, "model"),
        (look(b"hello".to_vec()), "images[0]"),
    ];
    for (ask, argument) in cases {
        assert_eq!(fails(&provider, &ask).await.argument.as_deref(), Some(argument));
    }
    assert!(fake.asked().is_empty());
}
