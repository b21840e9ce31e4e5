//! Where the figures and the health of the worker program are read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::reader::{About, Reader};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "Metrics", name, meaning }
}

/// Where the figures and the health of the worker program are read.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// The address to bind.
    pub host: IpAddr,
    /// The TCP port to bind; 0 takes a free one.
    pub port: u16,
}

impl Metrics {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let port = reader.integer(
            &about("METRICS_PORT", "TCP port of the worker program's /metrics and /health; 0 takes a free one."),
            9090,
            0..=65535,
            "",
        );
        let host = reader.parsed(
            &about("METRICS_HOST", "Address that they listen on. They ask nobody for a token."),
            (Ipv4Addr::LOCALHOST.into(), "127.0.0.1"),
            "an IP address, or localhost",
            |text| {
                let address = if text.eq_ignore_ascii_case("localhost") { "127.0.0.1" } else { text };
                address.parse().map_err(|_| format!("\"{text}\" is not an IP address; use 127.0.0.1 or 0.0.0.0"))
            },
        );
        Self { host, port: u16::try_from(port).unwrap_or_default() }
    }

    /// The socket address to bind.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::read;

    #[test]
    fn figures_stay_on_this_machine_unless_it_says_otherwise() {
        assert_eq!(read(&[]).unwrap().metrics.address().to_string(), "127.0.0.1:9090");
        let set = read(&[("METRICS_PORT", "7"), ("METRICS_HOST", "::")]).unwrap().metrics;
        assert_eq!(set.address().to_string(), "[::]:7");
        assert!(read(&[("METRICS_PORT", "65536")]).is_err());
        assert!(read(&[("METRICS_HOST", "metrics.example")]).is_err());
    }
}
