//! Files of the server that callers may name. A path is checked and opened in one step, folder by folder, so that
//! nothing can be swapped in between; what is outside the allowed folders cannot be named at all.

mod list;
mod read;
mod write;

use std::path::{Component, Path, PathBuf};

use cap_fs_ext::DirExt;
use cap_std::{ambient_authority, fs::Dir};
use common::{Failure, FailureKind, schema::clip};

pub(crate) use self::write::{folder_of, no_free_name};
pub use self::{
    list::Listing,
    write::{Taken, Writing},
};

/// The folders that callers may name.
#[derive(Debug)]
pub struct Files {
    roots: Vec<Root>,
    own_dirs: Vec<PathBuf>,
    max_file_bytes: u64,
}

#[derive(Debug)]
struct Root {
    /// As it was configured.
    configured: PathBuf,
    /// The same without links.
    canonical: PathBuf,
    dir: Dir,
}

/// A place inside a root, free of links when it was looked up.
#[derive(Debug)]
struct Place<'a> {
    root: &'a Root,
    steps: Vec<PathBuf>,
}

impl Files {
    /// Opens the `roots`. `own_dirs`, those of the server itself, and everything hidden can never be named.
    ///
    /// # Errors
    /// If a root is not a folder that can be opened.
    pub fn open(roots: &[PathBuf], own_dirs: &[PathBuf], max_file_bytes: u64) -> std::io::Result<Self> {
        let root = |configured: &PathBuf| {
            let canonical = configured.canonicalize()?;
            let dir = Dir::open_ambient_dir(&canonical, ambient_authority())?;
            Ok(Root { configured: configured.clone(), canonical, dir })
        };
        let named = |path: &PathBuf, error: std::io::Error| {
            std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        };
        let roots: Result<_, _> = roots.iter().map(|path| root(path).map_err(|error| named(path, error))).collect();
        let own_dirs = own_dirs.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
        Ok(Self { roots: roots?, own_dirs, max_file_bytes })
    }

    /// The folders, as a person reads them in an error.
    #[must_use]
    pub fn allowed(&self) -> String {
        if self.roots.is_empty() {
            return "no folder of this server (ALLOWED_DIRS is empty)".into();
        }
        let names: Vec<String> = self.roots.iter().map(|root| root.configured.display().to_string()).collect();
        format!("files below {}, not hidden", names.join(", "))
    }

    /// The roots that `path` may be below, each with the rest of the path. An absolute path names its root, a
    /// relative one is tried below each.
    fn candidates<'a>(&'a self, path: &str, argument: &str) -> Result<Vec<(&'a Root, PathBuf)>, Failure> {
        let refuse = |message: &str| Err(self.unreachable(argument, message));
        if path.is_empty() || path.contains('\0') {
            return refuse("The path is empty or has a NUL character.");
        }
        let path = Path::new(path);
        if path.components().any(|step| step == Component::ParentDir) {
            return refuse("A path with \"..\" is not accepted.");
        }
        if !path.is_absolute() {
            return Ok(self.roots.iter().map(|root| (root, path.to_path_buf())).collect());
        }
        let below = |root: &'a Root| {
            let rest = path.strip_prefix(&root.configured).or_else(|_| path.strip_prefix(&root.canonical)).ok()?;
            Some((root, rest.to_path_buf()))
        };
        let found: Vec<_> = self.roots.iter().filter_map(below).collect();
        if found.is_empty() { refuse("The path is outside the allowed folders.") } else { Ok(found) }
    }

    /// The place of an existing file or folder, its links resolved within its root.
    fn place(&self, path: &str, argument: &str) -> Result<Place<'_>, Failure> {
        let mut reason = "There is no such file in the allowed folders.";
        for (root, rest) in self.candidates(path, argument)? {
            match canonical(&root.dir, &rest) {
                Ok(inside) if self.hidden(root, &inside) => {
                    reason = "Hidden files and the server's own data cannot be named."
                }
                Ok(inside) => return Ok(Place { root, steps: steps(&inside) }),
                Err(error) => {
                    tracing::debug!(%error, "a path could not be resolved");
                    if error.kind() == std::io::ErrorKind::PermissionDenied {
                        reason = "The path leads out of the allowed folders, or may not be read.";
                    }
                }
            }
        }
        Err(self.unreachable(argument, reason))
    }

    /// Whether a path below `root`, free of links, is hidden or belongs to the server itself.
    fn hidden(&self, root: &Root, inside: &Path) -> bool {
        let dotted =
            |step: Component<'_>| step.as_os_str().as_encoded_bytes().starts_with(b".") && step != Component::CurDir;
        inside.components().any(dotted) || self.own_dirs.iter().any(|own| root.canonical.join(inside).starts_with(own))
    }

    fn unreachable(&self, argument: &str, message: &str) -> Failure {
        Failure::new(FailureKind::FileNotReachable, message).argument(argument).allowed(self.allowed()).next(
            if self.roots.is_empty() {
                "Ask the person who runs the server to set ALLOWED_DIRS to the folders it may read."
            } else {
                "Name a file there, or set ALLOWED_DIRS when the server is started."
            },
        )
    }
}

impl Place<'_> {
    /// The absolute path, for people and for comparing.
    fn absolute(&self) -> PathBuf {
        self.steps.iter().fold(self.root.canonical.clone(), |path, step| path.join(step))
    }

    /// Opens the folder that holds the last step, never through a link.
    fn parent(&self) -> std::io::Result<(Dir, &Path)> {
        let Some((last, folders)) = self.steps.split_last() else {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the root itself"));
        };
        Ok((walk(&self.root.dir, folders)?, last))
    }
}

fn walk(root: &Dir, folders: &[PathBuf]) -> std::io::Result<Dir> {
    folders.iter().try_fold(root.try_clone()?, |dir, step| dir.open_dir_nofollow(step))
}

fn canonical(dir: &Dir, rest: &Path) -> std::io::Result<PathBuf> {
    if rest.as_os_str().is_empty() || rest == Path::new(".") { Ok(PathBuf::new()) } else { dir.canonicalize(rest) }
}

fn steps(inside: &Path) -> Vec<PathBuf> {
    inside.components().filter(|step| *step != Component::CurDir).map(|step| PathBuf::from(step.as_os_str())).collect()
}

/// A path as a failure may repeat it.
fn shown(path: &Path) -> String {
    clip(&path.to_string_lossy())
}

#[cfg(test)]
mod tests;
