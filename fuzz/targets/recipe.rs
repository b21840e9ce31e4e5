//! Recipes, as clients send them, done to a small picture.
#![no_main]

use std::sync::{Arc, OnceLock};

use common::Format;
use worker::engine::Options;

/// Nine by seven pixels.
fn picture() -> &'static Arc<[u8]> {
    static PICTURE: OnceLock<Arc<[u8]>> = OnceLock::new();
    PICTURE
        .get_or_init(|| [&b"P6 9 7 255\n"[..], &(0..189).map(|n| n as u8 ^ 0x5a).collect::<Vec<_>>()].concat().into())
}

libfuzzer_sys::fuzz_target!(init: fuzz::ready("recipe"), |data: &[u8]| {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    let Ok(steps) = common::Recipe::parse_steps(&value) else { return };
    let recipe = common::Recipe { steps, output: fuzz::output(Format::Png) };
    let others: Vec<Arc<[u8]>> = recipe.others().map(|_| Arc::clone(picture())).collect();
    drop(fuzz::engine().transform_with(picture(), &others, &recipe, &Options::default(), &fuzz::stop()));
});
