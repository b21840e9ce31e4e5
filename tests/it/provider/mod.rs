//! The provider against the fake: what it sends, what it makes of answers, and what it never does twice.

mod compat;
mod edit;
mod failures;
mod generate;
mod vision;

use std::{collections::BTreeMap, time::Duration};

use common::{Clock, Failure};
use config::{Config, OpenAi, Surroundings, Way};
use worker::{
    engine::{Engine, Limits},
    provider::{Generate, Made, Partial, Provider, Wishes},
};

use crate::fake_openai::{Dialect, FakeOpenAi, KEY};

/// The settings as an operator would write them.
fn settings(pairs: &[(&str, &str)]) -> OpenAi {
    let around = Surroundings {
        way: Way::Stdio,
        start_dir: "/start".into(),
        home_dir: None,
        data_home: "/data".into(),
        cores: 1,
        read_file: |path| std::fs::read_to_string(path),
    };
    let environment: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Config::read(&environment, &around).unwrap().openai
}

fn provider_of(settings: &OpenAi) -> Provider {
    Provider::new(settings, Engine::new(Limits::default()).unwrap(), Clock::default()).unwrap()
}

/// A fake that speaks as OpenAI does, and the provider that is set to it.
async fn openai() -> (FakeOpenAi, Provider) {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let provider = provider_of(&settings(&[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &fake.base_url())]));
    (fake, provider)
}

/// The same, with little patience.
async fn impatient(timeout_ms: u64) -> (FakeOpenAi, Provider) {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let mut settings = settings(&[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &fake.base_url())]);
    settings.timeout = Duration::from_millis(timeout_ms);
    let provider = provider_of(&settings);
    (fake, provider)
}

fn a_disc(wishes: Wishes) -> Generate {
    Generate { prompt: "A red disc".into(), wishes }
}

fn nobody(_: Partial) {}

async fn generate(provider: &Provider, wishes: Wishes) -> Result<Made, Failure> {
    provider.generate(&a_disc(wishes), &nobody).await
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}
