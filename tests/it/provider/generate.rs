//! Pictures from words, at once and as a stream.

use std::sync::Mutex;

use common::{FailureKind, Usd, generation::Wishes};
use serde_json::json;
use worker::provider::{Partial, Quote};

use super::{a_disc, generate, openai, provider_of, settings, some};
use crate::fake_openai::{Dialect, FakeOpenAi, Fault, KEY, REQUEST_ID};

#[tokio::test]
async fn a_prompt_alone_sends_nothing_else() {
    let (fake, provider) = openai().await;
    let made = generate(&provider, Wishes::default()).await.unwrap();
    let asked = fake.asked_once();
    assert_eq!(asked.path, "/v1/images/generations");
    assert_eq!(asked.fields, json!({"model": "gpt-image-2.5-flare", "prompt": "A red disc"}));
    assert_eq!(asked.headers["authorization"], format!("Bearer {KEY}"));
    assert!(!asked.headers.contains_key("openai-organization"));
    let picture = image::load_from_memory(&made.images[0]).unwrap();
    assert_eq!((made.images.len(), picture.width(), picture.height()), (1, 1024, 1024));
    assert_eq!(made.request_id.as_deref(), Some(REQUEST_ID));
    let usage = made.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (10, 1056));
    // 10 tokens of text at $5 a million, 1056 of a picture at $30.
    assert_eq!(made.cost, Some(Usd::from_nanos(10 * 5000 + 1056 * 30_000)));
    assert_eq!((made.model.as_str(), made.model_note, made.ignored), ("gpt-image-2.5-flare", None, vec![]));
}

#[tokio::test]
async fn every_wish_is_sent_as_it_was_said() {
    let (fake, provider) = openai().await;
    let wishes = Wishes {
        model: some("gpt-image-2.6-flare"),
        n: Some(2),
        size: some("1280x768"),
        quality: some("xhigh"),
        background: some("transparent"),
        output_format: some("webp"),
        output_compression: Some(80),
        moderation: some("low"),
        ..Wishes::default()
    };
    let made = generate(&provider, wishes).await.unwrap();
    assert_eq!(
        fake.asked_once().fields,
        json!({
            "model": "gpt-image-2.6-flare", "prompt": "A red disc", "n": 2, "size": "1280x768", "quality": "xhigh",
            "background": "transparent", "output_format": "webp", "output_compression": 80, "moderation": "low",
        })
    );
    assert_eq!(made.images.len(), 2);
    assert!(made.images[0].starts_with(b"RIFF") && made.ignored.is_empty(), "{:?}", made.ignored);
}

#[tokio::test]
async fn whoever_pays_is_named() {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    // A slash at the end is a slip, not another address.
    let base = format!("{}/", fake.base_url());
    let provider = provider_of(&settings(&[
        ("OPENAI_API_KEY", KEY),
        ("OPENAI_BASE_URL", &base),
        ("OPENAI_ORGANIZATION", "org-1"),
        ("OPENAI_PROJECT", "proj_2"),
        ("OPENAI_IMAGE_MODEL", "gpt-image-2"),
    ]))
    .await;
    generate(&provider, Wishes::default()).await.unwrap();
    let asked = fake.asked_once();
    assert_eq!(asked.headers["openai-organization"], "org-1");
    assert_eq!(asked.headers["openai-project"], "proj_2");
    assert_eq!((asked.path.as_str(), &asked.fields["model"]), ("/v1/images/generations", &json!("gpt-image-2")));
    let shown = format!("{provider:?}");
    assert!(!shown.contains(KEY) && !shown.contains("org-1"), "{shown}");
}

#[tokio::test]
async fn a_model_that_has_ended_is_replaced_in_sight() {
    let (fake, provider) = openai().await;
    let made = generate(&provider, Wishes { model: some("gpt-image-1"), ..Wishes::default() }).await.unwrap();
    assert_eq!(fake.asked_once().fields["model"], "gpt-image-2.5-flare");
    assert_eq!(made.model, "gpt-image-2.5-flare");
    assert!(made.model_note.unwrap().contains("gpt-image-1 was shut down"));
}

