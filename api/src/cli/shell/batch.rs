//! `image-tool batch SRC… --out DIR`: many images through the engine, on all cores.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, builder::PossibleValuesParser};
use common::{
    Clock, Failure, Format,
    job::OnConflict,
    naming::{self, Template},
    process, rfc3339,
};
use config::Way;
use worker::{
    engine::{Engine, Options, PreviewKind},
    files::Files,
};

use super::{
    batch_end,
    batch_run::Run,
    flags::RecipeFlags,
    interrupt::Interrupt,
    journal::{Journal, fingerprint},
    others,
    plan::{Look, Plan},
};
use crate::cli::{End, result};

/// The arguments of `batch`.
#[derive(Debug, Args)]
pub(crate) struct BatchArguments {
    /// Images and folders to read.
    #[arg(value_name = "SRC", required = true)]
    sources: Vec<PathBuf>,
    /// The folder to write to; made if it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Which names of a folder count, such as '*.{jpg,png}'.
    #[arg(long, default_value = "*")]
    glob: String,
    /// Folders below SRC count too.
    #[arg(long)]
    recursive: bool,
    /// Format of the results [default: that of each image].
    #[arg(long, value_name = "F", value_parser = PossibleValuesParser::new(Format::WRITABLE.map(Format::extension).into_iter().chain(["jpeg"])))]
    format: Option<String>,
    #[command(flatten)]
    recipe: RecipeFlags,
    /// Names of the results; may contain {stem} {ext} {index} {index:04} {dir} {width} {height} {hash8} {date}.
    #[arg(long, value_name = "TEMPLATE", default_value = naming::DEFAULT)]
    name: String,
    /// What to do when a name is taken.
    #[arg(long, default_value = "suffix", value_parser = PossibleValuesParser::new(["suffix", "skip", "overwrite", "error"]))]
    on_conflict: String,
    /// Images worked on at once [default: the number of cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Write manifest.jsonl, a line for each image as soon as it is done, and report.csv into DIR.
    #[arg(long)]
    manifest: bool,
    /// Go on where an earlier run with --manifest or --resume was interrupted: what it has done stays. Implies
    /// --manifest.
    #[arg(long)]
    resume: bool,
    /// Write contact sheets of 48 images each into DIR: contact-001.jpg and so on.
    #[arg(long)]
    contact_sheet: bool,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Only the summary, as JSON, on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `batch`.
pub(crate) fn batch(arguments: &BatchArguments, matches: &ArgMatches) -> anyhow::Result<End> {
    let config = process::settings(Way::Stdio)?;
    let format = arguments.format.as_deref().and_then(Format::from_extension);
    let recipe = arguments.recipe.recipe(matches, format)?;
    let template = Template::parse(&arguments.name, "--name")?;
    let results = absolute(&arguments.out)?;
    let max_file_bytes = config.engine.max_file_bytes;
    let look = Look { glob: &arguments.glob, recursive: arguments.recursive, results: &results, max_file_bytes };
    let mut plan = Plan::make(&arguments.sources, &look)?;
    if plan.items.is_empty() {
        let notes = plan.notes().join(", ");
        return Err(Failure::invalid(
            "SRC",
            format!("No image was found. Left out: {}.", if notes.is_empty() { "nothing" } else { &notes }),
        )
        .next("Check SRC and --glob; add --recursive to look into folders below.")
        .into());
    }
    if arguments.dry_run {
        return dry_run(&plan, arguments.json);
    }
    std::fs::create_dir_all(&results)
        .map_err(|error| Failure::invalid("--out", format!("{}: {error}.", results.display())))?;
    let (folder, others) = (results.canonicalize()?, others::read(&recipe, max_file_bytes)?);
    let journal = match arguments.manifest || arguments.resume {
        true => {
            let what = fingerprint(&recipe, &others, &arguments.name, arguments.recipe.strict)?;
            Some(Journal::open(&folder, what, arguments.resume)?)
        }
        false => None,
    };
    if let Some(journal) = &journal {
        plan.items.retain(|item| !journal.is_result(&item.path));
    }
    let run = Run {
        engine: Engine::new(worker::limits(&config, 1))?,
        others,
        recipe,
        template,
        policy: OnConflict::parse(&arguments.on_conflict).unwrap_or_default(),
        options: Options { strict: arguments.recipe.strict, preview: PreviewKind::None },
        results: Files::open(std::slice::from_ref(&results), &[], max_file_bytes)?,
        folder,
        sources: plan.items.iter().map(|item| item.path.clone()).collect(),
        names: Default::default(),
        date: rfc3339(Clock::default().now_ms()).chars().take(10).collect(),
        timeout: config.engine.job_timeout,
        journal,
        resume: arguments.resume,
        interrupt: Interrupt::listen(arguments.json)?,
    };
    batch_end::finish(&run, &plan, arguments.jobs.map_or(0, usize::from), arguments.json, arguments.contact_sheet)
}

fn dry_run(plan: &Plan, json: bool) -> anyhow::Result<End> {
    if json {
        let sources: Vec<String> = plan.items.iter().map(|item| item.path.display().to_string()).collect();
        let planned = serde_json::json!({"total": sources.len(), "sources": sources, "left_out": plan.skipped});
        result(&planned.to_string())?;
        return Ok(End::Good);
    }
    for item in &plan.items {
        result(&item.path.display().to_string())?;
    }
    result(&format!("{} images would be read; nothing was written.", plan.items.len()))?;
    for note in plan.notes() {
        result(&format!("left out: {note}"))?;
    }
    Ok(End::Good)
}

/// The absolute path of a folder that may not exist yet, free of links as far as it does.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    Ok(path.canonicalize().unwrap_or(path))
}
