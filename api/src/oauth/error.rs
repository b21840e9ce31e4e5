//! Errors as OAuth says them: `{"error", "error_description"}` (RFC 6749, section 5.2).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{Failure, StoreError};
use serde_json::json;

use crate::limits::TooOften;

/// The codes this server answers with, and where they are defined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ErrorCode {
    /// RFC 6749, section 4.1.2.1.
    AccessDenied,
    /// RFC 6749, section 5.2.
    InvalidClient,
    /// RFC 7591, section 3.2.2.
    InvalidClientMetadata,
    /// RFC 6749, section 5.2.
    InvalidGrant,
    /// RFC 7591, section 3.2.2.
    InvalidRedirectUri,
    /// RFC 6749, section 5.2.
    InvalidRequest,
    /// RFC 6749, section 5.2.
    InvalidScope,
    /// RFC 8707, section 2.
    InvalidTarget,
    /// RFC 6749, section 4.1.2.1.
    TemporarilyUnavailable,
    /// RFC 6749, section 5.2.
    UnauthorizedClient,
    /// RFC 6749, section 5.2.
    UnsupportedGrantType,
    /// RFC 6749, section 4.1.2.1.
    UnsupportedResponseType,
}

impl ErrorCode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::InvalidClient => "invalid_client",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
        }
    }
}

/// A failed request to one of the endpoints that programs call.
#[derive(Clone, Debug)]
pub(crate) struct OAuthError {
    code: ErrorCode,
    /// For developers; ASCII, nothing of our inside.
    description: String,
    /// Whether the client used HTTP Basic, and so is answered in kind.
    basic: bool,
    too_often: Option<TooOften>,
    retry_after: Option<u64>,
}

impl OAuthError {
    pub(crate) fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), basic: false, too_often: None, retry_after: None }
    }

    /// Notes that the client used HTTP Basic.
    pub(crate) fn answered_as_basic(mut self, basic: bool) -> Self {
        self.basic = basic;
        self
    }

    fn status(&self) -> StatusCode {
        match self.code {
            _ if self.too_often.is_some() => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
            ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

/// Nothing was done, so the same request may succeed later: clients keep their tokens.
impl From<Failure> for OAuthError {
    fn from(failure: Failure) -> Self {
        let mut error = Self::new(ErrorCode::TemporarilyUnavailable, failure.message);
        error.retry_after = failure.retry_after.or(Some(5));
        error
    }
}

impl From<TooOften> for OAuthError {
    fn from(too_often: TooOften) -> Self {
        let text = format!("Too many requests; try again in {} seconds.", too_often.seconds());
        Self { too_often: Some(too_often), ..Self::new(ErrorCode::TemporarilyUnavailable, text) }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({"error": self.code.name(), "error_description": self.description});
        let mut response = (self.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.basic && self.code == ErrorCode::InvalidClient {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"clients\""));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(too_often) = self.too_often {
            too_often.tell(headers);
        }
        response
    }
}
