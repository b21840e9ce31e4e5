//! Where and for whom the web listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::Url;

use crate::reader::{About, Reader};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "Web", name, meaning }
}

/// Where and for whom the web listens.
#[derive(Clone, Debug)]
pub struct Web {
    /// The address to bind; always loopback as long as there is no sign-in.
    pub host: IpAddr,
    /// The TCP port to bind; 0 takes a free one.
    pub port: u16,
    /// Origins of web pages (scheme, host, port) that may call the server, besides loopback ones.
    pub allowed_origins: Vec<String>,
}

impl Web {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let port = reader.integer(&about("PORT", "TCP port of the server; 0 takes a free one."), 8080, 0..=65535, "");
        let host = reader.parsed(
            &about("HOST", "Address to listen on. There is no sign-in yet, so only this machine can be served."),
            (IpAddr::V4(Ipv4Addr::LOCALHOST), "127.0.0.1"),
            "a loopback address: 127.0.0.1, ::1 or localhost",
            loopback,
        );
        let origins = ["https://claude.ai", "https://claude.com"].map(String::from).to_vec();
        let shown = origins.join(",");
        let allowed_origins = reader.parsed(
            &about("ALLOWED_ORIGINS", "Web pages that may call the server; pages of this machine always may."),
            (origins, &shown),
            "a list of origins such as https://claude.ai, separated by commas",
            |text| text.split(',').map(|part| origin(part.trim())).collect(),
        );
        Self { host, port: u16::try_from(port).unwrap_or_default(), allowed_origins }
    }

    /// The socket address to bind.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

fn loopback(text: &str) -> Result<IpAddr, String> {
    let text = if text.eq_ignore_ascii_case("localhost") { "127.0.0.1" } else { text };
    match text.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => Ok(address),
        Ok(_) => Err(format!("{text} can be reached from outside, and this version has no sign-in; use 127.0.0.1")),
        Err(_) => Err(format!("\"{text}\" is not an address; use 127.0.0.1")),
    }
}

fn origin(text: &str) -> Result<String, String> {
    let wrong = || format!("\"{text}\" is not an origin; use scheme and host, such as https://claude.ai");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if matches!(url.scheme(), "http" | "https") && bare { Ok(url.origin().ascii_serialization()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use crate::tests::read;

    #[test]
    fn only_loopback_is_accepted() {
        assert_eq!(read(&[("HOST", "localhost"), ("PORT", "0")]).unwrap().web.address().to_string(), "127.0.0.1:0");
        assert!(read(&[("HOST", "::1")]).is_ok());
        for host in ["0.0.0.0", "192.168.1.2", "::", "example.com"] {
            assert!(read(&[("HOST", host)]).unwrap_err().to_string().contains("HOST"), "{host}");
        }
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
