//! `image-tool extract-text FILE`: the text of one image.

use std::{fs::File, io::Read, path::PathBuf};

use clap::Args;
use common::{Failure, process};
use config::Way;
use worker::{
    engine::{Engine, Stop},
    ocr::Ocr,
};

use crate::cli::{End, result, say};

/// The arguments of `extract-text`.
#[derive(Debug, Args)]
pub(crate) struct ExtractTextArguments {
    /// The image to read.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print lines and words with their places, as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs `extract-text`.
pub(crate) fn extract_text(arguments: &ExtractTextArguments) -> anyhow::Result<End> {
    let config = process::settings(Way::Stdio)?;
    let wrong = |error: std::io::Error| Failure::invalid("FILE", format!("{}: {error}.", arguments.file.display()));
    // The engine refuses what is too large; a file that size need not be read first.
    let most = config.engine.max_file_bytes.saturating_add(1);
    let mut bytes = Vec::new();
    File::open(&arguments.file).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(wrong)?;
    let engine = Engine::new(worker::limits(&config, 1))?;
    let models = config.engine.ocr_model_dir.as_deref();
    let ocr = Ocr::new(models).map_err(|error| anyhow::anyhow!("OCR_MODEL_DIR: {error}"))?;
    let (_, read) = ocr.read(&engine, &bytes, arguments.json, &Stop::new(config.engine.job_timeout))?;
    for warning in &read.warnings {
        say(&format!("warning: {}: {}", warning.code, warning.message));
    }
    if arguments.json {
        result(&serde_json::to_string_pretty(&read.reading)?)?;
    } else {
        result(&read.reading.text)?;
    }
    Ok(End::Good)
}
