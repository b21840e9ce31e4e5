//! Where records and bytes are: on this machine, or where many machines reach them.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use url::Url;

use super::about;
use crate::{Way, reader::Reader};

/// Where the bytes of pictures are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StorageUrl {
    /// A folder, absolute.
    Folder(PathBuf),
    /// An S3 object store.
    S3 {
        /// The name of the bucket.
        bucket: String,
        /// What every key begins with, without slashes at its ends; may be empty.
        prefix: String,
    },
    /// The memory of this process, which forgets them when it ends.
    Memory,
}

impl fmt::Display for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Memory => f.write_str("memory, which forgets them at the end"),
        }
    }
}

pub(super) fn redis_url(reader: &mut Reader<'_>, way: Way) -> Option<SecretString> {
    const NAME: &str = "REDIS_URL";
    let url = reader.secret(
        &about(NAME, "The Redis server that many web and worker processes share. Unset: a database in DATA_DIR."),
        "redis://, rediss:// (TLS) or redis+unix:// with an address",
        redis,
    );
    if url.is_none() && way == Way::Worker && reader.is_unset(NAME) {
        reader.mistake(NAME, "must be set: a worker takes its jobs from Redis (redis://host:6379)".into());
    }
    url
}

pub(super) fn storage_url(reader: &mut Reader<'_>, redis: bool, data_dir: &Path) -> StorageUrl {
    const NAME: &str = "STORAGE_URL";
    let url = reader.parsed(
        &about(NAME, "Where the bytes of pictures are kept. Needed with REDIS_URL."),
        (None, "the folder images in DATA_DIR"),
        "file:///absolute/folder, s3://bucket/prefix, or memory: (lost at the end)",
        |text| storage(text).map(Some),
    );
    match (&url, redis) {
        (None, true) if reader.is_unset(NAME) => reader.mistake(
            NAME,
            "must be set because REDIS_URL is: all machines must reach the pictures; use s3://bucket/prefix, or \
             file:///folder for a folder that they share"
                .into(),
        ),
        (Some(StorageUrl::Memory), true) => reader.mistake(
            NAME,
            "memory: cannot stand beside REDIS_URL: no other process would see the pictures; use s3:// or file:///"
                .into(),
        ),
        _ => {}
    }
    url.unwrap_or_else(|| StorageUrl::Folder(data_dir.join("images")))
}

/// The words never repeat the address, which may hold a password.
fn redis(text: &str) -> Result<(), String> {
    let sound = Url::parse(text).is_ok_and(|url| match url.scheme() {
        "redis" | "rediss" => url.host_str().is_some_and(|host| !host.is_empty()),
        "redis+unix" => url.host_str().is_none_or(str::is_empty) && url.path().len() > 1,
        _ => false,
    });
    if sound {
        Ok(())
    } else {
        Err("is no address of a Redis server; use redis://host:6379, rediss://user:password@host:6380 or \
             redis+unix:///run/redis.sock"
            .into())
    }
}

fn storage(text: &str) -> Result<StorageUrl, String> {
    // What follows ? or # or stands before @ would be ignored, and somebody meant something by it.
    let url =
        Url::parse(text).map_err(|_| format!("\"{text}\" is no URL; use file:///folder or s3://bucket/prefix"))?;
    let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.port().is_none();
    if !bare || url.password().is_some() {
        return Err("is a scheme, a name and a path alone; keys belong into AWS_ACCESS_KEY_ID and \
                    AWS_SECRET_ACCESS_KEY, another server into AWS_ENDPOINT_URL"
            .into());
    }
    match (url.scheme(), url.host_str().filter(|host| !host.is_empty())) {
        ("file", None) if text.starts_with("file:///") && url.path().len() > 1 => url
            .to_file_path()
            .map(StorageUrl::Folder)
            .map_err(|()| format!("\"{text}\" is not an absolute folder of this machine")),
        ("file", _) => Err(format!("\"{text}\" is not an absolute folder; use file:/// with three slashes")),
        ("s3", Some(bucket)) => {
            // An object key is the text as it was given.
            let path = text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
            Ok(StorageUrl::S3 { bucket: bucket.into(), prefix: path.trim_matches('/').into() })
        }
        ("s3", None) => Err(format!("\"{text}\" names no bucket; use s3://bucket/prefix")),
        ("memory", None) if matches!(url.path(), "" | "/") => Ok(StorageUrl::Memory),
        _ => Err(format!("\"{text}\" is none of file:///folder, s3://bucket/prefix and memory:")),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::tests::{SHARED, read};

    fn complaint(pairs: &[(&str, &str)]) -> String {
        read(pairs).unwrap_err().to_string()
    }

    fn url(text: &str) -> StorageUrl {
        read(&[("STORAGE_URL", text)]).unwrap().storage.url
    }

    #[test]
    fn a_single_machine_keeps_everything_in_its_folder() {
        let storage = read(&[]).unwrap().storage;
        assert!(storage.redis_url.is_none());
        assert_eq!(storage.url, StorageUrl::Folder("/srv/pictures/data/images".into()));
    }

    #[test]
    fn storage_is_a_folder_a_bucket_or_memory() {
        let s3 = |bucket: &str, prefix: &str| StorageUrl::S3 { bucket: bucket.into(), prefix: prefix.into() };
        assert_eq!(url("file:///mnt/pictures%20here"), StorageUrl::Folder("/mnt/pictures here".into()));
        assert_eq!(url("s3://pictures"), s3("pictures", ""));
        assert_eq!(url("s3://my.bucket/a/b/"), s3("my.bucket", "a/b"));
        assert_eq!(url("memory:"), StorageUrl::Memory);
        for wrong in [
            "images",
            "file:images",
            "file:///",
            "file://host/images",
            "s3://",
            "s3:bucket",
            "s3://key:secret@bucket",
            "s3://bucket?region=x",
            "https://bucket.example",
            "memory:x",
        ] {
            assert!(complaint(&[("STORAGE_URL", wrong)]).contains("STORAGE_URL"), "{wrong}");
        }
    }

    #[test]
    fn many_machines_need_storage_that_all_of_them_reach() {
        assert!(complaint(&[SHARED[0]]).contains("all machines must reach"));
        assert!(complaint(&[SHARED[0], ("STORAGE_URL", "memory:")]).contains("no other process"));
        assert!(read(&[SHARED[0], ("STORAGE_URL", "file:///mnt/shared")]).is_ok());
        // One mistake is told once.
        assert_eq!(read(&[SHARED[0], ("STORAGE_URL", "wrong")]).unwrap_err().0.len(), 1);
    }

    #[test]
    fn the_address_of_redis_is_checked_and_never_shown() {
        let redis = |url| read(&[("REDIS_URL", url), SHARED[1]]);
        for right in ["redis://h", "rediss://:hunter2@h:6380/1", "redis+unix:///run/redis.sock"] {
            let config = redis(right).unwrap();
            assert_eq!(config.storage.redis_url.as_ref().unwrap().expose_secret(), right);
            assert!(!format!("{config:?}").contains(right), "{right} is shown");
        }
        for wrong in ["hunter2", "http://:hunter2@h", "redis://", "redis+unix://", "redis+unix://hunter2"] {
            let text = redis(wrong).unwrap_err().to_string();
            assert!(text.contains("REDIS_URL") && !text.contains("hunter2"), "{wrong}: {text}");
        }
        // The text of every file in these tests is no address.
        assert!(complaint(&[("REDIS_URL_FILE", "/run/redis"), SHARED[1]]).contains("REDIS_URL_FILE"));
    }
}
