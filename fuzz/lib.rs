//! What the targets share.

mod engine;
mod parts;
mod seeds;

use std::{
    panic::PanicHookInfo,
    sync::{Mutex, OnceLock},
    time::Duration,
};

use common::{Failure, Format, Recipe, recipe::Output};
use worker::engine::{Engine, Limits, Options, Stop, Transformed};

pub use self::parts::mutate;

/// The longest that a broken file may keep a thread.
const DEADLINE: Duration = Duration::from_secs(2);

/// An engine with limits that a file of a few kilobytes can reach.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let limits = Limits {
            max_pixels: 1_000_000,
            max_frames: 60,
            max_memory_bytes: 256 << 20,
            threads: 1,
            ..Limits::default()
        };
        Engine::new(limits).unwrap_or_else(|failure| panic!("{failure}"))
    })
}

/// A deadline that starts now.
pub fn stop() -> Stop {
    Stop::new(DEADLINE)
}

/// Does `steps` to `data`.
pub fn transform(data: &[u8], steps: &str, output: Output) -> Result<Transformed, Failure> {
    within(&stop(), data, steps, output)
}

fn within(stop: &Stop, data: &[u8], steps: &str, output: Output) -> Result<Transformed, Failure> {
    let steps = serde_json::from_str(steps).unwrap_or_else(|error| panic!("{error}"));
    engine().transform(data, &Recipe { steps, output }, &Options::default(), stop)
}

/// A result of `format`, nothing else said.
pub fn output(format: Format) -> Output {
    Output { format: Some(format), ..Output::default() }
}

/// Every argument of the steps, and every value that is a word: what a fuzzer of JSON needs to know.
pub fn words() -> Vec<String> {
    fn walk(value: &serde_json::Value, words: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(object) => {
                for (key, value) in object {
                    match (key.as_str(), value) {
                        ("properties", serde_json::Value::Object(inner)) => words.extend(inner.keys().cloned()),
                        ("enum", serde_json::Value::Array(inner)) => {
                            words.extend(inner.iter().filter_map(|word| word.as_str().map(str::to_owned)));
                        }
                        ("const", serde_json::Value::String(word)) => words.push(word.clone()),
                        _ => {}
                    }
                    walk(value, words);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, words)),
            _ => {}
        }
    }
    let mut words = Vec::new();
    walk(&common::schema::of::<Vec<common::Step>>(), &mut words);
    words.sort();
    words.dedup();
    words
}

/// What each target does first.
pub fn ready(target: &str) {
    watch_panics();
    seeds::write(target);
}

/// The engine makes a failure of it when a library panics at a broken file, so that is no end: each place is told once.
/// A panic of our own code is a finding, wherever it would be caught.
fn watch_panics() {
    let ends = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_of_library(panic) {
            ends(panic);
            std::process::abort();
        }
    }));
}

fn is_of_library(panic: &PanicHookInfo<'_>) -> bool {
    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let Some(place) = panic.location().filter(|place| place.file().contains("/registry/src/")) else { return false };
    let place = format!("{}:{}", place.file(), place.line());
    if let Ok(mut seen) = SEEN.lock()
        && !seen.contains(&place)
    {
        eprintln!("LIBRARY PANIC {place}");
        seen.push(place);
    }
    true
}
