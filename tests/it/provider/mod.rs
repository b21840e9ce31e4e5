//! The provider against the fake: what it sends, what it makes of answers, and what it never does twice.

mod compat;
mod edit;
mod failures;
mod generate;
mod pace;
mod vision;

use std::{collections::BTreeMap, ops::Deref, time::Duration};

use common::{Clock, Db, Failure, State, generation::Wishes};
use config::{Config, OpenAi, Surroundings, Way};
use worker::{
    engine::{Engine, Limits},
    provider::{Generate, Made, Partial, Provider},
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

/// A provider, and the folder of its store.
#[derive(Debug)]
struct Set {
    provider: Provider,
    clock: Clock,
    state: State,
    _folder: tempfile::TempDir,
}

impl Deref for Set {
    type Target = Provider;

    fn deref(&self) -> &Provider {
        &self.provider
    }
}

async fn provider_of(settings: &OpenAi) -> Set {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    let state = State::new(Db::open(folder.path(), clock.clone()).await.unwrap());
    let provider = Provider::new(settings, engine(), state.clone(), clock.clone()).unwrap();
    Set { provider, clock, state, _folder: folder }
}

fn engine() -> Engine {
    Engine::new(Limits::default()).unwrap()
}

/// A fake that speaks as OpenAI does, and the provider that is set to it.
async fn openai() -> (FakeOpenAi, Set) {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let provider = provider_of(&settings(&[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &fake.base_url())])).await;
    (fake, provider)
}

/// The same, with little patience.
async fn impatient(timeout_ms: u64) -> (FakeOpenAi, Set) {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let mut settings = settings(&[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &fake.base_url())]);
    settings.timeout = Duration::from_millis(timeout_ms);
    let provider = provider_of(&settings).await;
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