#[tokio::test]
async fn what_would_be_refused_is_refused_before_anybody_pays() {
    let (fake, provider) = openai().await;
    let default = Wishes::default;
    for (wishes, argument) in [
        (Wishes { size: some("512x512"), ..default() }, "size"),
        (Wishes { model: some("gpt-image-2"), quality: some("max"), ..default() }, "quality"),
        (Wishes { output_format: some("svg"), ..default() }, "output_format"),
        (Wishes { model: some("gpt-6-luna"), ..default() }, "model"),
        (Wishes { input_fidelity: some("high"), ..default() }, "input_fidelity"),
        (Wishes { n: Some(11), ..default() }, "n"),
    ] {
        let failure = generate(&provider, wishes).await.unwrap_err();
        assert_eq!((failure.kind, failure.argument.as_deref()), (FailureKind::InvalidArgument, Some(argument)));
        assert!(failure.next.is_some(), "{failure}");
    }
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn without_a_key_openai_is_not_even_asked() {
    let provider = provider_of(&settings(&[])).await;
    let failure = generate(&provider, Wishes::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::MissingApiKey);
    assert!(failure.next.unwrap().contains("OPENAI_API_KEY"));
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let (fake, provider) = openai().await;
    fake.fail([Fault::OneFewer, Fault::Opaque, Fault::NoUsage]);
    let made = generate(&provider, Wishes { n: Some(4), ..Wishes::default() }).await.unwrap();
    assert_eq!((made.images.len(), made.ignored), (3, vec!["n: the provider made 3 of 4".to_owned()]));
    let clear = Wishes { background: some("transparent"), ..Wishes::default() };
    let made = generate(&provider, clear).await.unwrap();
    assert!(made.ignored[0].starts_with("background:"), "{:?}", made.ignored);
    let made = generate(&provider, Wishes::default()).await.unwrap();
    assert_eq!((made.usage, made.cost), (None, None), "nobody counted");
}

#[tokio::test]
async fn an_svg_is_a_picture_too() {
    let (_fake, provider) = openai().await;
    let wishes = Wishes { model: some("gpt-image-2.6-flare"), output_format: some("svg"), ..Wishes::default() };
    let made = generate(&provider, wishes).await.unwrap();
    assert!(made.images[0].starts_with(b"<svg"));
}

fn streamed(partial_images: u8) -> Wishes {
    Wishes { partial_images: Some(partial_images), ..Wishes::default() }
}

#[tokio::test]
async fn unfinished_pictures_are_shown_on_the_way() {
    let (fake, provider) = openai().await;
    let seen = Mutex::new(Vec::new());
    let progress = |partial: Partial| seen.lock().unwrap().push((partial.index, partial.bytes.len() > 100));
    let made = provider.generate(&a_disc(streamed(2)), &progress).await.unwrap();
    let fields = fake.asked_once().fields;
    assert_eq!((&fields["stream"], &fields["partial_images"]), (&json!(true), &json!(2)));
    assert_eq!(*seen.lock().unwrap(), [(0, true), (1, true)]);
    assert_eq!((made.images.len(), made.usage.unwrap().output_tokens), (1, 1056));
    assert!(made.cost.is_some() && made.request_id.is_some());
    fake.fail([Fault::NoPartials]);
    assert_eq!(generate(&provider, streamed(3)).await.unwrap().images.len(), 1, "fewer than asked for is normal");
}

#[tokio::test]
async fn a_stream_that_does_not_come_to_its_end_is_an_unknown_outcome() {
    for (fault, kind) in [
        (Fault::CutStream, FailureKind::OutcomeUnknown),
        (Fault::BrokenStream, FailureKind::OutcomeUnknown),
        (Fault::ErrorEvent("server_error"), FailureKind::OutcomeUnknown),
        (Fault::ErrorEvent("moderation_blocked"), FailureKind::ContentBlocked),
        (Fault::ErrorEvent("rate_limit_exceeded"), FailureKind::RateLimited),
    ] {
        let (fake, provider) = openai().await;
        fake.fail([fault.clone()]);
        let failure = generate(&provider, streamed(1)).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{fault:?}: {failure}");
        assert!(failure.message.contains(REQUEST_ID), "{failure}");
        fake.asked_once();
    }
}

#[tokio::test]
async fn a_quote_says_what_is_known_and_asks_nobody() {
    let (fake, provider) = openai().await;
    let quote = |wishes, from| provider.quote("A red disc", &wishes, from).unwrap();
    let wishes = Wishes {
        model: some("gpt-image-2"),
        quality: some("medium"),
        size: some("1024x1024"),
        n: Some(2),
        ..Wishes::default()
    };
    let dollars = |quote: &Quote| quote.cost.map(|range| (range.low.dollars(), range.high.dollars())).unwrap();
    let known = quote(wishes.clone(), 0);
    // Ten letters are two tokens at least and ten at most, at $5 a million.
    assert_eq!(dollars(&known), (0.106_01, 0.106_05));
    assert!(known.basis.starts_with("prices of gpt-image-2 as of 20"), "{}", known.basis);
    // 300 to 6000 tokens of a picture, at $8.
    assert_eq!(dollars(&quote(wishes, 1)), (0.108_41, 0.154_05));
    let guess = quote(Wishes::default(), 0);
    assert!(guess.basis.contains("none are published for gpt-image-2.5-flare"), "{}", guess.basis);
    let unknown = quote(Wishes { model: some("of-tomorrow"), ..Wishes::default() }, 0);
    assert_eq!(unknown.cost, None);
    assert!(fake.asked().is_empty());
}
