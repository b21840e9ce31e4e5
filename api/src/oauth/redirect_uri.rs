//! Where codes may be sent: which addresses a client may register, and when a requested one is a registered one.

use url::{Host, Url};

use crate::guard::leads_to;

/// The longest address.
pub(crate) const LONGEST: usize = 2048;

/// Schemes that a browser runs or reads by itself, or that lead to another machine, instead of to an app on this one.
const NOT_APPS: [&str; 34] = [
    "about",
    "blob",
    "chrome",
    "chrome-extension",
    "data",
    "edge",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "gopher",
    "intent",
    "itms-services",
    "jar",
    "javascript",
    "mailto",
    "moz-extension",
    "ms-appinstaller",
    "ms-settings",
    "resource",
    "search",
    "search-ms",
    "sftp",
    "smb",
    "sms",
    "ssh",
    "steam",
    "tel",
    "telnet",
    "urn",
    "vbscript",
    "view-source",
    "webcal",
    "ws",
];

/// Whether a client may have this address: `https`, `http` on the same machine (RFC 8252, section 7.3), or a scheme of
/// an app (section 7.1). `own` is our issuer, to which no code is ever sent.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn acceptable(uri: &str, own: &str) -> Result<(), &'static str> {
    if uri.len() > LONGEST {
        return Err("is over 2048 bytes");
    }
    // Parsers strip blanks and controls and turn backslashes around; what is left would not be what was checked.
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains(['\\', '"', '<', '>', '^', '`', '{', '|', '}'])
    {
        return Err("holds characters that no URI has");
    }
    if uri.contains('#') {
        return Err("has a fragment");
    }
    let url = Url::parse(uri).map_err(|_| "is not an absolute URI")?;
    // A parser forgives a missing or doubled slash; what follows it would be compared as something else.
    let after = &uri[url.scheme().len()..];
    if matches!(url.scheme(), "http" | "https") && (!after.starts_with("://") || after.starts_with(":///")) {
        return Err("does not begin with a scheme, :// and a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name");
    }
    match url.scheme() {
        "http" if loopback_parts(uri).is_none() => Err("is http, which only localhost, 127.0.0.1 and [::1] may be"),
        // Compared with the default port left out on both sides.
        "https" | "http" if Url::parse(own).is_ok_and(|own| leads_to(&url, &own)) => Err("leads to this server"),
        "https" | "http" => Ok(()),
        scheme if NOT_APPS.contains(&scheme) || scheme == "wss" => Err("has a scheme that no app has"),
        scheme if uri.len() <= scheme.len() + 1 => Err("is a scheme and nothing more"),
        _ => Ok(()),
    }
}

/// Whether `requested` is `registered`: byte for byte, but for the port on the same machine, which an app cannot know
/// beforehand (RFC 8252, section 7.3; the name `localhost` is used likewise by clients).
pub(crate) fn matches(registered: &str, requested: &str) -> bool {
    registered == requested
        || matches!((loopback_parts(registered), loopback_parts(requested)), (Some(one), Some(other)) if one == other)
}

/// Whether a code sent there reaches an app on the person's own machine.
pub(crate) fn is_loopback(uri: &str) -> bool {
    loopback_parts(uri).is_some()
}

/// The host as a person should read it: the scheme, where an app of that scheme takes it.
pub(crate) fn shown_host(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => match (url.host(), url.port()) {
            (Some(Host::Domain(host)), None) => host.to_owned(),
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_string(),
            (None, _) => String::new(),
        },
        Ok(url) => format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()),
        Err(_) => String::new(),
    }
}

