//! What an object store says when it refuses, in words that hold no secret: its own answers repeat keys and signed
//! requests.

use std::error::Error as _;

use object_store::client::{HttpError, HttpErrorKind};

use crate::StoreError;

/// Why an object store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// It does not answer, or not in time.
    #[error("the object store cannot be reached: {0}")]
    Unreachable(&'static str),
    /// There is no such bucket.
    #[error("the bucket of STORAGE_URL does not exist")]
    NoBucket,
    /// It does not accept the key, or the key may not do this.
    #[error("the object store refuses access ({0}); check the key, its rights and the region (AWS_…)")]
    Denied(String),
    /// It takes no more.
    #[error("the object store is full ({0})")]
    Full(String),
    /// It answered something else.
    #[error("the object store failed ({0})")]
    Failed(String),
    /// The settings cannot be used.
    #[error("STORAGE_URL: {0}")]
    Settings(String),
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error;
        let text = error.to_string();
        let said = || code(&text).unwrap_or("no reason given").to_owned();
        let told = match &error {
            _ if code(&text) == Some("NoSuchBucket") => ObjectError::NoBucket,
            Error::NotFound { .. } => return Self::Missing,
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => ObjectError::Denied(said()),
            _ if is_full(&text) => ObjectError::Full(said()),
            _ => match unreachable(&error) {
                Some(why) => ObjectError::Unreachable(why),
                None => ObjectError::Failed(said()),
            },
        };
        told.into()
    }
}

/// What HTTP itself failed of, if it did.
fn unreachable(error: &object_store::Error) -> Option<&'static str> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(http) = inner.downcast_ref::<HttpError>() {
            return Some(match http.kind() {
                HttpErrorKind::Connect => "no connection",
                HttpErrorKind::Timeout => "no answer in time",
                HttpErrorKind::Request | HttpErrorKind::Interrupted => "the connection broke",
                _ => "an answer that is none",
            });
        }
        cause = inner.source();
    }
    None
}

/// The reason in an answer, such as `SignatureDoesNotMatch`; nothing else of an answer is repeated.
fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    (code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(code)
}

/// S3 itself has no end; those who speak like it say it in words of their own, some by the status.
fn is_full(text: &str) -> bool {
    let by_code = code(text).is_some_and(|code| {
        ["StorageFull", "QuotaExceeded", "InsufficientStorage", "NotEnoughSpace"]
            .iter()
            .any(|word| code.ends_with(word) || code.starts_with(word))
    });
    by_code || text.contains("status code: 507")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, FailureKind};

    fn answered(text: &str) -> StoreError {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }.into()
    }

    #[test]
    fn an_answer_is_told_by_its_code_alone() {
        let full =
            "Server returned non-2xx status code: 507 Insufficient Storage: <Error><Code>XMinioStorageFull</Code>";
        assert_eq!(Failure::from(answered(full)).kind, FailureKind::StorageFull);
        assert_eq!(Failure::from(answered("<Code>QuotaExceededException</Code>")).kind, FailureKind::StorageFull);
        let signed = "<Code>SlowDown</Code><StringToSign>hunter2</StringToSign>";
        assert_eq!(answered(signed).to_string(), "the object store failed (SlowDown)");
        assert_eq!(answered("<Code>a\nb</Code>").to_string(), "the object store failed (no reason given)");
        assert_eq!(Failure::from(answered(signed)).kind, FailureKind::Unavailable);
    }

    #[test]
    fn a_bucket_that_is_gone_is_not_a_picture_that_is_gone() {
        let gone = |code: &str| -> StoreError {
            object_store::Error::NotFound { path: "a".into(), source: format!("<Code>{code}</Code>").into() }.into()
        };
        assert!(matches!(gone("NoSuchKey"), StoreError::Missing));
        assert!(matches!(gone("NoSuchBucket"), StoreError::Objects(ObjectError::NoBucket)));
    }
}
