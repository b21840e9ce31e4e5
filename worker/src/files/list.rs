//! Listing the pictures of a folder that a caller named.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use cap_fs_ext::DirExt;
use cap_std::fs::Dir;
use common::{Failure, schema::clip};
use globset::{GlobBuilder, GlobMatcher};

use super::{Files, Root, read::open_in, walk};

/// The most files that one folder may give.
const MOST: usize = 100_000;

/// As many bytes as tell a format: in front of an SVG there may be a page of comments.
const HEAD: u64 = 4096;

/// The deepest nesting that is followed.
const DEEPEST: usize = 32;

/// The pictures of a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// The folder, absolute and free of links.
    pub folder: PathBuf,
    /// The pictures' paths below it, in order of their names.
    pub files: Vec<PathBuf>,
    /// How many entries were left out, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
}

impl Listing {
    /// Leaves out the results of earlier runs, where they are written below the folder that is read.
    pub fn leave_out(&mut self, results: Option<&Path>) {
        let Some(results) = results.filter(|results| *results != self.folder) else { return };
        let before = self.files.len();
        self.files.retain(|file| !self.folder.join(file).starts_with(results));
        if let Ok(left_out @ 1..) = u64::try_from(before - self.files.len()) {
            self.skipped.insert("already in the folder of the results", left_out);
        }
    }
}

struct Search<'a> {
    files: &'a Files,
    root: &'a Root,
    glob: GlobMatcher,
    by_name: bool,
    recursive: bool,
    is_picture: &'a dyn Fn(&[u8]) -> bool,
    found: Listing,
}

impl Files {
    /// The pictures below `folder` whose names match `glob`: the file name, or the path below the folder if the glob
    /// has a `/`; upper and lower case are the same. `is_picture` decides by a file's first bytes.
    ///
    /// # Errors
    /// `file_not_reachable` if the folder cannot be listed; `invalid_argument` if the glob is none.
    pub fn list(
        &self,
        folder: &str,
        glob: &str,
        recursive: bool,
        is_picture: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Listing, Failure> {
        let built = GlobBuilder::new(glob).literal_separator(true).case_insensitive(true).build();
        let matcher = built.map_err(|error| {
            Failure::invalid("source.glob", format!("\"{}\" is not a glob: {}.", clip(glob), error.kind()))
                .allowed("such as *.jpg, *.{jpg,png} or **/*.png")
        })?;
        let place = self.place(folder, "source.folder")?;
        let unlisted = || self.unreachable("source.folder", "The folder cannot be listed.");
        let dir = walk(&place.root.dir, &place.steps).map_err(|_| unlisted())?;
        let mut search = Search {
            files: self,
            root: place.root,
            glob: matcher.compile_matcher(),
            by_name: !glob.contains('/'),
            recursive: recursive || glob.contains("**"),
            is_picture,
            found: Listing { folder: place.absolute(), ..Listing::default() },
        };
        let inside: PathBuf = place.steps.iter().collect();
        search.folder(&dir, &inside, Path::new(""), 0).map_err(|_| unlisted())?;
        search.found.files.sort();
        Ok(search.found)
    }
}

impl Search<'_> {
    /// `inside` is the folder below its root, `below` the folder below the one that was named.
    fn folder(&mut self, dir: &Dir, inside: &Path, below: &Path, depth: usize) -> std::io::Result<()> {
        for entry in dir.entries()? {
            let entry = entry?;
            let name = entry.file_name();
            let (inside, below) = (inside.join(&name), below.join(&name));
            if self.files.hidden(self.root, &inside) {
                self.skip("hidden");
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                self.skip("link");
            } else if kind.is_dir() {
                if self.recursive && depth < DEEPEST {
                    // A folder that may not be read is no reason to give the others up.
                    let opened = dir.open_dir_nofollow(Path::new(&name));
                    if opened.and_then(|next| self.folder(&next, &inside, &below, depth + 1)).is_err() {
                        self.skip("unreadable folder");
                    }
                }
            } else if self.matches(&below) {
                self.file(dir, Path::new(&name), below);
            }
        }
        Ok(())
    }

    fn file(&mut self, dir: &Dir, name: &Path, below: PathBuf) {
        let mut head = Vec::new();
        let read = open_in(dir, name).and_then(|file| file.take(HEAD).read_to_end(&mut head));
        if read.is_err() {
            self.skip("unreadable");
        } else if !(self.is_picture)(&head) {
            self.skip("not an image");
        } else if self.found.files.len() >= MOST {
            self.skip("over the limit of 100,000 files");
        } else {
            self.found.files.push(below);
        }
    }

    fn matches(&self, below: &Path) -> bool {
        match below.file_name() {
            Some(name) if self.by_name => self.glob.is_match(Path::new(name)),
            _ => self.glob.is_match(below),
        }
    }

    fn skip(&mut self, reason: &'static str) {
        *self.found.skipped.entry(reason).or_default() += 1;
    }
}
