//! The one error that crosses the queue: what went wrong, in words its reader can act on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of failure it is; the closed list of codes that callers may branch on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// An argument is missing, out of bounds, or contradicts another.
    InvalidArgument,
    /// No such image or job, or it belongs to somebody else.
    NotFound,
    /// The bytes are a known format, but no picture can be read from them.
    ImageUnreadable,
    /// The bytes are no image format this server reads.
    UnsupportedFormat,
    /// Over a limit: pixels, bytes, frames, memory or time.
    TooLarge,
    /// The path is outside the allowed folders, or not a readable regular file.
    FileNotReachable,
    /// The caller cancelled it.
    Cancelled,
    /// Too much at once, or too often.
    RateLimited,
    /// The store or the queue cannot be reached at the moment.
    Unavailable,
    /// No room is left where results are stored.
    StorageFull,
    /// A model is needed and the server has no key for it, or one that is not accepted.
    MissingApiKey,
    /// The organisation behind the key has to be verified before it may use the model.
    OrgNotVerified,
    /// The provider refuses the request, or what came of it, for its content.
    ContentBlocked,
    /// The provider has no such model, or not for this key.
    ModelUnavailable,
    /// The money set aside for models is spent.
    BudgetExceeded,
    /// The provider failed, and nothing was made.
    UpstreamFailed,
    /// The provider had the request and its answer was lost; it may have been paid for.
    OutcomeUnknown,
    /// Our own mistake; details are in the log only.
    Internal,
}

impl FailureKind {
    /// The code as callers see it, such as `invalid_argument`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::NotFound => "not_found",
            Self::ImageUnreadable => "image_unreadable",
            Self::UnsupportedFormat => "unsupported_format",
            Self::TooLarge => "too_large",
            Self::FileNotReachable => "file_not_reachable",
            Self::Cancelled => "cancelled",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::StorageFull => "storage_full",
            Self::MissingApiKey => "missing_api_key",
            Self::OrgNotVerified => "org_not_verified",
            Self::ContentBlocked => "content_blocked",
            Self::ModelUnavailable => "model_unavailable",
            Self::BudgetExceeded => "budget_exceeded",
            Self::UpstreamFailed => "upstream_failed",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Internal => "internal",
        }
    }

    /// Whether the same call may succeed later without being changed.
    #[must_use]
    pub fn retryable(self) -> bool {
        // Not after an unknown outcome: it would be paid for twice.
        matches!(
            self,
            Self::RateLimited | Self::Unavailable | Self::StorageFull | Self::UpstreamFailed | Self::Internal
        )
    }
}

/// A failure in four parts: what, which argument, what would be allowed, what to do next.
///
/// The text is for the caller: it never holds an internal error chain, a path the caller did not name, or
/// text taken from an image.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Failure {
    /// The code of the closed list.
    pub kind: FailureKind,
    /// What went wrong, one sentence.
    pub message: String,
    /// The argument at fault, as a path such as `steps[2].width`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// The values that would be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// The next step to take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Seconds to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Failure {
    /// A failure of `kind` with nothing but its sentence.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), argument: None, allowed: None, next: None, retry_after: None }
    }

    /// A mistake in the argument at `path`.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidArgument, message).argument(path)
    }

    /// Our own mistake. The cause is logged here, once; the caller reads only that it happened.
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(cause = %cause, "internal failure");
        Self::new(FailureKind::Internal, "The server made a mistake; the details are in its log.")
            .next("Try once more; if it happens again, report it with the time of the call.")
    }

    /// Whether it may pass by itself within a minute, so that the same work is worth another try.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self.kind {
            FailureKind::Unavailable => true,
            // A disk may be emptied; what somebody is allowed stays.
            FailureKind::StorageFull => self.allowed.is_none(),
            _ => false,
        }
    }

    /// Names the argument at fault.
    #[must_use]
    pub fn argument(mut self, path: impl Into<String>) -> Self {
        self.argument = Some(path.into());
        self
    }

    /// States what would be accepted.
    #[must_use]
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }

    /// States what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// States how many seconds to wait before trying again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.message)?;
        if let Some(argument) = &self.argument {
            write!(f, " Argument: {argument}.")?;
        }
        if let Some(allowed) = &self.allowed {
            write!(f, " Allowed: {allowed}.")?;
        }
        if let Some(next) = &self.next {
            write!(f, " Next: {next}")?;
        }
        if let Some(seconds) = self.retry_after {
            write!(f, " Retry after {seconds} s.")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_four_parts() {
        let failure =
            Failure::invalid("steps[0].width", "The width is 0.").allowed("1 to 16384 pixels").next("Give one.");
        assert_eq!(
            failure.to_string(),
            "invalid_argument: The width is 0. Argument: steps[0].width. Allowed: 1 to 16384 pixels. Next: Give one."
        );
    }

    #[test]
    fn absent_parts_are_omitted_not_null() {
        let json = serde_json::to_string(&Failure::new(FailureKind::NotFound, "No such job.")).unwrap();
        assert_eq!(json, r#"{"kind":"not_found","message":"No such job."}"#);
    }
}
