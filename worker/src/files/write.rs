//! Writing a result where a caller named it: to a hidden temporary name, to the disk, and only then to its own.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use cap_std::fs::{Dir, OpenOptions};
use common::{Failure, FailureKind, random_bytes, schema::clip};

use super::{Files, canonical, shown, steps, walk};

/// Whether a name was free.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Taken {
    /// It was, and the file is written.
    No,
    /// It was not, and nothing was written.
    Yes,
}

const SEPARATORS: [char; 2] = ['/', std::path::MAIN_SEPARATOR];

/// The folder that a path names its file in.
pub(crate) fn folder_of(path: &str) -> &str {
    match path.rsplit_once(SEPARATORS) {
        None => ".",
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
    }
}

/// How a file is written.
#[derive(Clone, Copy)]
pub struct Writing<'a> {
    /// Whether an existing file is replaced.
    pub overwrite: bool,
    /// Who writes; temporary names carry it, so that [`Files::sweep`] finds what a killed process left.
    pub tag: &'a str,
    /// The argument that failures name.
    pub argument: &'a str,
    /// Asked when all is written but the name: writing takes its time, and may have become wrong meanwhile.
    pub still_wanted: &'a dyn Fn() -> Result<(), Failure>,
}

impl Files {
    /// Writes `bytes` to `path` in an existing folder below an allowed one.
    ///
    /// # Errors
    /// `file_not_reachable` if the place is outside the allowed folders, hidden or not writable; `storage_full`; what
    /// [`Writing::still_wanted`] says.
    pub fn write(&self, path: &str, bytes: &[u8], how: &Writing<'_>) -> Result<(Taken, PathBuf), Failure> {
        let argument = how.argument;
        let place = self.place(folder_of(path), argument)?;
        let name = path.rsplit_once(SEPARATORS).map_or(path, |(_, name)| name);
        if name.is_empty() || name.starts_with('.') || name == ".." {
            return Err(self.unreachable(argument, "The file name is empty or hidden."));
        }
        let dir = walk(&place.root.dir, &place.steps).map_err(|error| self.unwritable(argument, &error))?;
        let target = place.absolute().join(name);
        let part = Part::write(&dir, how.tag, bytes).map_err(|error| self.unwritable(argument, &error))?;
        (how.still_wanted)()?;
        let taken = part.take(Path::new(name), how.overwrite).map_err(|error| self.unwritable(argument, &error))?;
        Ok((taken, target))
    }

    /// Makes the folder `path` below an allowed one, with what is missing above it. Returns where it really is.
    ///
    /// # Errors
    /// As [`Files::write`].
    pub fn make_folder(&self, path: &str, argument: &str) -> Result<PathBuf, Failure> {
        let mut last = None;
        for (root, rest) in self.candidates(path, argument)? {
            if self.hidden(root, &rest) {
                last = Some(self.unreachable(argument, "Hidden folders and the server's own data cannot be named."));
                continue;
            }
            let made = if rest.as_os_str().is_empty() { Ok(()) } else { root.dir.create_dir_all(&rest) };
            match made.and_then(|()| canonical(&root.dir, &rest)) {
                Ok(inside) if !self.hidden(root, &inside) => {
                    return Ok(steps(&inside).iter().fold(root.canonical.clone(), |path, step| path.join(step)));
                }
                Ok(_) => {
                    last = Some(self.unreachable(argument, "Hidden folders and the server's own data cannot be named."))
                }
                Err(error) => last = Some(self.unwritable(argument, &error)),
            }
        }
        Err(last.unwrap_or_else(|| self.unreachable(argument, "There is no allowed folder.")))
    }

    /// Removes what a killed process left half-written in `folder` under `tag`. Nobody may be writing under it.
    pub fn sweep(&self, folder: &str, tag: &str) {
        let Ok(place) = self.place(folder, "") else { return };
        let Ok(dir) = walk(&place.root.dir, &place.steps) else { return };
        for entry in dir.entries().into_iter().flatten().flatten() {
            let name = entry.file_name();
            let ours =
                name.to_str().is_some_and(|name| name.starts_with(&temporary_prefix(tag)) && name.ends_with(".part"));
            if ours && let Err(error) = dir.remove_file(&name) {
                tracing::warn!(%error, "a half-written file could not be removed");
            }
        }
    }

    /// Where an existing file really is; `None` if there is none.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Option<PathBuf> {
        self.place(path, "").ok().map(|place| place.absolute())
    }

    fn unwritable(&self, argument: &str, error: &io::Error) -> Failure {
        tracing::debug!(%error, "a file could not be written");
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Failure::new(FailureKind::StorageFull, "No room is left in this folder.").argument(argument)
            }
            _ => self.unreachable(argument, "The server cannot write there."),
        }
    }

    /// The failure for a name that is taken.
    #[must_use]
    pub fn exists(path: &Path, argument: &str) -> Failure {
        Failure::invalid(argument, format!("There is already a file {}.", shown(path)))
            .allowed("a new name")
            .next("Choose another name, or allow overwriting.")
    }
}

fn temporary_prefix(tag: &str) -> String {
    format!(".image-tool-{tag}-")
}

/// A file under a temporary name, which is removed unless it gets its own.
struct Part<'a> {
    dir: &'a Dir,
    temporary: String,
}

impl<'a> Part<'a> {
    fn write(dir: &'a Dir, tag: &str, bytes: &[u8]) -> io::Result<Self> {
        let random = u64::from_le_bytes(random_bytes().map_err(io::Error::other)?);
        let part = Self { dir, temporary: format!("{}{random:016x}.part", temporary_prefix(tag)) };
        let mut file = dir.open_with(&part.temporary, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(part)
    }

    fn take(self, name: &Path, overwrite: bool) -> io::Result<Taken> {
        if !overwrite {
            return place_if_free(self.dir, &self.temporary, name);
        }
        if self.dir.symlink_metadata(name).is_ok_and(|file| !file.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        self.dir.rename(&self.temporary, self.dir, name).map(|()| Taken::No)
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        // After a renaming there is none.
        let _ = self.dir.remove_file(&self.temporary);
    }
}

/// A hard link is the one way to take a name only if it is free, in one step, on every platform.
fn place_if_free(dir: &Dir, temporary: &str, name: &Path) -> io::Result<Taken> {
    match dir.hard_link(temporary, dir, name) {
        Ok(()) => Ok(Taken::No),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Taken::Yes),
        // Some file systems have no hard links; there the last instant is not guarded.
        Err(_) if dir.symlink_metadata(name).is_ok() => Ok(Taken::Yes),
        Err(_) => dir.rename(temporary, dir, name).map(|()| Taken::No),
    }
}

/// The failure for a name that cannot be claimed within a batch.
pub(crate) fn no_free_name(name: &str) -> Failure {
    Failure::invalid("name", format!("No free name was found for {}.", clip(name)))
        .next("Use a template that tells results apart, such as \"{stem}-{index}.{ext}\".")
}
