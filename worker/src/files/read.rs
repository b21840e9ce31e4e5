//! Reading a file that a caller named.

use std::{
    io::{self, Read},
    path::PathBuf,
};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, OpenOptions};
use common::{Failure, FailureKind};

use super::{Files, Place};

impl Files {
    /// The bytes of the regular file at `path`, and where it really is.
    ///
    /// # Errors
    /// `file_not_reachable` if it is outside the allowed folders, hidden, missing, or not a regular file;
    /// `too_large` if it is over the limit.
    pub fn read(&self, path: &str, argument: &str) -> Result<(Vec<u8>, PathBuf), Failure> {
        let place = self.place(path, argument)?;
        let opened = open(&place).and_then(|mut file| {
            let mut bytes = Vec::new();
            // One byte more than allowed tells a file that grows from one that fits.
            file.by_ref().take(self.max_file_bytes + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        match opened {
            Ok(bytes) if bytes.len() as u64 > self.max_file_bytes => Err(self.too_large(argument)),
            Ok(bytes) => Ok((bytes, place.absolute())),
            Err(error) => Err(self.unreadable(argument, &error)),
        }
    }

    /// The first bytes of the regular file at `path`, at most `most`; how many it has in all, and where it really is.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub fn read_start(&self, path: &str, argument: &str, most: u64) -> Result<(Vec<u8>, u64, PathBuf), Failure> {
        let place = self.place(path, argument)?;
        let opened = open(&place).and_then(|file| {
            let length = file.metadata()?.len();
            let mut bytes = Vec::with_capacity(most.min(length) as usize);
            file.take(most).read_to_end(&mut bytes)?;
            Ok((bytes, length))
        });
        match opened {
            Ok((_, length)) if length > self.max_file_bytes => Err(self.too_large(argument)),
            Ok((bytes, length)) => Ok((bytes, length, place.absolute())),
            Err(error) => Err(self.unreadable(argument, &error)),
        }
    }

    fn too_large(&self, argument: &str) -> Failure {
        Failure::new(FailureKind::TooLarge, "The file is too large.")
            .argument(argument)
            .allowed(format!("files of at most {} MiB", self.max_file_bytes >> 20))
            .next("Use a smaller file, or raise MAX_FILE_MB.")
    }

    fn unreadable(&self, argument: &str, error: &io::Error) -> Failure {
        tracing::debug!(%error, "a file could not be read");
        match error.kind() {
            io::ErrorKind::InvalidInput => self.unreachable(argument, "The path is not a regular file."),
            io::ErrorKind::PermissionDenied => self.unreachable(argument, "The server may not read this file."),
            _ => self.unreachable(argument, "The file cannot be read."),
        }
    }
}

/// Opens a regular file. A device or a pipe is never opened for real: its kind is asked before and after, and the
/// opening itself does not wait for a writer.
fn open(place: &Place<'_>) -> io::Result<cap_std::fs::File> {
    let (dir, name) = place.parent()?;
    open_in(&dir, name)
}

pub(super) fn open_in(dir: &Dir, name: &std::path::Path) -> io::Result<cap_std::fs::File> {
    let irregular = || io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
    if !dir.symlink_metadata(name)?.is_file() {
        return Err(irregular());
    }
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No).nonblock(true);
    let file = dir.open_with(name, &options)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(irregular()) }
}
