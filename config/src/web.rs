//! Where and for whom the web listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::{Host, Url};

use crate::reader::{About, Reader};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "Web", name, meaning }
}

/// Where and for whom the web listens.
#[derive(Clone, Debug)]
pub struct Web {
    /// The address to bind.
    pub host: IpAddr,
    /// The TCP port to bind; 0 takes a free one.
    pub port: u16,
    /// How the world reaches the server: scheme, host, port, no slash at the end. `None`: by the address it is bound to.
    pub public_url: Option<String>,
    /// Whether `/mcp` needs a token.
    pub auth: bool,
    /// Origins of web pages (scheme, host, port) that may call the server.
    pub allowed_origins: Vec<String>,
    /// `tools/call` requests of one user in a minute; also failed requests of one address on the sign-in routes.
    pub max_requests_per_minute: u64,
    /// Proxies in front of the server whose `X-Forwarded-For` entries are true.
    pub trusted_proxy_hops: usize,
}

impl Web {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let port = reader.integer(&about("PORT", "TCP port of the server; 0 takes a free one."), 8080, 0..=65535, "");
        let railway = reader.platform("RAILWAY_PUBLIC_DOMAIN").map(|domain| format!("https://{domain}"));
        let public_url = reader.parsed(
            &about(
                "PUBLIC_URL",
                "How the world reaches the server: the issuer of tokens, and the start of every link.",
            ),
            (railway.clone(), "https://$RAILWAY_PUBLIC_DOMAIN if that is set, else the address it listens on"),
            "https:// and a host, or http:// and this machine (http://127.0.0.1:8080), without a path",
            |text| public(text).map(Some),
        );
        let world = public_url.as_deref().is_some_and(|url| !is_here(url));
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let host = reader.parsed(
            &about("HOST", "Address to listen on."),
            (if world { everywhere } else { Ipv4Addr::LOCALHOST.into() }, "127.0.0.1; 0.0.0.0 with a PUBLIC_URL"),
            "an IP address, or localhost",
            address,
        );
        if !host.is_loopback() && public_url.is_none() {
            let message = format!(
                "must say how the world reaches the server, because HOST is {host}; such as https://images.example.com"
            );
            reader.mistake("PUBLIC_URL", message);
        }
        let auth = reader.choice(
            &about("AUTH", "Whether /mcp needs a token. off: every program of this machine may call."),
            ("on", true),
            &[("on", true), ("off", false)],
        );
        if !auth && (world || !host.is_loopback()) {
            reader.mistake(
                "AUTH",
                "off is for this machine only: not with a HOST or PUBLIC_URL that others can reach".into(),
            );
        }
        let hops = u64::from(railway.is_some());
        let trusted_proxy_hops = reader.integer_shown(
            &about("TRUSTED_PROXY_HOPS", "Proxies in front of the server. Their X-Forwarded-For tells the address of the caller, which limits count by."),
            (hops, "0; 1 on Railway"),
            0..=10,
            "proxies",
        );
        Self {
            host,
            port: u16::try_from(port).unwrap_or_default(),
            public_url,
            auth,
            allowed_origins: origins(reader, auth),
            max_requests_per_minute: requests(reader),
            trusted_proxy_hops: usize::try_from(trusted_proxy_hops).unwrap_or_default(),
        }
    }

    /// The socket address to bind.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

fn origins(reader: &mut Reader<'_>, auth: bool) -> Vec<String> {
    let claude = ["https://claude.ai", "https://claude.com"];
    let shown = format!("{}; none with AUTH=off", claude.join(","));
    // Without sign-in, a page of theirs would be the owner.
    let origins = if auth { claude.map(String::from).to_vec() } else { Vec::new() };
    reader.parsed(
        &about(
            "ALLOWED_ORIGINS",
            "Web pages that may call the server. Pages of this machine may too, while the server is on loopback.",
        ),
        (origins, &shown),
        "a list of origins such as https://claude.ai, separated by commas",
        |text| text.split(',').map(|part| origin(part.trim())).collect(),
    )
}

fn requests(reader: &mut Reader<'_>) -> u64 {
    reader.integer(
        &about(
            "MAX_REQUESTS_PER_MINUTE",
            "Tool calls of one user in a minute; and failed requests of one address to the sign-in routes.",
        ),
        100,
        1..=1_000_000,
        "requests",
    )
}

