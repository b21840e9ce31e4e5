//! Where a page may lead after it has done its work.

/// Where people go who wanted nothing in particular.
const HOME: &str = "/account";

/// `wanted`, if it is a page of ours that sends people here; else their account. Nothing else may be asked for, so that
/// signing in never ends on a page of somebody else (RFC 9700, section 4.11).
pub(crate) fn own_path(wanted: &str) -> &str {
    let plain = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let gallery = ["/gallery/images/", "/gallery/batches/"].into_iter().find_map(|page| wanted.strip_prefix(page));
    if wanted == "/gallery" || gallery.is_some_and(|id| id.len() == 20 && plain(id)) {
        return wanted;
    }
    match wanted.strip_prefix("/oauth/authorize?transaction=") {
        Some(id) if (1..=100).contains(&id.len()) && plain(id) => wanted,
        _ => HOME,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a23_only_pages_of_ours_that_send_people_here() {
        let own = "/oauth/authorize?transaction=aB3_-x";
        for own in [own, "/gallery", "/gallery/images/img_7k2m9w0c4t8x3v5q", "/gallery/batches/job_5p1r8n2d6h4g9z0s"] {
            assert_eq!(own_path(own), own);
        }
        for other in [
            "",
            "/",
            "/account",
            "/account/../evil",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/account",
            "javascript:alert(1)",
            "/gallery/",
            "/gallery?query=x",
            "/gallery/images/..",
            "/gallery/images/img_7k2m9w0c4t8x3v5q/delete",
            "/gallery/images/img_7k2m9w0c4t8x3v.q",
            "/oauth/authorize",
            "/oauth/authorize?transaction=",
            "/oauth/authorize?transaction=a&client_id=b",
            "/oauth/authorize?transaction=a#b",
            "/oauth/authorize?transaction=a\r\nSet-Cookie: b=c",
            "/oauth/authorize?transaction=%2e%2e",
            " /oauth/authorize?transaction=a",
            "/oauth/authorize?Transaction=a",
        ] {
            assert_eq!(own_path(other), "/account", "{other}");
        }
    }
}
