//! Which addresses a client may have (draft-ietf-oauth-client-id-metadata-document, section 3).

use url::{Host, Url};

/// The longest address.
const LONGEST: usize = 2048;

/// The address `client_id`, if a client may have it. The text itself is judged: parsing removes what is odd about it,
/// and the text is what is compared later.
///
/// # Errors
/// With what is wrong about it.
pub(super) fn check(client_id: &str, own_host: &str) -> Result<Url, &'static str> {
    if client_id.len() > LONGEST {
        return Err("the address is too long");
    }
    if !client_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the address is not plain ASCII");
    }
    let rest = client_id.strip_prefix("https://").ok_or("the address is not https://")?;
    if rest.contains(['#', '\\']) {
        return Err("the address has a fragment or a backslash");
    }
    let location = rest.split('?').next().unwrap_or_default();
    let (authority, path) = location.split_once('/').ok_or("the address has no path")?;
    if path.is_empty() {
        return Err("the address has no path");
    }
    if authority.contains('@') {
        return Err("the address names a user");
    }
    if path.split('/').any(is_dots) {
        return Err("the address has dot segments");
    }
    let url = Url::parse(client_id).map_err(|_| "the address cannot be parsed")?;
    let Some(Host::Domain(host)) = url.host() else { return Err("the host is an IP address") };
    if url.port().is_some() {
        return Err("the port is not 443");
    }
    // Whatever would be read as something else is something else: hosts in capitals or as numbers, odd characters.
    if url.as_str() != client_id.replacen(":443/", "/", usize::from(authority.ends_with(":443"))) {
        return Err("the address is not in its normal form");
    }
    if host.ends_with('.') || host == own_host {
        return Err("the host is this server or written oddly");
    }
    Ok(url)
}

/// Whether a segment of a path is `.` or `..`, percent-encoded or not.
fn is_dots(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

/// The host of an address, to name it in an error and in the log. Where it is none that can be named there, nothing is
/// repeated.
pub(super) fn host(client_id: &str) -> String {
    const LONGEST: usize = 253;
    let plain = |host: &str| {
        host.len() <= LONGEST && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    };
    let host = Url::parse(client_id).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.filter(|host| plain(host)).unwrap_or_else(|| "its address".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a52_addresses_that_clients_have() {
        for address in [
            "https://claude.ai/oauth/mcp-oauth-client-metadata",
            "https://claude.ai/oauth/claude-code-client-metadata",
            "https://chatgpt.com/oauth/client.json",
            "https://app.example:443/client",
            "https://app.example/client?v=1&w=:443/",
            "https://xn--kse-qla.example/a.b/..c/...",
        ] {
            assert!(check(address, "tool.example").is_ok(), "{address}");
        }
    }

    #[test]
    fn a52_addresses_that_no_client_has() {
        let long = format!("https://app.example/{}", "a".repeat(LONGEST));
        for address in [
            "",
            "https://",
            "https:///client",
            "http://app.example/client",
            "HTTPS://app.example/client",
            "ftp://app.example/client",
            "https:app.example/client",
            "https:\\\\app.example/client",
            "https://app.example",
            "https://app.example/",
            "https://app.example?x",
            "https://app.example/?x=/y",
            "https://user@app.example/client",
            "https://user:pass@app.example/client",
            "https://@app.example/client",
            "https://app.example@10.0.0.1/client",
            "https://app.example/client#part",
            "https://app.example/client#",
            "https://app.example/a/../client",
            "https://app.example/./client",
            "https://app.example/a/%2e%2E/client",
            "https://app.example/%2e/client",
            "https://app.example/.%2e/client",
            "https://app.example/client/..",
            "https://app.example/a\\..\\client",
            "https://app.example:8443/client",
            "https://app.example:80/client",
            "https://app.example:/client",
            "https://app.example:0443/client",
            "https://APP.example/client",
            "https://app.example./client",
            "https://tool.example/client",
            "https://tool.example./client",
            "https://tool.example:443/client",
            "https://app.example/cl ient",
            " https://app.example/client",
            "https://app.example/client\n",
            "https://app.ex\tample/client",
            "https://käse.example/client",
            "https://app.example/kä",
            "https://app%2eexample/client",
            "https://app.example/\"client\"",
        ] {
            assert!(check(address, "tool.example").is_err(), "{address}");
        }
        assert!(check(&long, "tool.example").is_err());
    }

    #[test]
    fn a54_only_plain_hosts_are_named() {
        assert_eq!(host("https://app.example/client"), "app.example");
        assert_eq!(host("https://[::1]/client"), "[::1]");
        let long = format!("https://{}.example/", "a".repeat(300));
        for odd in ["", "client", "foo://a\"b/", "https://a\"b/", "data:text/html,<b>", &long] {
            assert_eq!(host(odd), "its address", "{odd}");
        }
    }

    #[test]
    fn a50_addresses_by_number_in_any_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "169.254.169.254",
            "8.8.8.8",
            "0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[2606:4700:4700::1111]",
            "①②⑦.0.0.1",
        ] {
            assert!(check(&format!("https://{host}/client"), "tool.example").is_err(), "{host}");
        }
    }
}
