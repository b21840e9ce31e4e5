//! The manifest of a shell batch as its memory: a line is appended as soon as an image is done, so that a run that was
//! interrupted, or killed, can be gone on with.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use common::{Failure, Recipe};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use worker::batch::Line;

const NAME: &str = "manifest.jsonl";
const REPORT: &str = "report.csv";

/// What is known of earlier runs, and where this one is written down.
pub(super) struct Journal {
    folder: PathBuf,
    file: Mutex<File>,
    recipe_sha256: String,
    /// What went well before, by source.
    done: HashMap<String, Line>,
    /// Whose a result is.
    owners: HashMap<String, String>,
}

impl Journal {
    /// The manifest in `folder`, of work with this fingerprint. Only with `resume` one that is there is gone on with.
    pub(super) fn open(folder: &Path, recipe_sha256: String, resume: bool) -> Result<Self, Failure> {
        if !resume && let Some(there) = [NAME, REPORT].into_iter().find(|name| folder.join(name).exists()) {
            return Err(Failure::invalid("--manifest", format!("{there} is there already."))
                .next("Add --resume to go on with an earlier run, or give another --out."));
        }
        let path = folder.join(NAME);
        let wrong = |error: io::Error| Failure::invalid("--manifest", format!("{}: {error}.", path.display()));
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(wrong)?;
        let lines = whole_lines(&mut file).map_err(wrong)?;
        let mut journal = Self {
            folder: folder.to_owned(),
            file: Mutex::new(file),
            recipe_sha256,
            done: HashMap::new(),
            owners: HashMap::new(),
        };
        let mut foreign = false;
        for text in lines.lines() {
            match serde_json::from_str::<Line>(text) {
                Ok(line) => journal.remember(line),
                Err(_) => foreign = true,
            }
        }
        if foreign && journal.done.is_empty() {
            return Err(Failure::invalid("--resume", format!("{} is not a manifest of a batch.", path.display()))
                .next("Give another --out, or move that file away."));
        }
        Ok(journal)
    }

    /// The last line on a source is the true one.
    fn remember(&mut self, line: Line) {
        match (&line.output, line.status.as_str()) {
            (Some(output), "ok") => {
                self.owners.insert(output.clone(), line.source.clone());
                self.done.insert(line.source.clone(), line);
            }
            _ => {
                self.done.remove(&line.source);
            }
        }
    }

    /// The line of a source that an earlier run was through with, if neither it nor the recipe has changed since and
    /// the result is still there.
    pub(super) fn done(&self, source: &str, source_sha256: &str) -> Option<&Line> {
        let line = self.done.get(source)?;
        let same = line.source_sha256.as_deref() == Some(source_sha256)
            && line.recipe_sha256.as_deref() == Some(&self.recipe_sha256);
        let there = || std::fs::metadata(self.folder.join(line.output.as_deref()?)).ok();
        (same && there().is_some_and(|there| there.is_file() && there.len() == line.bytes_after)).then_some(line)
    }

    /// What the lines of this run say of the recipe.
    pub(super) fn recipe_sha256(&self) -> &str {
        &self.recipe_sha256
    }

    /// Whether an earlier run gave `name` to the result of another source.
    pub(super) fn is_anothers(&self, name: &str, source: &str) -> bool {
        self.owners.get(name).is_some_and(|owner| owner != source)
    }

    /// Whether an earlier run has made this file.
    pub(super) fn is_result(&self, path: &Path) -> bool {
        path.strip_prefix(&self.folder)
            .is_ok_and(|below| self.owners.contains_key(below.to_string_lossy().replace('\\', "/").as_str()))
    }

    /// Names that earlier runs gave.
    pub(super) fn results(&self) -> impl Iterator<Item = &str> {
        self.owners.keys().map(String::as_str)
    }

    /// Writes down how an image ended. It is in the file when this returns: nothing waits in memory for a better time.
    pub(super) fn write(&self, line: &Line) -> io::Result<()> {
        let text = line.json()?;
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes())
    }
}

/// All lines that were written to their ends, and the file ready for the next one.
fn whole_lines(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    // A killed run may have torn its last line.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    bytes.truncate(whole);
    file.set_len(whole as u64)?;
    file.seek(SeekFrom::End(0))?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// SHA-256 as the manifest has it.
pub(super) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// What was to be done with each image, in one number: steps, output, names, and the bytes of the images that steps name.
pub(super) fn fingerprint(
    recipe: &Recipe,
    others: &[Arc<[u8]>],
    name: &str,
    strict: bool,
) -> serde_json::Result<String> {
    let others: Vec<String> = others.iter().map(|bytes| sha256(bytes)).collect();
    Ok(sha256(&serde_json::to_vec(&(recipe, others, name, strict))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(source: &str, status: &str) -> Line {
        Line {
            source: source.into(),
            status: status.into(),
            output: Some(format!("{source}.jpg")),
            bytes_after: 3,
            source_sha256: Some("s".into()),
            recipe_sha256: Some("r".into()),
            ..Line::default()
        }
    }

    fn open(folder: &Path, recipe: &str, resume: bool) -> Result<Journal, Failure> {
        Journal::open(folder, recipe.into(), resume)
    }

    #[test]
    fn what_is_done_and_unchanged_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path(), "r", false).unwrap();
        for (source, status) in [("a", "ok"), ("b", "ok"), ("c", "failed"), ("d", "ok"), ("d", "failed")] {
            first.write(&line(source, status)).unwrap();
        }
        std::fs::write(folder.path().join("a.jpg"), "abc").unwrap();
        std::fs::write(folder.path().join("b.jpg"), "another length").unwrap();
        let again = open(folder.path(), "r", true).unwrap();
        assert!(again.done("a", "s").is_some());
        assert!(again.done("a", "changed").is_none() && again.done("b", "s").is_none());
        assert!(again.done("c", "s").is_none() && again.done("d", "s").is_none() && again.done("e", "s").is_none());
        assert!(again.is_result(&folder.path().join("a.jpg")) && !again.is_result(&folder.path().join("e.jpg")));
        assert!(again.is_anothers("a.jpg", "b") && !again.is_anothers("a.jpg", "a"));
        assert!(open(folder.path(), "other", true).unwrap().done("a", "s").is_none());
    }

    #[test]
    fn a_torn_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let whole = line("a", "ok").json().unwrap();
        std::fs::write(&path, format!("{whole}{{\"index\":1,\"sour")).unwrap();
        let journal = open(folder.path(), "r", true).unwrap();
        journal.write(&line("b", "ok")).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{whole}{}", line("b", "ok").json().unwrap()));
        assert_eq!(journal.done.len(), 1);
    }

    #[test]
    fn a_file_of_somebody_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, "{\"theirs\":1}\n").unwrap();
        assert_eq!(open(folder.path(), "r", false).err().unwrap().argument.as_deref(), Some("--manifest"));
        assert_eq!(open(folder.path(), "r", true).err().unwrap().argument.as_deref(), Some("--resume"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"theirs\":1}\n");
    }
}
