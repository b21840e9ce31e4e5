//! How often somebody may try. Counted in the store, so that all web processes count together.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, header};
use common::{State, StoreError};

/// The window of requests per minute.
const MINUTE: Duration = Duration::from_secs(60);

/// How often somebody may try.
#[derive(Debug)]
pub(crate) struct Limits {
    state: State,
    per_minute: u64,
    trusted_hops: usize,
}

/// What is counted, and how much of it is allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The name of the counter.
    pub(crate) name: &'static str,
    /// Most of one address in a window.
    pub(crate) each: u64,
    /// Most of all together in a window, where that is limited.
    pub(crate) total: Option<u64>,
    pub(crate) window: Duration,
}

impl Rule {
    /// The counters of a try of `address`, and how much each may hold.
    fn counters(&self, address: &str) -> impl Iterator<Item = (String, u64)> {
        let key = |whose: &str| format!("limit/{}/{whose}", self.name);
        let total = self.total.map(|most| (key("all"), most));
        [(key(address), self.each)].into_iter().chain(total)
    }
}

const QUARTER: Duration = Duration::from_secs(15 * 60);

/// Wrong passwords.
pub(crate) const PASSWORD: Rule = Rule { name: "password", each: 10, total: Some(200), window: QUARTER };

/// Wrong passwords in browsers in which the same person has signed in before.
pub(crate) const PASSWORD_KNOWN: Rule = Rule { name: "password-known", each: 10, total: None, window: QUARTER };

/// Requests to connect an app: each is kept for a while, and may have the client's document fetched.
pub(crate) const AUTHORIZE: Rule = Rule { name: "authorize", each: 60, total: Some(1200), window: MINUTE };

/// Wrong setup codes.
pub(crate) const SETUP: Rule = Rule { name: "setup", each: 10, total: Some(200), window: QUARTER };

/// Somebody tried too often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooOften {
    pub(crate) limit: u64,
    /// When the window ends.
    pub(crate) retry_after: Duration,
}

impl TooOften {
    /// Whole seconds to wait, at least one.
    pub(crate) fn seconds(&self) -> u64 {
        self.retry_after.as_secs_f64().ceil().max(1.0) as u64
    }
}

impl Limits {
    pub(crate) fn new(state: &State, web: &config::Web) -> Self {
        Self { state: state.clone(), per_minute: web.max_requests_per_minute, trusted_hops: web.trusted_proxy_hops }
    }

    /// Counts one call of `user`; `Err` once there were too many in this minute.
    pub(crate) async fn call(&self, user: &str) -> Result<Result<Standing, TooOften>, StoreError> {
        let count = self.state.count(&format!("limit/calls/{user}"), 1, MINUTE).await?;
        let (limit, resets_in) = (self.per_minute, count.resets_in);
        Ok(match limit.checked_sub(count.total) {
            Some(remaining) => Ok(Standing { limit, remaining, resets_in }),
            None => Err(TooOften { limit, retry_after: resets_in }),
        })
    }

    /// Failed requests of one address: as many in a minute as calls.
    pub(crate) fn failures(&self, name: &'static str) -> Rule {
        Rule { name, each: self.per_minute, total: None, window: MINUTE }
    }

    /// Counts one try under a rule; `Err` if there were too many, of this address or in total.
    pub(crate) async fn attempt(&self, rule: &Rule, address: &str) -> Result<Result<(), TooOften>, StoreError> {
        for (key, most) in rule.counters(address) {
            let count = self.state.count(&key, 1, rule.window).await?;
            if count.total > most {
                return Ok(Err(TooOften { limit: most, retry_after: count.resets_in }));
            }
        }
        Ok(Ok(()))
    }

    /// Whether an address may still try under a rule; nothing is counted. With [`Limits::attempt`] after each failure,
    /// only failures count.
    pub(crate) async fn allowed(&self, rule: &Rule, address: &str) -> Result<Result<(), TooOften>, StoreError> {
        for (key, most) in rule.counters(address) {
            let count = self.state.counted(&key).await?;
            if let Some(count) = count.filter(|count| count.total >= most) {
                return Ok(Err(TooOften { limit: most, retry_after: count.resets_in }));
            }
        }
        Ok(Ok(()))
    }

    /// The address a request came from, as limits count it: an IPv4 address, or the /64 network of an IPv6 address,
    /// of which one machine has all. With proxies in front, what the outermost of the trusted ones saw.
    pub(crate) fn address(&self, peer: IpAddr, headers: &HeaderMap) -> String {
        let forwarded =
            headers.get_all("x-forwarded-for").iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let hops: Vec<String> =
            forwarded.flat_map(|value| value.split(',').map(str::to_owned).collect::<Vec<_>>()).collect();
        let seen = self.trusted_hops.checked_sub(1).and_then(|back| hops.iter().rev().nth(back));
        let address = seen.and_then(|text| forwarded_address(text.trim())).unwrap_or(peer);
        match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        }
    }
}

/// An address as proxies write it: plain, in brackets, or with a port.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let socket = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    text.trim_start_matches('[').trim_end_matches(']').parse().ok().or_else(socket)
}

/// How many more calls there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    limit: u64,
    remaining: u64,
    resets_in: Duration,
}

impl Standing {
    /// Says it in the fields that clients know (draft-ietf-httpapi-ratelimit-headers-06).
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        set(headers, self.limit, self.remaining, self.resets_in.as_secs() + 1);
    }
}

impl TooOften {
    /// Says it in the fields that clients know, `Retry-After` (RFC 9110, section 10.2.3) included.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        set(headers, self.limit, 0, self.seconds());
        headers.insert(header::RETRY_AFTER, HeaderValue::from(self.seconds()));
    }
}

fn set(headers: &mut HeaderMap, limit: u64, remaining: u64, reset: u64) {
    headers.insert("ratelimit-limit", HeaderValue::from(limit));
    headers.insert("ratelimit-remaining", HeaderValue::from(remaining));
    headers.insert("ratelimit-reset", HeaderValue::from(reset));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_write_addresses_in_several_ways() {
        for (text, wanted) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:5678", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(forwarded_address(text), wanted.map(|address| address.parse().unwrap()), "{text}");
        }
    }
}
