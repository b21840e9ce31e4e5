//! `image-tool batch SRC… --out DIR`: many images through the engine, on all cores.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Instant,
};

use clap::{ArgMatches, Args, builder::PossibleValuesParser};
use common::{
    Clock, Failure, Format, Recipe,
    job::OnConflict,
    naming::{self, Named, Template},
    process, rfc3339,
};
use config::{Config, Way};
use rayon::prelude::*;
use serde::Serialize;
use worker::{
    batch::{Attempt, Naming, Place, Step},
    engine::{Engine, Options, PreviewKind, Stop, Transformed},
    files::{Files, Taken, Writing},
};

use super::{
    flags::RecipeFlags,
    others,
    plan::{Item, Look, Plan},
    progress::Progress,
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
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Only the summary, as JSON, on stdout.
    #[arg(long)]
    json: bool,
}

/// What came of a batch.
#[derive(Default, Serialize)]
struct Summary {
    total: u64,
    ok: u64,
    failed: u64,
    skipped: u64,
    bytes_in: u64,
    bytes_out: u64,
    ms: u64,
    errors: Vec<ItemError>,
}

#[derive(Serialize)]
struct ItemError {
    source: String,
    error: Failure,
}

/// How one image ended.
enum Done {
    Ok { bytes_in: u64, bytes_out: u64 },
    Skipped,
    Failed(Box<Failure>),
}

/// What all images share.
struct Run {
    engine: Engine,
    recipe: Recipe,
    others: Vec<Arc<[u8]>>,
    template: Template,
    policy: OnConflict,
    options: Options,
    results: Files,
    folder: PathBuf,
    sources: HashSet<PathBuf>,
    names: Mutex<HashSet<String>>,
    date: String,
    config: Config,
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
    let plan = Plan::make(&arguments.sources, &look)?;
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
    let run = Run {
        engine: Engine::new(worker::limits(&config, 1))?,
        others: others::read(&recipe, max_file_bytes)?,
        recipe,
        template,
        policy: OnConflict::parse(&arguments.on_conflict).unwrap_or_default(),
        options: Options { strict: arguments.recipe.strict, preview: PreviewKind::None },
        results: Files::open(std::slice::from_ref(&results), &[], max_file_bytes)?,
        folder: results.canonicalize()?,
        sources: plan.items.iter().map(|item| item.path.clone()).collect(),
        names: Mutex::default(),
        date: rfc3339(Clock::default().now_ms()).chars().take(10).collect(),
        config,
    };
    let summary = run.all(&plan, arguments)?;
    report(&summary, &plan, arguments.json)?;
    Ok(if summary.failed > 0 { End::SomeFailed } else { End::Good })
}

impl Run {
    fn all(&self, plan: &Plan, arguments: &BatchArguments) -> anyhow::Result<Summary> {
        let started = Instant::now();
        let progress = Progress::start(plan.items.len() as u64, arguments.json);
        let jobs = arguments.jobs.map_or(0, usize::from);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
        let each = |(index, item): (usize, &Item)| {
            let done = self.one(u32::try_from(index).unwrap_or(u32::MAX), item);
            if let Done::Failed(failure) = &done {
                progress.note(&format!("failed: {}: {failure}", item.path.display()));
            }
            progress.step();
            done
        };
        let ended: Vec<Done> = pool.install(|| plan.items.par_iter().enumerate().with_max_len(1).map(each).collect());
        progress.end();
        let mut summary = Summary { total: ended.len() as u64, ..Summary::default() };
        for (item, done) in plan.items.iter().zip(ended) {
            match done {
                Done::Ok { bytes_in, bytes_out } => {
                    summary.ok += 1;
                    summary.bytes_in += bytes_in;
                    summary.bytes_out += bytes_out;
                }
                Done::Skipped => summary.skipped += 1,
                Done::Failed(error) => {
                    summary.failed += 1;
                    summary.errors.push(ItemError { source: item.path.display().to_string(), error: *error });
                }
            }
        }
        summary.ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(summary)
    }

    fn one(&self, index: u32, item: &Item) -> Done {
        let made = item.files.read(&item.below, "SRC").and_then(|(bytes, _)| {
            let stop = Stop::new(self.config.engine.job_timeout);
            self.engine.transform_with(&bytes, &self.others, &self.recipe, &self.options, &stop)
        });
        let written = made.and_then(|made| Ok((self.write(index, item, &made)?, made)));
        match written {
            Ok((true, made)) => Done::Ok { bytes_in: made.before.bytes, bytes_out: made.facts.bytes },
            Ok((false, _)) => Done::Skipped,
            Err(failure) => Done::Failed(Box::new(failure)),
        }
    }

    /// Whether it was written; not if its name is taken and that means to skip.
    fn write(&self, index: u32, item: &Item, made: &Transformed) -> Result<bool, Failure> {
        let stem = item.path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        let wanted = self.template.render(&Named {
            stem: &stem,
            ext: made.facts.format.extension(),
            index,
            dir: &item.dir,
            width: made.facts.width,
            height: made.facts.height,
            sha256: &made.facts.sha256,
            date: &self.date,
        });
        let mut naming = Naming::new(self.policy, wanted, index, None);
        let mut step = naming.first();
        loop {
            step = match step {
                Step::Try(attempt) => {
                    let place = self.place(&attempt, &made.bytes)?;
                    naming.after(&attempt, place)
                }
                Step::Done(_) => return Ok(true),
                Step::Skip => return Ok(false),
                Step::Fail(failure) => return Err(failure),
            }
        }
    }

    fn place(&self, attempt: &Attempt, bytes: &[u8]) -> Result<Place, Failure> {
        if !self.names.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(attempt.name.clone()) {
            return Ok(Place::Taken);
        }
        if self.sources.contains(&self.folder.join(&attempt.name)) {
            return Ok(Place::Original);
        }
        if let Some((above, _)) = attempt.name.rsplit_once('/') {
            self.results.make_folder(above, "--out")?;
        }
        let how = Writing { overwrite: attempt.may_replace, tag: "shell", argument: "--out", still_wanted: &|| Ok(()) };
        let (taken, _) = self.results.write(&attempt.name, bytes, &how)?;
        Ok(if taken == Taken::No { Place::Written } else { Place::Taken })
    }
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

#[expect(clippy::cast_precision_loss, reason = "a summary for people")]
fn report(summary: &Summary, plan: &Plan, json: bool) -> anyhow::Result<()> {
    if json {
        return Ok(result(&serde_json::to_string(summary)?)?);
    }
    let seconds = summary.ms as f64 / 1000.0;
    let rate = summary.total as f64 / seconds.max(0.001);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    result(&format!(
        "{} images in {seconds:.2} s ({rate:.1} images/s): {} ok, {} failed, {} skipped; {:.1} MiB -> {:.1} MiB",
        summary.total,
        summary.ok,
        summary.failed,
        summary.skipped,
        mib(summary.bytes_in),
        mib(summary.bytes_out),
    ))?;
    for note in plan.notes() {
        result(&format!("left out: {note}"))?;
    }
    Ok(())
}

/// The absolute path of a folder that may not exist yet, free of links as far as it does.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    Ok(path.canonicalize().unwrap_or(path))
}