fn address(text: &str) -> Result<IpAddr, String> {
    let text = if text.eq_ignore_ascii_case("localhost") { "127.0.0.1" } else { text };
    text.parse().map_err(|_| format!("\"{text}\" is not an IP address; use 127.0.0.1, or 0.0.0.0 with a PUBLIC_URL"))
}

/// `https` anywhere, `http` on this machine only: a token that travels in the clear is everybody's.
fn public(text: &str) -> Result<String, String> {
    let url = origin(text)
        .map_err(|_| format!("\"{text}\" is not a scheme and host alone, such as https://images.example.com"))?;
    if url.starts_with("https://") || is_here(&url) {
        Ok(url)
    } else {
        Err(format!(
            "{url} would send passwords and tokens in the clear; use https:// (http:// is for this machine only)"
        ))
    }
}

/// Whether a URL leads to this machine only.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_here(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| is_loopback(&url))
}

fn origin(text: &str) -> Result<String, String> {
    let wrong = || format!("\"{text}\" is not an origin; use scheme and host, such as https://claude.ai");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && bare { Ok(url.origin().ascii_serialization()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use crate::tests::read;

    fn complaint(pairs: &[(&str, &str)]) -> String {
        read(pairs).unwrap_err().to_string()
    }

    #[test]
    fn loopback_by_default_and_the_world_only_by_its_name() {
        assert_eq!(read(&[("HOST", "localhost"), ("PORT", "0")]).unwrap().web.address().to_string(), "127.0.0.1:0");
        assert!(read(&[("HOST", "::1")]).unwrap().web.auth);
        let world = read(&[("PUBLIC_URL", "https://Images.Example.com:443/")]).unwrap().web;
        assert_eq!(world.public_url.as_deref(), Some("https://images.example.com"));
        assert_eq!(world.address().to_string(), "0.0.0.0:8080");
        assert!(complaint(&[("HOST", "0.0.0.0")]).contains("PUBLIC_URL"));
        assert!(complaint(&[("HOST", "example.com")]).contains("HOST"));
        assert!(read(&[("HOST", "0.0.0.0"), ("PUBLIC_URL", "http://localhost:8080")]).is_ok());
    }

    #[test]
    fn railway_says_its_name_and_is_one_proxy() {
        let web = read(&[("RAILWAY_PUBLIC_DOMAIN", "it.up.railway.app")]).unwrap().web;
        assert_eq!(web.public_url.as_deref(), Some("https://it.up.railway.app"));
        assert_eq!((web.host.to_string().as_str(), web.trusted_proxy_hops), ("0.0.0.0", 1));
        assert_eq!(read(&[]).unwrap().web.trusted_proxy_hops, 0);
    }

    #[test]
    fn public_urls_are_https_or_this_machine_and_nothing_more() {
        for wrong in [
            "http://example.com",
            "ftp://a",
            "https://a/path",
            "https://u@a",
            "https://u:p@a",
            "a.example",
            "https://a?x",
        ] {
            assert!(complaint(&[("PUBLIC_URL", wrong)]).contains("PUBLIC_URL"), "{wrong}");
        }
        assert!(read(&[("PUBLIC_URL", "http://[::1]:9")]).is_ok());
    }

    #[test]
    fn without_sign_in_nobody_else_can_reach_it() {
        assert!(!read(&[("AUTH", "off")]).unwrap().web.auth);
        assert!(complaint(&[("AUTH", "off"), ("PUBLIC_URL", "https://a.example")]).contains("AUTH"));
        assert!(
            complaint(&[("AUTH", "off"), ("HOST", "0.0.0.0"), ("PUBLIC_URL", "http://localhost:1")]).contains("AUTH")
        );
        assert!(complaint(&[("AUTH", "no")]).contains("on, off"));
    }

    #[test]
    fn origins_are_canonical() {
        let origins =
            read(&[("ALLOWED_ORIGINS", "https://A.example:443/, http://b.example:81")]).unwrap().web.allowed_origins;
        assert_eq!(origins, ["https://a.example", "http://b.example:81"]);
        for wrong in ["*", "claude.ai", "https://a.example/path", "file:///x", "https://u@a.example"] {
            assert!(read(&[("ALLOWED_ORIGINS", wrong)]).is_err(), "{wrong}");
        }
    }
}
