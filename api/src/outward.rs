//! What every request to another server has in common, whoever it is.

use std::{error::Error, fmt::Write as _};

use reqwest::Response;

/// How we introduce ourselves to other servers.
pub(crate) const USER_AGENT: &str = concat!("image-tool/", env!("CARGO_PKG_VERSION"));

/// The body of an answer, as long as it has at most `most` bytes: what is longer is not read.
///
/// # Errors
/// With the reason, for the log.
pub(crate) async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, String> {
    let too_long = || format!("the answer is over {most} bytes");
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        if body.len() + chunk.len() > most {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Why a request failed, for the log: with its causes, without the address.
pub(crate) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// The media type of an answer (RFC 9110, section 8.3.1) in lower case, without its parameters.
pub(crate) fn media_type(response: &Response) -> String {
    let value = response.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
