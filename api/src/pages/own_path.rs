//! Where a page may lead after it has done its work.

/// Where people go who wanted nothing in particular.
const HOME: &str = "/account";

/// `wanted`, if it is a page of ours that sends people here; else their account. Nothing else may be asked for, so that
/// signing in never ends on a page of somebody else (RFC 9700, section 4.11).
pub(crate) fn own_path(wanted: &str) -> &str {
    let plain = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
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
        assert_eq!(own_path(own), own);
        for other in [
            "",
            "/",
            "/account",
            "/account/../evil",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/account",
            "javascript:alert(1)",
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
