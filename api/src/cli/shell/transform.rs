//! `image-tool transform IN OUT`: one image through the engine.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{ArgMatches, Args};
use common::{Failure, Format, process};
use config::Way;
use worker::{
    engine::{Engine, Options, PreviewKind, Stop},
    files::{Files, Writing},
};

use super::{flags::RecipeFlags, others};
use crate::cli::{End, result, say};

/// The arguments of `transform`.
#[derive(Debug, Args)]
pub(crate) struct TransformArguments {
    /// The image to read.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The image to write; its ending gives the format.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    #[command(flatten)]
    recipe: RecipeFlags,
}

/// Runs `transform`.
pub(crate) fn transform(arguments: &TransformArguments, matches: &ArgMatches) -> anyhow::Result<End> {
    let config = process::settings(Way::Stdio)?;
    let recipe = arguments.recipe.recipe(matches, Some(format_of(&arguments.output)?))?;
    let others = others::read(&recipe, config.engine.max_file_bytes)?;
    let wrong = |error: std::io::Error| Failure::invalid("IN", format!("{}: {error}.", arguments.input.display()));
    let real = arguments.input.canonicalize().map_err(wrong)?;
    // The engine refuses what is too large; a file that size need not be read first.
    let most = config.engine.max_file_bytes.saturating_add(1);
    let mut bytes = Vec::new();
    std::fs::File::open(&real).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(wrong)?;
    let (to, output) = beside(&arguments.output, config.engine.max_file_bytes)?;
    if to.resolve(&output).is_some_and(|existing| existing == real) {
        return Err(Failure::invalid("OUT", "IN and OUT are the same file.").next("Give OUT another name.").into());
    }
    let engine = Engine::new(worker::limits(&config, 1))?;
    let options = Options { strict: arguments.recipe.strict, preview: PreviewKind::None };
    let made = engine.transform_with(&bytes, &others, &recipe, &options, &Stop::new(config.engine.job_timeout))?;
    to.write(
        &output,
        &made.bytes,
        &Writing { overwrite: true, tag: "shell", argument: "OUT", still_wanted: &|| Ok(()) },
    )?;
    for warning in &made.warnings {
        say(&format!("warning: {}: {}", warning.code, warning.message));
    }
    for ignored in &made.ignored {
        say(&format!("ignored: {ignored}"));
    }
    let (before, after) = (made.before, &made.facts);
    result(&format!(
        "{}: {} {}x{} {} bytes -> {} {}x{} {} bytes",
        arguments.output.display(),
        before.format.name(),
        before.width,
        before.height,
        before.bytes,
        after.format.name(),
        after.width,
        after.height,
        after.bytes,
    ))?;
    Ok(End::Good)
}

fn format_of(path: &Path) -> Result<Format, Failure> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    Format::from_extension(ending).filter(|format| format.writable()).ok_or_else(|| {
        let endings: Vec<&str> = Format::WRITABLE.iter().map(|format| format.extension()).collect();
        Failure::invalid("OUT", format!("The ending \".{ending}\" is no format that can be written."))
            .allowed(endings.join(", "))
    })
}

/// The folder of `path`, opened, and the name in it.
fn beside(path: &Path, max_file_bytes: u64) -> anyhow::Result<(Files, String)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().with_context(|| format!("{} has no file name", path.display()))?;
    let name = name.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    let files = Files::open(&[folder.to_path_buf()], &[], max_file_bytes)
        .map_err(|error| Failure::invalid("path", format!("{error}.")))?;
    Ok((files, name.to_owned()))
}
