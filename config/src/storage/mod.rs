//! Where things are kept, and which folders callers may read.

mod place;
mod s3;

use std::path::{Path, PathBuf};

use secrecy::SecretString;

pub use self::{place::StorageUrl, s3::S3};
use crate::{
    Surroundings, Way, Web,
    reader::{About, Reader},
};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "Storage", name, meaning }
}

/// Where things are kept, and which folders callers may read.
#[derive(Clone, Debug)]
pub struct Storage {
    /// The database and the images; never readable as an input path.
    pub data_dir: PathBuf,
    /// Folders whose files may be named as inputs and for results; absolute.
    pub allowed_dirs: Vec<PathBuf>,
    /// The Redis server of many machines; `None`: a database in `data_dir`.
    pub redis_url: Option<SecretString>,
    /// Where the bytes of pictures are.
    pub url: StorageUrl,
    /// How an S3 object store is reached.
    pub s3: S3,
}

impl Storage {
    /// The folders of the server's own, which callers may never read.
    #[must_use]
    pub fn own_dirs(&self) -> Vec<PathBuf> {
        let mut own = vec![self.data_dir.clone()];
        if let StorageUrl::Folder(folder) = &self.url {
            own.push(folder.clone());
        }
        own
    }

    pub(crate) fn read(reader: &mut Reader<'_>, around: &Surroundings, web: &Web) -> Self {
        let (data_dir, shown) = match around.way {
            Way::Serve | Way::Worker => (around.start_dir.join("data"), "./data"),
            Way::Stdio => (around.data_home.clone(), "the platform's data folder"),
        };
        let shown = if around.way == Way::Serve {
            format!("{shown}; over stdio the platform's data folder")
        } else {
            shown.into()
        };
        let data_dir = reader.parsed(
            &about("DATA_DIR", "Holds the database and the images. Its files can never be named as inputs."),
            (data_dir, &shown),
            "a folder; it is made if it is missing",
            |text| Ok(around.start_dir.join(text)),
        );
        let allowed_dirs = reader.parsed(
            &about("ALLOWED_DIRS", "Folders whose pictures callers may name by path, and where results may be saved. Hidden files never count."),
            (
                default_roots(around, web),
                "the folder the server was started in, unless that is / or the home folder; none if others can reach the server",
            ),
            "absolute folders, separated by : (; on Windows)",
            |text| std::env::split_paths(text).map(|path| absolute(&path)).collect(),
        );
        let shared = |reader: &mut Reader<'_>| {
            let redis_url = place::redis_url(reader, around.way);
            let url = place::storage_url(reader, redis_url.is_some(), &data_dir);
            let s3 = S3::read(reader, &url);
            (redis_url, url, s3)
        };
        let (redis_url, url, s3) = if around.way == Way::Stdio {
            let (_, _, s3) = reader.aside(shared);
            (None, StorageUrl::Folder(data_dir.join("images")), s3)
        } else {
            shared(reader)
        };
        Self { data_dir, allowed_dirs, redis_url, url, s3 }
    }
}

/// The start folder is what a person expects to work on, but a whole disk or a whole home is more than they said; and
/// callers from elsewhere have no business in it unless it was named. A worker serves callers of other machines.
fn default_roots(around: &Surroundings, web: &Web) -> Vec<PathBuf> {
    let start = &around.start_dir;
    let too_wide = start.parent().is_none() || around.home_dir.as_ref() == Some(start);
    let local = match around.way {
        Way::Serve => web.host.is_loopback(),
        Way::Stdio => true,
        Way::Worker => false,
    };
    if too_wide || !local { Vec::new() } else { vec![start.clone()] }
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    if path.is_absolute() {
        Ok(path.to_path_buf())
    } else {
        Err(format!("\"{}\" is not an absolute folder", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{
        Config, StorageUrl, Way,
        tests::{around, read},
    };

    #[test]
    fn root_and_home_are_legal_but_never_a_default() {
        for start in ["/", "/home/ann"] {
            let mut around = around();
            around.start_dir = start.into();
            assert!(Config::read(&BTreeMap::new(), &around).unwrap().storage.allowed_dirs.is_empty(), "{start}");
        }
        assert!(read(&[("PUBLIC_URL", "https://a.example")]).unwrap().storage.allowed_dirs.is_empty());
        assert_eq!(read(&[("ALLOWED_DIRS", "/")]).unwrap().storage.allowed_dirs, [std::path::PathBuf::from("/")]);
    }

    #[test]
    fn relative_roots_are_refused_and_lists_are_split() {
        assert!(read(&[("ALLOWED_DIRS", "pictures")]).is_err());
        assert_eq!(read(&[("ALLOWED_DIRS", "/a:/b")]).unwrap().storage.allowed_dirs.len(), 2);
    }

    #[test]
    fn the_folder_of_the_bytes_is_the_servers_own_wherever_it_is() {
        let own = |pairs| read(pairs).unwrap().storage.own_dirs();
        assert_eq!(own(&[("STORAGE_URL", "file:///mnt/bytes")])[1], std::path::PathBuf::from("/mnt/bytes"));
        assert_eq!(own(&[("STORAGE_URL", "memory:")]).len(), 1);
    }

    #[test]
    fn over_stdio_data_goes_to_the_platforms_folder() {
        let mut around = around();
        around.way = Way::Stdio;
        let of_a_server = [("REDIS_URL", "redis://r"), ("STORAGE_URL", "nonsense"), ("PORT", "http")];
        let environment = of_a_server.map(|(name, value)| (name.into(), value.into())).into();
        let config = Config::read(&environment, &around).unwrap();
        assert_eq!(config.storage.data_dir, around.data_home);
        assert!(config.storage.redis_url.is_none());
        assert_eq!(config.storage.url, StorageUrl::Folder(around.data_home.join("images")));
    }
}
