//! The pace that all workers keep together.

use std::time::Duration;

use common::{FailureKind, generation::Wishes};
use worker::provider::Provider;

use super::{engine, generate, provider_of, settings};
use crate::fake_openai::{Dialect, FakeOpenAi, Fault, KEY};

#[tokio::test]
async fn workers_share_the_pictures_of_a_minute() {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let pace = ("OPENAI_IMAGES_PER_MINUTE", "2");
    let mut settings = settings(&[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &fake.base_url()), pace]);
    settings.timeout = Duration::from_secs(5);
    let one = provider_of(&settings).await;
    // Another worker: its own provider, the same store.
    let other = Provider::new(&settings, engine(), one.state.clone(), one.clock.clone()).unwrap();
    generate(&one, Wishes { n: Some(2), ..Wishes::default() }).await.unwrap();
    let failure = generate(&other, Wishes::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::RateLimited);
    assert!((1..=60).contains(&failure.retry_after.unwrap()), "{failure}");
    assert_eq!(fake.asked().len(), 1, "nobody was asked out of turn");
    one.clock.advance(Duration::from_secs(61));
    generate(&other, Wishes::default()).await.unwrap();
    // More than fit into a minute have one to themselves.
    one.clock.advance(Duration::from_secs(61));
    generate(&one, Wishes { n: Some(3), ..Wishes::default() }).await.unwrap();
    assert!(generate(&other, Wishes::default()).await.is_err());
}

#[tokio::test]
async fn when_one_is_told_to_wait_all_wait() {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let mut settings = settings(&[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &fake.base_url())]);
    settings.timeout = Duration::from_secs(5);
    let one = provider_of(&settings).await;
    let other = Provider::new(&settings, engine(), one.state.clone(), one.clock.clone()).unwrap();
    fake.fail([Fault::error(429, "x", Some("rate_limit_exceeded"), "Later.").with("retry-after", "30")]);
    assert_eq!(generate(&one, Wishes::default()).await.unwrap_err().retry_after, Some(30));
    let failure = generate(&other, Wishes::default()).await.unwrap_err();
    assert!((1..=30).contains(&failure.retry_after.unwrap()), "{failure}");
    fake.asked_once();
    one.clock.advance(Duration::from_secs(31));
    generate(&other, Wishes::default()).await.unwrap();
    // An empty purse is nobody else's turn to wait for.
    fake.fail([Fault::quota()]);
    assert_eq!(generate(&one, Wishes::default()).await.unwrap_err().kind, FailureKind::BudgetExceeded);
    generate(&other, Wishes::default()).await.unwrap();
}
