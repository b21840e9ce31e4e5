//! Folders and files that other accounts of the machine may not look into: keys and everybody's images are in them.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// Makes a folder, and those above it, for this account only. One that is there stays as its owner made it.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a file for this account only; one that is there is closed to the others.
pub(crate) fn file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    options.open(path)?;
    Ok(())
}

/// Makes a file for this account only, which must not be there yet.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn others_see_nothing() {
        let outside = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let data = outside.path().join("a/data");
        folder(&data).unwrap();
        folder(&data).unwrap();
        assert_eq!((mode(&data), mode(&outside.path().join("a"))), (0o700, 0o700));
        let open = data.join("open");
        std::fs::write(&open, "kept").unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
        for path in [&open, &data.join("new")] {
            file(path).unwrap();
            assert_eq!(mode(path), 0o600);
        }
        new_file(&data.join("made")).unwrap();
        assert_eq!(mode(&data.join("made")), 0o600);
        assert!(new_file(&open).is_err());
        assert_eq!(std::fs::read_to_string(open).unwrap(), "kept");
    }
}
