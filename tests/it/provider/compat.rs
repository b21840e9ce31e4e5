//! Backends that are not OpenAI.

use bytes::Bytes;
use common::{FailureKind, generation::Wishes};
use serde_json::json;
use worker::provider::{Edit, Look};

use super::{Set, generate, nobody, openai, provider_of, settings, some};
use crate::{
    fake_openai::{Dialect, FakeOpenAi, Fault},
    images::png,
};

/// A backend of one's own, which wants no key.
async fn plain() -> (FakeOpenAi, Set) {
    let fake = FakeOpenAi::start(Dialect::Plain).await;
    let provider = provider_of(&settings(&[
        ("OPENAI_BASE_URL", &fake.base_url()),
        ("OPENAI_COMPAT", "compat"),
        ("OPENAI_IMAGE_MODEL", "gpt-image-1"),
        ("OPENAI_VISION_MODEL", "llava"),
    ]))
    .await;
    (fake, provider)
}

#[tokio::test]
async fn it_is_asked_for_base64_and_not_for_what_it_does_not_know() {
    let (fake, provider) = plain().await;
    fake.fail([Fault::NoUsage]);
    let wishes = Wishes {
        size: some("512x512"),
        quality: some("high"),
        background: some("transparent"),
        moderation: some("low"),
        partial_images: Some(1),
        ..Wishes::default()
    };
    let made = generate(&provider, wishes).await.unwrap();
    let asked = fake.asked_once();
    // The name of a model of its own means that, whatever became of ours.
    let wanted =
        json!({"model": "gpt-image-1", "prompt": "A red disc", "size": "512x512", "response_format": "b64_json"});
    assert_eq!(asked.fields, wanted);
    assert!(!asked.headers.contains_key("authorization"));
    let ignored: Vec<_> = made.ignored.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(ignored, ["quality", "background", "moderation", "partial_images"]);
    assert_eq!((made.model_note, made.usage, made.cost), (None, None, None));
}

#[tokio::test]
async fn pictures_may_come_as_links_and_the_key_stays_behind() {
    let (fake, provider) = openai().await;
    let own = format!("{}/generated/1.png", fake.origin());
    for link in ["/generated/1.png", "../../generated/1.png", own.as_str()] {
        fake.fail([Fault::Link(link.to_owned())]);
        let made = generate(&provider, Wishes::default()).await.unwrap();
        assert_eq!(made.images[0], Bytes::from(png(64, 64)), "{link}");
    }
    let asked = fake.asked();
    let fetched: Vec<_> = asked.iter().filter(|request| request.path == "/generated/1.png").collect();
    assert_eq!((asked.len(), fetched.len()), (6, 3));
    assert!(fetched.iter().all(|request| !request.headers.contains_key("authorization")));
}

#[tokio::test]
async fn a_link_may_hold_the_picture_itself() {
    let (fake, provider) = openai().await;
    fake.fail([Fault::Link("data:image/gif;base64,R0lGODlhAQABAAAAACw=".into())]);
    assert!(generate(&provider, Wishes::default()).await.unwrap().images[0].starts_with(b"GIF89a"));
}

#[tokio::test]
async fn other_hosts_are_asked_only_if_they_are_allowed() {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let base = fake.base_url();
    let with = async |hosts: &'static str| {
        let key = ("OPENAI_API_KEY", crate::fake_openai::KEY);
        provider_of(&settings(&[key, ("OPENAI_BASE_URL", &base), ("OPENAI_URL_HOSTS", hosts)])).await
    };
    // The same machine under another name is another host.
    let link = format!("{}/generated/1.png", fake.origin().replace("127.0.0.1", "localhost"));
    for refused in [link.as_str(), "file:///etc/passwd", "http://169.254.169.254/latest", "http://127.0.0.1:1/x"] {
        fake.fail([Fault::Link(refused.to_owned())]);
        let provider = with("cdn.example.com").await;
        let failure = generate(&provider, Wishes::default()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::OutcomeUnknown, "{refused}: it was made, and paid for");
        assert!(failure.message.contains("OPENAI_URL_HOSTS") && !failure.message.contains("169."), "{failure}");
    }
    assert!(fake.asked().iter().all(|request| request.path == "/v1/images/generations"));
    fake.fail([Fault::Link(link)]);
    let provider = with("localhost").await;
    assert_eq!(generate(&provider, Wishes::default()).await.unwrap().images.len(), 1);
}

#[tokio::test]
async fn a_picture_that_is_not_there_is_not_made_again() {
    let (fake, provider) = openai().await;
    fake.fail([Fault::Link("/generated/none.png".into())]);
    assert_eq!(generate(&provider, Wishes::default()).await.unwrap_err().kind, FailureKind::OutcomeUnknown);
    let posts = fake.asked().iter().filter(|request| request.path.starts_with("/v1/images")).count();
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn errors_are_read_in_every_form() {
    let json = |status, body: &str| Fault::Raw { status, media_type: "application/json", body: body.into() };
    for (fault, kind) in [
        (json(400, r#"{"error":"bad size"}"#), FailureKind::InvalidArgument),
        (json(422, r#"{"detail":[{"loc":["body","n"],"msg":"too many"}]}"#), FailureKind::InvalidArgument),
        (json(401, r#"{"detail":"Unauthorized"}"#), FailureKind::MissingApiKey),
        (Fault::html(401), FailureKind::MissingApiKey),
        (Fault::html(500), FailureKind::OutcomeUnknown),
        (json(200, r#"{"data":null}"#), FailureKind::OutcomeUnknown),
    ] {
        let (fake, provider) = plain().await;
        fake.fail([fault.clone()]);
        assert_eq!(generate(&provider, Wishes::default()).await.unwrap_err().kind, kind, "{fault:?}");
        fake.asked_once();
    }
}

#[tokio::test]
async fn a_backend_without_edits_says_so() {
    let (fake, provider) = plain().await;
    let ask = Edit { prompt: "Bluer".into(), images: vec![png(16, 16).into()], ..Edit::default() };
    let failure = provider.edit(&ask, &nobody).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ModelUnavailable);
    assert!(failure.next.unwrap().contains("OPENAI_BASE_URL"));
    fake.asked_once();
}

#[tokio::test]
async fn it_may_look_at_pictures_too() {
    let (fake, provider) = plain().await;
    let ask = Look { prompt: "What is it?".into(), images: vec![png(16, 16).into()], ..Look::default() };
    let seen = provider.look(&ask).await.unwrap();
    assert_eq!((seen.text.as_str(), seen.cost), ("A red disc.", None));
    assert_eq!(fake.asked_once().fields["model"], "llava");
}

#[tokio::test]
async fn a_file_of_ones_own_prices_ones_own_models() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.toml");
    let text = "as_of = \"2026-11-01\"\n[[vision]]\nname = \"llava\"\nprice = { text_in = 1, out = 2 }\n";
    std::fs::write(&path, text).unwrap();
    let fake = FakeOpenAi::start(Dialect::Plain).await;
    let provider = provider_of(&settings(&[
        ("OPENAI_BASE_URL", &fake.base_url()),
        ("OPENAI_COMPAT", "compat"),
        ("OPENAI_VISION_MODEL", "llava"),
        ("OPENAI_MODELS_FILE", path.to_str().unwrap()),
    ]))
    .await;
    let ask = Look { prompt: "What is it?".into(), images: vec![png(16, 16).into()], ..Look::default() };
    assert_eq!(provider.look(&ask).await.unwrap().cost, Some(common::Usd::from_nanos(1000 * 1000 + 20 * 2000)));
}
