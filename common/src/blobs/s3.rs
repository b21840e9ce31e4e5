//! How an S3 object store is reached.

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    path::Path,
};
use secrecy::ExposeSecret;

use super::{ObjectError, objects::Objects};
use crate::StoreError;

/// Where it is and who asks.
pub(super) fn open(bucket: &str, prefix: &str, s3: &config::S3) -> Result<Objects, StoreError> {
    let settings = |error: &dyn std::fmt::Display| ObjectError::Settings(error.to_string());
    let prefix = Path::parse(prefix).map_err(|error| settings(&error))?;
    // A certificate of *.s3.amazonaws.com is good for one label.
    let path_style = s3.force_path_style || bucket.contains('.');
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(s3.region.as_deref().unwrap_or("us-east-1"))
        .with_virtual_hosted_style_request(!path_style)
        // One key at a time needs no bulk, which not every S3 server knows.
        .with_disable_bulk_delete(true)
        .with_client_options(client())
        .with_retry(retry());
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(if path_style {
            endpoint.clone()
        } else {
            of_bucket(endpoint, bucket)
        });
    }
    builder = match (&s3.access_key_id, &s3.secret_access_key) {
        (Some(id), Some(secret)) => builder.with_access_key_id(id).with_secret_access_key(secret.expose_secret()),
        _ => with_role(builder),
    };
    let store = Arc::new(builder.build().map_err(|error| settings(&error))?);
    Ok(Objects::s3(store, prefix, s3.presigned_downloads))
}

/// No limit for a whole request, which may carry a large picture over a slow line; but bytes must keep coming.
fn client() -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(Duration::from_secs(3))
        .with_read_timeout(Duration::from_secs(10))
        .with_timeout_disabled()
}

/// Enough for a hiccup; whoever waits would rather hear of more.
fn retry() -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(1),
        ..BackoffConfig::default()
    };
    RetryConfig { backoff, max_retries: 3, retry_timeout: Duration::from_secs(8) }
}

/// The endpoint with the bucket in its host name.
fn of_bucket(endpoint: &str, bucket: &str) -> String {
    match endpoint.split_once("://") {
        Some((scheme, host)) => format!("{scheme}://{bucket}.{host}"),
        None => endpoint.to_owned(),
    }
}

/// The role that a platform gives a machine is told in variables of the platform's own, never set by people; without
/// them the machine is asked.
fn with_role(mut builder: AmazonS3Builder) -> AmazonS3Builder {
    let told = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", AmazonS3ConfigKey::WebIdentityTokenFile),
        ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
        ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", AmazonS3ConfigKey::ContainerCredentialsRelativeUri),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AmazonS3ConfigKey::ContainerCredentialsFullUri),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", AmazonS3ConfigKey::ContainerAuthorizationTokenFile),
    ];
    for (name, key) in told {
        if let Ok(value) = std::env::var(name) {
            builder = builder.with_config(key, value);
        }
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_may_stand_in_the_host_name() {
        assert_eq!(of_bucket("https://s3.example:9000", "pictures"), "https://pictures.s3.example:9000");
    }

    #[test]
    fn a_prefix_with_empty_steps_is_refused() {
        let s3 = config::S3 {
            access_key_id: Some("me".into()),
            secret_access_key: Some("hunter2".into()),
            region: None,
            endpoint: None,
            force_path_style: false,
            presigned_downloads: false,
        };
        let error = open("pictures", "a//b", &s3).unwrap_err().to_string();
        assert!(error.contains("STORAGE_URL"), "{error}");
        let opened = format!("{:?}", open("pictures", "a/b", &s3).unwrap());
        assert!(!opened.contains("hunter2"), "{opened}");
    }
}
