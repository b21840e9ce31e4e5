//! The images of a shell batch: files and folders as they were named, in order, each once.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use common::Failure;
use worker::{batch, engine::is_picture, files::Files};

/// One image to work on.
#[derive(Debug)]
pub(super) struct Item {
    /// Where it is read from.
    pub(super) files: Arc<Files>,
    /// Its path below that.
    pub(super) below: String,
    /// Its absolute path.
    pub(super) path: PathBuf,
    /// Its folder below the one that was named.
    pub(super) dir: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
    /// What was left out, by reason.
    pub(super) skipped: BTreeMap<&'static str, u64>,
}

/// How to look.
pub(super) struct Look<'a> {
    pub(super) glob: &'a str,
    pub(super) recursive: bool,
    pub(super) results: &'a Path,
    pub(super) max_file_bytes: u64,
}

impl Plan {
    /// Finds the images below `sources`.
    pub(super) fn make(sources: &[PathBuf], look: &Look<'_>) -> Result<Self, Failure> {
        let mut plan = Self::default();
        let mut seen = HashSet::new();
        for source in sources {
            let wrong = |error: std::io::Error| Failure::invalid("SRC", format!("{}: {error}.", source.display()));
            let real = source.canonicalize().map_err(wrong)?;
            if real.is_dir() {
                let files =
                    Arc::new(Files::open(std::slice::from_ref(&real), &[], look.max_file_bytes).map_err(wrong)?);
                plan.folder(&files, look, &mut seen)?;
            } else if let (Some(folder), Some(name)) = (real.parent(), real.file_name()) {
                let files = Arc::new(Files::open(&[folder.to_path_buf()], &[], look.max_file_bytes).map_err(wrong)?);
                let below = name.to_string_lossy().into_owned();
                plan.add(Item { files, below, dir: String::new(), path: real.clone() }, &mut seen);
            }
        }
        Ok(plan)
    }

    fn folder(&mut self, files: &Arc<Files>, look: &Look<'_>, seen: &mut HashSet<PathBuf>) -> Result<(), Failure> {
        let mut listing = files.list(".", look.glob, look.recursive, &is_picture)?;
        listing.leave_out(Some(look.results));
        for (reason, count) in &listing.skipped {
            *self.skipped.entry(reason).or_default() += count;
        }
        for below in &listing.files {
            let dir = below.parent().map(|dir| dir.to_string_lossy().replace('\\', "/")).unwrap_or_default();
            let path = listing.folder.join(below);
            self.add(Item { files: files.clone(), below: below.to_string_lossy().into_owned(), dir, path }, seen);
        }
        Ok(())
    }

    fn add(&mut self, item: Item, seen: &mut HashSet<PathBuf>) {
        if seen.insert(item.path.clone()) {
            self.items.push(item);
        }
    }

    /// What was left out, as a person reads it.
    pub(super) fn notes(&self) -> Vec<String> {
        batch::notes(&self.skipped)
    }
}
