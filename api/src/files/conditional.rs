//! Whether somebody has a file already (RFC 9110, section 13.1.2).

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// How long a browser may keep what links lead to: it never changes, but may be deleted.
pub(super) const KEPT: HeaderValue = HeaderValue::from_static("private, max-age=3600");

/// 304 for whoever has the version `tag` already.
pub(super) fn not_modified(headers: &HeaderMap, tag: &str) -> Option<Response> {
    let has =
        headers.get_all(header::IF_NONE_MATCH).iter().any(|known| known.to_str().is_ok_and(|known| names(known, tag)));
    let tag = HeaderValue::try_from(tag).ok().filter(|_| has)?;
    Some((StatusCode::NOT_MODIFIED, [(header::ETAG, tag), (header::CACHE_CONTROL, KEPT)]).into_response())
}

/// Whether the list `known` names `tag`. Compared weakly: caches and proxies on the way make tags weak.
fn names(known: &str, tag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    // Our tags hold no comma.
    known.trim() == "*" || known.split(',').any(|known| plain(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_in_lists_weak_and_strong() {
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "\"b\",W/\"a\" , \"c\"", "*", " * "] {
            assert!(names(known, "\"a\""), "{known}");
        }
        for other in ["", "a", "\"b\"", "\"aa\"", "W/\"b\", \"c\"", "\"*\""] {
            assert!(!names(other, "\"a\""), "{other}");
        }
        let mut headers = HeaderMap::new();
        assert!(not_modified(&headers, "\"a\"").is_none());
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("W/\"a\""));
        let answer = not_modified(&headers, "\"a\"").unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer.headers()[header::ETAG], "\"a\"");
    }
}
