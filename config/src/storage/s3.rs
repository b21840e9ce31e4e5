//! How an S3 object store is reached, in the variables that every such program reads.

use secrecy::SecretString;
use url::Url;

use super::{StorageUrl, about};
use crate::reader::Reader;

/// How an S3 object store is reached.
#[derive(Clone, Debug)]
pub struct S3 {
    /// The name of the key; `None`: the machine has a role of its own.
    pub access_key_id: Option<String>,
    /// The secret of the key.
    pub secret_access_key: Option<SecretString>,
    /// The region of the bucket.
    pub region: Option<String>,
    /// The address of a server other than Amazon's.
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path of a URL, not in its host name.
    pub force_path_style: bool,
    /// Whether links lead to the object store itself, by URLs that it has been asked to accept for a while.
    pub presigned_downloads: bool,
}

impl S3 {
    pub(crate) fn read(reader: &mut Reader<'_>, storage: &StorageUrl) -> Self {
        let used = matches!(storage, StorageUrl::S3 { .. });
        let (access_key_id, secret_access_key) = key(reader, used);
        let region = reader.parsed(
            &about("AWS_REGION", "The region of the bucket."),
            (None, "us-east-1"),
            "the name of a region, or auto where the endpoint has none",
            |text| Ok(Some(text.to_owned())),
        );
        let endpoint = reader.parsed(
            &about("AWS_ENDPOINT_URL", "The address of an S3 server other than Amazon's."),
            (None, "unset"),
            "an https:// or http:// URL without the bucket",
            |text| endpoint(text).map(Some),
        );
        let force_path_style = reader.switch(
            &about("S3_FORCE_PATH_STYLE", "Whether the bucket stands in the path of a URL, not in its host name."),
            endpoint.is_some(),
            "off; on with an AWS_ENDPOINT_URL",
        );
        let presigned_downloads = presigned(reader, used);
        Self { access_key_id, secret_access_key, region, endpoint, force_path_style, presigned_downloads }
    }
}

fn key(reader: &mut Reader<'_>, used: bool) -> (Option<String>, Option<SecretString>) {
    let (id_name, secret_name) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    let id = reader.parsed(
        &about(id_name, "The name of the key to an s3:// STORAGE_URL. Unset: the machine's own role."),
        (None, "unset"),
        "text",
        |text| Ok(Some(text.to_owned())),
    );
    let secret = reader.secret(&about(secret_name, "The secret of that key."), "text", |_| Ok(()));
    // Other programs of the machine may use the same names.
    if used {
        match (&id, &secret) {
            (Some(_), None) => reader.mistake(secret_name, format!("must stand beside {id_name}")),
            (None, Some(_)) => reader.mistake(id_name, format!("must stand beside {secret_name}")),
            _ => {}
        }
    }
    (id, secret)
}

fn presigned(reader: &mut Reader<'_>, used: bool) -> bool {
    const NAME: &str = "PRESIGNED_DOWNLOADS";
    let about = about(NAME, "Whether links to pictures lead on to the object store, which must be reachable for all.");
    let on = reader.switch(&about, false, "off");
    if on && !used {
        reader.mistake(NAME, "on needs an s3:// STORAGE_URL: nothing else can be downloaded from directly".into());
    }
    on
}

fn endpoint(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    let url = url.ok_or("is no https:// or http:// URL without name, password and query")?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use crate::tests::read;

    const BUCKET: (&str, &str) = ("STORAGE_URL", "s3://pictures");
    const ENDPOINT: (&str, &str) = ("AWS_ENDPOINT_URL", "http://store:9000/");

    fn complaint(pairs: &[(&str, &str)]) -> String {
        read(pairs).unwrap_err().to_string()
    }

    #[test]
    fn a_key_is_a_name_and_a_secret() {
        let (id, secret) = (("AWS_ACCESS_KEY_ID", "me"), ("AWS_SECRET_ACCESS_KEY", "hunter2"));
        let config = read(&[BUCKET, id, secret]).unwrap();
        assert_eq!(config.storage.s3.access_key_id.as_deref(), Some("me"));
        assert!(!format!("{config:?}").contains("hunter2"), "shown");
        assert!(complaint(&[BUCKET, id]).contains("AWS_SECRET_ACCESS_KEY: must stand"));
        assert!(complaint(&[BUCKET, secret]).contains("AWS_ACCESS_KEY_ID: must stand"));
        assert!(read(&[id]).is_ok(), "it is another program's");
        assert!(read(&[BUCKET]).unwrap().storage.s3.secret_access_key.is_none());
    }

    #[test]
    fn another_server_has_the_bucket_in_the_path() {
        let s3 = read(&[BUCKET, ENDPOINT, ("AWS_REGION", "auto")]).unwrap().storage.s3;
        assert_eq!(s3.endpoint.as_deref(), Some("http://store:9000"));
        assert_eq!(s3.region.as_deref(), Some("auto"));
        assert!(s3.force_path_style);
        assert!(!read(&[BUCKET]).unwrap().storage.s3.force_path_style);
        assert!(!read(&[BUCKET, ENDPOINT, ("S3_FORCE_PATH_STYLE", "off")]).unwrap().storage.s3.force_path_style);
        for wrong in ["store:9000", "s3://store", "http://me:hunter2@store", "https://store?x"] {
            let text = complaint(&[BUCKET, ("AWS_ENDPOINT_URL", wrong)]);
            assert!(text.contains("AWS_ENDPOINT_URL") && !text.contains("hunter2"), "{wrong}: {text}");
        }
    }

    #[test]
    fn only_an_object_store_hands_out_by_itself() {
        let on = ("PRESIGNED_DOWNLOADS", "on");
        assert!(read(&[BUCKET, on]).unwrap().storage.s3.presigned_downloads);
        assert!(!read(&[BUCKET]).unwrap().storage.s3.presigned_downloads);
        assert!(complaint(&[on]).contains("PRESIGNED_DOWNLOADS"));
    }
}