/// Host and everything after the port of `http` on the same machine, as they are written.
fn loopback_parts(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["localhost", "127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let after = &rest[host.len()..];
    let Some(port) = after.strip_prefix(':') else {
        return (after.is_empty() || after.starts_with(['/', '?'])).then_some((host, after));
    };
    let digits = port.bytes().take_while(u8::is_ascii_digit).count();
    let (port, tail) = port.split_at(digits);
    let port_is_one = port.parse::<u16>().is_ok_and(|port| port > 0);
    (port_is_one && (tail.is_empty() || tail.starts_with(['/', '?']))).then_some((host, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://it.example";

    #[test]
    fn what_clients_really_register_is_acceptable() {
        for uri in [
            "https://claude.ai/api/mcp/auth_callback",
            "http://localhost:54321/callback",
            "http://127.0.0.1/",
            "http://[::1]:80/cb?x=1",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "com.example.app:/oauth",
            "https://vscode.dev/redirect",
            "https://chatgpt.com/connector/oauth/abc_DEF",
        ] {
            assert_eq!(acceptable(uri, OWN), Ok(()), "{uri}");
        }
    }

    #[test]
    fn what_a_browser_would_run_or_misread_is_not() {
        for uri in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " https://a.example",
            "\thttps://a.example",
            "java\nscript:x",
            "data:text/html,x",
            "DATA:text/html,x",
            "file:///etc/passwd",
            "vbscript:x",
            "blob:https://a.example/1",
            "about:blank",
            "http://a.example/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://localhost@evil.example/cb",
            "http://localhost:0/",
            "http://localhost:99999/",
            "https://user@a.example/cb",
            "https://a.example/cb#x",
            "https://a.example\\@evil.example/",
            "https:///cb",
            "https:a.example/cb",
            "https:/a.example/cb",
            "/callback",
            "callback",
            "app:",
            "",
            "https://it.example/oauth/authorize",
            "https://IT.example:443/x",
            "webcal://evil.example/x",
            "smb://evil.example/share",
            "feed:https://evil.example/",
            "ms-appinstaller:?source=https://evil.example/",
            "tel:+100",
        ] {
            assert!(acceptable(uri, OWN).is_err(), "{uri}");
        }
        for here in ["http://localhost:8080/x", "http://[::1]:8080/x", "http://127.0.0.1:8080/"] {
            assert!(acceptable(here, "http://127.0.0.1:8080").is_err(), "{here}");
        }
        assert!(acceptable("http://localhost:8080/x", "http://127.0.0.2:8080").is_err());
        assert!(acceptable("http://localhost:9/x", "http://127.0.0.1:8080").is_ok());
        assert!(acceptable(&format!("https://a.example/{}", "x".repeat(2048)), OWN).is_err());
    }

    #[test]
    fn only_the_port_on_the_same_machine_is_free() {
        let yes = [
            ("http://localhost/callback", "http://localhost:54321/callback"),
            ("http://localhost:1/callback", "http://localhost:2/callback"),
            ("http://127.0.0.1:33418/", "http://127.0.0.1:9/"),
            ("http://[::1]/a?b=c", "http://[::1]:7/a?b=c"),
            ("https://a.example/cb", "https://a.example/cb"),
        ];
        for (registered, requested) in yes {
            assert!(matches(registered, requested), "{registered} {requested}");
        }
        let no = [
            ("http://localhost/callback", "http://127.0.0.1/callback"),
            ("http://localhost/callback", "http://localhost/callback/"),
            ("http://localhost/callback", "http://localhost/callback?x"),
            ("http://localhost/callback", "https://localhost/callback"),
            ("http://localhost/callback", "http://localhost.evil.com/callback"),
            ("http://localhost/callback", "http://localhost:1@evil.com/callback"),
            ("http://localhost/callback", "http://LOCALHOST/callback"),
            ("https://a.example/cb", "https://a.example:443/cb"),
            ("https://a.example/cb", "https://a.example/cb/"),
            ("https://a.example/cb", "https://a.example/CB"),
            ("https://a.example/cb", "https://a.example./cb"),
            ("https://a.example/cb", "https://a.example/x/../cb"),
            ("https://a.example/cb", "https://a.example/%63b"),
            ("https://a.example/cb", "https://a.example/cbx"),
            ("https://a.example/cb", "https://a.example.evil/cb"),
        ];
        for (registered, requested) in no {
            assert!(!matches(registered, requested), "{registered} {requested}");
        }
    }

    #[test]
    fn people_read_the_host() {
        assert_eq!(shown_host("https://claude.ai/api/mcp"), "claude.ai");
        assert_eq!(shown_host("http://localhost:54321/cb"), "localhost:54321");
        assert_eq!(shown_host("cursor://anysphere.cursor-mcp/x"), "cursor://anysphere.cursor-mcp");
    }
}
