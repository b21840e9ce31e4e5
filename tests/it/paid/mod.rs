//! The tools that ask models, through the real program, against a provider of the test's own.

mod attacks;
mod doctor;
mod making;
mod money;
mod replicas;
mod seeing;

use serde_json::{Value, json};

use crate::{
    fake_openai::{Asked, Dialect, FakeOpenAi, KEY},
    harness::{Folder, Server},
};

/// A server whose provider is a fake, with more settings.
struct House {
    folder: Folder,
    server: Server,
    fake: FakeOpenAi,
}

impl House {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let (folder, fake) = (Folder::new(), FakeOpenAi::start(Dialect::OpenAi).await);
        let server = start(&folder, &fake, settings);
        Self { folder, server, fake }
    }

    async fn open() -> Self {
        Self::with(&[]).await
    }

    /// The requests for pictures.
    fn paid(&self) -> Vec<Asked> {
        self.fake.asked().into_iter().filter(|asked| asked.path.starts_with("/v1/images/")).collect()
    }

    /// The requests to look.
    fn looks(&self) -> Vec<Asked> {
        self.fake.asked().into_iter().filter(|asked| asked.path.ends_with("/chat/completions")).collect()
    }

    /// What was spent this month, in US dollars.
    async fn spent(&self) -> f64 {
        self.server.ok("get_usage", json!({})).await["month"]["spent_usd"].as_f64().unwrap()
    }

    async fn pixels(&self, facts: &Value) -> image::DynamicImage {
        let bytes = self.server.get(facts["url"].as_str().unwrap()).await.bytes().await.unwrap();
        assert_eq!(facts["bytes"], bytes.len());
        image::load_from_memory(&bytes).unwrap()
    }
}

fn start(folder: &Folder, fake: &FakeOpenAi, settings: &[(&str, &str)]) -> Server {
    let base_url = fake.base_url();
    let mut all = vec![("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())];
    all.extend(settings);
    Server::start_with(folder, &all)
}

/// 10 tokens of text at $5 a million and 1056 of a picture at $30.
const CREATED: f64 = 0.000_05 + 0.031_68;

/// 1000 tokens at 10 cents a million and 20 at 50.
const LOOKED: f64 = 0.000_1 + 0.000_01;

#[track_caller]
fn about(sum: &Value, dollars: f64) {
    let sum = sum.as_f64().unwrap_or(f64::NAN);
    assert!((sum - dollars).abs() < 1e-9, "{sum} is not {dollars}");
}

/// What stands outside every fence.
fn outside_of_fences(text: &str) -> String {
    let after = |part: &str| part.split_once("</file_data>").map(|(_, after)| after.to_owned());
    let mut parts = text.split("<file_data>");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.map(|part| after(part).expect("a fence is not closed")).fold(first, |all, part| all + &part)
}
