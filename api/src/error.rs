//! Failures as HTTP says them: a status and a JSON body with the next step.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{Failure, FailureKind};
use serde_json::{Value, json};

use crate::pages::Page;

/// A failure outside of MCP. Its answer carries it along, for whoever says it in another way.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    message: String,
    next: Option<String>,
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), next: None, retry_after: None }
    }

    /// States what to do next.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl Problem {
    /// The same for a person who opened a link to a file in a browser.
    pub(crate) fn page(self) -> Response {
        let (title, text) = match self.kind {
            "link_expired" => (
                "This link has expired",
                "Links to images work for a day. Ask for a new one in the chat where you got this one, or look into your gallery.",
            ),
            "link_invalid" => (
                "This link does not work",
                "It may be cut off: copy all of it. Or ask for a new one in the chat where you got it, or look into your gallery.",
            ),
            "not_found" => {
                ("This is no longer here", "It was deleted, or its time was over. Your gallery shows what there is.")
            }
            _ => ("The server cannot show this now", "Try again in a minute."),
        };
        let mut response = Page::signpost(self.status, title, text, ("/gallery", "Your gallery"));
        self.tell_when(response.headers_mut());
        response
    }

    fn tell_when(&self, headers: &mut HeaderMap) {
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match failure.kind {
            FailureKind::NotFound => StatusCode::NOT_FOUND,
            FailureKind::InvalidArgument => StatusCode::BAD_REQUEST,
            FailureKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            FailureKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            FailureKind::Unavailable | FailureKind::MissingApiKey => StatusCode::SERVICE_UNAVAILABLE,
            FailureKind::OrgNotVerified | FailureKind::ContentBlocked => StatusCode::FORBIDDEN,
            FailureKind::BudgetExceeded => StatusCode::PAYMENT_REQUIRED,
            FailureKind::ModelUnavailable | FailureKind::UpstreamFailed | FailureKind::OutcomeUnknown => {
                StatusCode::BAD_GATEWAY
            }
            FailureKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            FailureKind::ImageUnreadable | FailureKind::UnsupportedFormat | FailureKind::FileNotReachable => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            FailureKind::Cancelled => StatusCode::CONFLICT,
            FailureKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let Failure { kind, message, next, retry_after, .. } = failure;
        Self { status, kind: kind.code(), message, next, retry_after }
    }
}

impl From<common::StoreError> for Problem {
    fn from(error: common::StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut error = json!({"kind": self.kind, "message": &self.message});
        if let Some(next) = &self.next {
            error["next"] = next.as_str().into();
        }
        let mut response = (self.status, Json(json!({"error": error}))).into_response();
        self.tell_when(response.headers_mut());
        response.extensions_mut().insert(self);
        response
    }
}

/// The JSON-RPC codes (JSON-RPC 2.0, section 5.1) that are answered before rmcp sees the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RpcCode {
    ParseError = -32700,
    InvalidRequest = -32600,
}

/// A failure on `/mcp` before there is a tool to speak: shaped as JSON-RPC.
pub(crate) fn rpc(status: StatusCode, code: RpcCode, message: &str, id: Value) -> Response {
    let error = json!({"code": code as i32, "message": message});
    (status, Json(json!({"jsonrpc": "2.0", "id": id, "error": error}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_becomes_a_status_with_the_time_to_wait() {
        let mut failure = Failure::new(FailureKind::Unavailable, "Down.");
        failure.retry_after = Some(5);
        let response = Problem::from(failure).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    }
}
