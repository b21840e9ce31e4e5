//! The images of a shell batch, one by one on all cores.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use common::{
    Failure, Recipe,
    job::OnConflict,
    jobs::ItemStatus,
    naming::{Named, Template},
};
use rayon::prelude::*;
use worker::{
    batch::{Attempt, Line, LineError, Naming, Place, Step},
    engine::{Engine, Options, Stop, Transformed},
    files::{Files, Taken, Writing},
};

use super::{
    interrupt::Interrupt,
    journal::{Journal, sha256},
    plan::{Item, Plan},
    progress::Progress,
};

/// Temporary names carry it.
const TAG: &str = "shell";

/// What all images share.
pub(super) struct Run {
    pub(super) engine: Engine,
    pub(super) recipe: Recipe,
    pub(super) others: Vec<Arc<[u8]>>,
    pub(super) template: Template,
    pub(super) policy: OnConflict,
    pub(super) options: Options,
    pub(super) results: Files,
    pub(super) folder: PathBuf,
    pub(super) sources: HashSet<PathBuf>,
    pub(super) names: Mutex<HashSet<String>>,
    pub(super) date: String,
    pub(super) timeout: Duration,
    pub(super) journal: Option<Journal>,
    pub(super) resume: bool,
    pub(super) interrupt: Interrupt,
}

/// How one image ended.
pub(super) enum Done {
    Ok(Line),
    Skipped(Line),
    Failed(Line, Box<Failure>),
    /// An earlier run was through with it.
    Before(Line),
    /// Somebody pressed Ctrl-C first.
    Left,
}

impl Done {
    pub(super) fn line(&self) -> Option<&Line> {
        match self {
            Self::Ok(line) | Self::Skipped(line) | Self::Failed(line, _) | Self::Before(line) => Some(line),
            Self::Left => None,
        }
    }
}

impl Run {
    pub(super) fn all(&self, plan: &Plan, progress: &Progress) -> Vec<Done> {
        if self.resume {
            self.sweep(plan);
        }
        let each = |(index, item): (usize, &Item)| {
            let done = self.one(u32::try_from(index).unwrap_or(u32::MAX), item);
            if let Done::Failed(_, failure) = &done {
                progress.note(&format!("failed: {}: {failure}", item.path.display()));
            }
            progress.step();
            done
        };
        plan.items.par_iter().enumerate().with_max_len(1).map(each).collect()
    }

    /// Removes what a run that was killed has left half-written.
    fn sweep(&self, plan: &Plan) {
        let above = |name: &str| name.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned();
        let before = self.journal.iter().flat_map(Journal::results).map(above);
        let folders: HashSet<String> =
            plan.items.iter().map(|item| item.dir.clone()).chain(before).chain([".".to_owned()]).collect();
        folders.iter().filter(|folder| !folder.is_empty()).for_each(|folder| self.results.sweep(folder, TAG));
    }

    fn one(&self, index: u32, item: &Item) -> Done {
        if self.interrupt.asked() {
            return Done::Left;
        }
        let started = Instant::now();
        let source = item.path.display().to_string();
        let mut line = Line { index, source, ..Line::default() };
        let done = match self.work(item, &mut line) {
            Ok(Some(before)) => return Done::Before(Line { index, ..before }),
            Ok(None) => None,
            Err(failure) => Some(failure),
        };
        line.ms = Some(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        let status = match (&done, &line.output) {
            (Some(_), _) => ItemStatus::Failed,
            (None, Some(_)) => ItemStatus::Ok,
            (None, None) => ItemStatus::Skipped,
        };
        line.status = status.name().to_owned();
        line.error = done.as_ref().map(LineError::from);
        if let Some(Err(error)) = self.journal.as_ref().map(|journal| journal.write(&line)) {
            let failure = Failure::invalid("--manifest", format!("The manifest cannot be written: {error}."));
            return Done::Failed(line, Box::new(failure));
        }
        match done {
            Some(failure) => Done::Failed(line, Box::new(failure)),
            None if status == ItemStatus::Ok => Done::Ok(line),
            None => Done::Skipped(line),
        }
    }

    /// Makes and writes the result and fills in `line`, unless an earlier run has: then its line.
    fn work(&self, item: &Item, line: &mut Line) -> Result<Option<Line>, Failure> {
        let (bytes, _) = item.files.read(&item.below, "SRC")?;
        line.bytes_before = bytes.len() as u64;
        if let Some(journal) = &self.journal {
            let sum = sha256(&bytes);
            if let Some(before) = journal.done(&line.source, &sum) {
                return Ok(Some(before.clone()));
            }
            line.source_sha256 = Some(sum);
            line.recipe_sha256 = Some(journal.recipe_sha256().to_owned());
        }
        let stop = Stop::new(self.timeout);
        let made = self.engine.transform_with(&bytes, &self.others, &self.recipe, &self.options, &stop)?;
        drop(bytes);
        let wanted = self.wanted(line.index, item, &made);
        line.output = self.settle(Naming::new(self.policy, wanted, line.index, None), &line.source, &made.bytes)?;
        if line.output.is_some() {
            line.bytes_after = made.facts.bytes;
            line.sha256 = Some(made.facts.sha256);
        }
        Ok(None)
    }

    fn wanted(&self, index: u32, item: &Item, made: &Transformed) -> String {
        let stem = item.path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        self.template.render(&Named {
            stem: &stem,
            ext: made.facts.format.extension(),
            index,
            dir: &item.dir,
            width: made.facts.width,
            height: made.facts.height,
            sha256: &made.facts.sha256,
            date: &self.date,
        })
    }

    /// Writes `bytes`, which come of `source`, under a name that is free. `None` if its name is taken and that means to
    /// skip.
    pub(super) fn settle(&self, mut naming: Naming, source: &str, bytes: &[u8]) -> Result<Option<String>, Failure> {
        let mut step = naming.first();
        loop {
            step = match step {
                Step::Try(attempt) => {
                    let place = self.place(&attempt, source, bytes)?;
                    naming.after(&attempt, place)
                }
                Step::Done(name) => return Ok(Some(name)),
                Step::Skip => return Ok(None),
                Step::Fail(failure) => return Err(failure),
            }
        }
    }

    fn place(&self, attempt: &Attempt, source: &str, bytes: &[u8]) -> Result<Place, Failure> {
        let anothers = self.journal.as_ref().is_some_and(|journal| journal.is_anothers(&attempt.name, source));
        if anothers || !self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(attempt.name.clone()) {
            return Ok(Place::Taken);
        }
        if self.sources.contains(&self.folder.join(&attempt.name)) {
            return Ok(Place::Original);
        }
        if let Some((above, _)) = attempt.name.rsplit_once('/') {
            self.results.make_folder(above, "--out")?;
        }
        let how = Writing { overwrite: attempt.may_replace, tag: TAG, argument: "--out", still_wanted: &|| Ok(()) };
        let (taken, _) = self.results.write(&attempt.name, bytes, &how)?;
        // A run that was killed between a result and its line has left the same bytes here.
        let own = || self.results.read(&attempt.name, "--out").is_ok_and(|(there, _)| there == bytes);
        Ok(if taken == Taken::No || (self.resume && own()) { Place::Written } else { Place::Taken })
    }
}
