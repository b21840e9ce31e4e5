//! A few small files, made by the engine: what the fuzzers start from.

mod pictures;
mod recipes;
#[path = "../../worker/src/engine/metadata/tests/rich.rs"]
mod rich;

use std::path::PathBuf;

pub(crate) use self::pictures::made;

/// What a seed is called, and its bytes.
type Seed = (String, Vec<u8>);

/// Writes the seeds of `target` into the folder that FUZZ_SEEDS names, with a dictionary beside it where there is one.
pub(crate) fn write(target: &str) {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS").map(PathBuf::from) else { return };
    let (seeds, words) = match target {
        "recipe" => (recipes::all(), recipes::dictionary()),
        "jpeg" => (pictures::jpegs_to_do(), recipes::tags()),
        "metadata" => (pictures::with_metadata(), recipes::tags()),
        _ => ([pictures::all(), pictures::with_metadata()].concat(), recipes::tags()),
    };
    let write =
        |name: PathBuf, bytes: &[u8]| std::fs::write(&name, bytes).unwrap_or_else(|error| panic!("{name:?}: {error}"));
    write(folder.with_extension("dict"), words.as_bytes());
    for (name, bytes) in seeds {
        write(folder.join(name), &bytes);
    }
}
