//! How it can fail.

use hyper::Response;
use serde_json::{Value, json};

use super::{Body, full, json_with};

#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// An error as OpenAI words it.
    Error { status: u16, error: Value, headers: Vec<(&'static str, &'static str)> },
    /// An answer of another kind.
    Raw { status: u16, media_type: &'static str, body: String },
    /// No answer, ever.
    Hang,
    /// The connection is closed when the request has come.
    Reset,
    /// The stream stops before the picture comes, and stays open.
    StalledStream,
    /// The stream ends before the picture does.
    CutStream,
    /// The connection ends before the picture does.
    BrokenStream,
    /// The stream tells of an error, with this code.
    ErrorEvent(&'static str),
    /// Fewer unfinished pictures than were asked for: none.
    NoPartials,
    /// A list without pictures.
    NoData,
    /// One picture fewer than was asked for.
    OneFewer,
    /// The pictures are opaque, whatever was asked for.
    Opaque,
    /// A link instead of base64.
    Link(String),
    /// Base64 of this text.
    Bytes(&'static str),
    /// Nothing is said of tokens.
    NoUsage,
    /// The model refuses to answer.
    Refusal,
    /// The end of an answer in words.
    Finish(&'static str),
    /// This instead of the answer in words.
    Words(&'static str),
}

/// What becomes of a request that shall fail.
pub(super) enum Instead {
    Break,
    Answer(Response<Body>),
    /// It is answered, in a way that is wrong.
    Twist(Fault),
}

impl Fault {
    pub(crate) fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> Self {
        let error = json!({"message": message, "type": kind, "param": null, "code": code});
        Self::Error { status, error, headers: Vec::new() }
    }

    /// Too much in a minute; 20 ms later it is over.
    pub(crate) fn rate_limit() -> Self {
        Self::error(429, "requests", Some("rate_limit_exceeded"), "Rate limit reached for images per minute.")
            .with("retry-after-ms", "20")
    }

    pub(crate) fn quota() -> Self {
        Self::error(429, "insufficient_quota", Some("insufficient_quota"), "You exceeded your current quota.")
    }

    pub(crate) fn moderation() -> Self {
        let details = json!({"moderation_stage": "input", "categories": ["violence", "self-harm"]});
        let error = json!({
            "message": "Your request was rejected by the safety system.", "type": "image_generation_user_error",
            "param": null, "code": "moderation_blocked", "moderation_details": details,
        });
        Self::Error { status: 400, error, headers: Vec::new() }
    }

    pub(crate) fn unverified() -> Self {
        let message = "Your organization must be verified to use the model `gpt-image-2`.";
        Self::error(403, "invalid_request_error", None, message)
    }

    pub(crate) fn html(status: u16) -> Self {
        let body = format!("<html><head><title>{status}</title></head><body>cloudflare</body></html>");
        Self::Raw { status, media_type: "text/html", body }
    }

    /// The same with a header.
    pub(crate) fn with(self, name: &'static str, value: &'static str) -> Self {
        match self {
            Self::Error { status, error, mut headers } => {
                headers.push((name, value));
                Self::Error { status, error, headers }
            }
            other => panic!("{other:?} has no headers"),
        }
    }

    pub(super) async fn instead(self) -> Instead {
        match self {
            Self::Hang => std::future::pending().await,
            Self::Reset => Instead::Break,
            Self::Error { status, error, headers } => {
                let mut response = json_with(status, &json!({"error": error}));
                for (name, value) in headers.into_iter().chain([("x-request-id", super::REQUEST_ID)]) {
                    response.headers_mut().insert(name, value.parse().unwrap());
                }
                Instead::Answer(response)
            }
            Self::Raw { status, media_type, body } => {
                let builder = Response::builder().status(status).header("content-type", media_type);
                Instead::Answer(builder.body(full(body)).unwrap())
            }
            twist => Instead::Twist(twist),
        }
    }
}
