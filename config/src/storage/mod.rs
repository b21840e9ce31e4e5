//! Where things are kept, and which folders callers may read.

mod place;
mod s3;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

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
    /// How long pictures are kept; `None`: for ever.
    pub image_ttl: Option<Duration>,
    /// How many bytes of pictures each user may store; `None`: as many as there is room for.
    pub max_bytes_per_user: Option<u64>,
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
        let image_ttl = days(reader);
        let max_bytes_per_user = quota(reader);
        Self { data_dir, allowed_dirs, redis_url, url, s3, image_ttl, max_bytes_per_user }
    }
}

/// A hundred years.
const MOST_DAYS: u64 = 36_500;

fn days(reader: &mut Reader<'_>) -> Option<Duration> {
    reader.parsed(
        &about(
            "IMAGE_TTL_DAYS",
            "After how many days stored images are removed, whoever made them; never one that a job still needs. The same for web and workers.",
        ),
        (None, "never"),
        &format!("1 to {MOST_DAYS} days"),
        |text| {
            let days = text.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
            let days = days.ok_or_else(|| format!("\"{text}\" is not a whole number from 1 to {MOST_DAYS} days"))?;
            Ok(Some(Duration::from_secs(days * 24 * 3600)))
        },
    )
}

/// A petabyte.
const MOST_MB: u64 = 1_000_000_000;

fn quota(reader: &mut Reader<'_>) -> Option<u64> {
    reader.parsed(
        &about(
            "MAX_STORAGE_MB_PER_USER",
            "How much stored images of one user may take up; more is refused. The same for web and workers.",
        ),
        (None, "none"),
        &format!("1 to {MOST_MB} MB"),
        |text| {
            let megabytes = text.parse().ok().filter(|megabytes| (1..=MOST_MB).contains(megabytes));
            let megabytes =
                megabytes.ok_or_else(|| format!("\"{text}\" is not a whole number from 1 to {MOST_MB} MB"))?;
            Ok(Some(megabytes * 1_000_000))
        },
    )
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
    fn pictures_are_kept_for_ever_unless_somebody_says_how_long_and_how_many() {
        let kept = |pairs| {
            let storage = read(pairs).unwrap().storage;
            (storage.image_ttl.map(|ttl| ttl.as_secs()), storage.max_bytes_per_user)
        };
        assert_eq!(kept(&[]), (None, None));
        let set = [("IMAGE_TTL_DAYS", "2"), ("MAX_STORAGE_MB_PER_USER", "500")];
        assert_eq!(kept(&set), (Some(172_800), Some(500_000_000)));
        for name in ["IMAGE_TTL_DAYS", "MAX_STORAGE_MB_PER_USER"] {
            for wrong in ["0", "-1", "1.5", "much", "99999999999"] {
                assert!(read(&[(name, wrong)]).unwrap_err().to_string().contains(name), "{name}={wrong}");
            }
        }
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
