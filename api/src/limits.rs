//! How often somebody may try. Counted in the store, so that all web processes count together.

use std::{net::IpAddr, time::Duration};

use axum::http::{HeaderMap, HeaderValue, header};
use common::{Count, State, StoreError};

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
    /// Most of all together in a window.
    pub(crate) total: u64,
    pub(crate) window: Duration,
}

const QUARTER: Duration = Duration::from_secs(15 * 60);

/// Wrong passwords.
pub(crate) const PASSWORD: Rule = Rule { name: "password", each: 10, total: 200, window: QUARTER };

/// Wrong setup codes.
pub(crate) const SETUP: Rule = Rule { name: "setup", each: 10, total: 200, window: QUARTER };

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
        Ok(self.standing(count))
    }

    /// Counts one failed request of an address.
    pub(crate) async fn failed(&self, address: &str) -> Result<(), StoreError> {
        self.state.count(&format!("limit/failed/{address}"), 1, MINUTE).await.map(drop)
    }

    /// Whether an address has failed too often in this minute.
    pub(crate) async fn failing(&self, address: &str) -> Result<Option<TooOften>, StoreError> {
        let count = self.state.counted(&format!("limit/failed/{address}")).await?;
        let over = count.filter(|count| count.total >= self.per_minute);
        Ok(over.map(|count| TooOften { limit: self.per_minute, retry_after: count.resets_in }))
    }

    /// Counts one try under a rule; `Err` if there were too many, of this address or in total.
    pub(crate) async fn attempt(&self, rule: &Rule, address: &str) -> Result<Result<(), TooOften>, StoreError> {
        let key = |whose: &str| format!("limit/{}/{whose}", rule.name);
        let each = self.state.count(&key(address), 1, rule.window).await?;
        if each.total > rule.each {
            return Ok(Err(TooOften { limit: rule.each, retry_after: each.resets_in }));
        }
        let total = self.state.count(&key("all"), 1, rule.window).await?;
        Ok(if total.total > rule.total {
            Err(TooOften { limit: rule.total, retry_after: total.resets_in })
        } else {
            Ok(())
        })
    }

    /// Whether an address may still try under a rule; nothing is counted. With [`Limits::attempt`] after each failure,
    /// only failures count.
    pub(crate) async fn allowed(&self, rule: &Rule, address: &str) -> Result<Result<(), TooOften>, StoreError> {
        for (whose, most) in [(address, rule.each), ("all", rule.total)] {
            let count = self.state.counted(&format!("limit/{}/{whose}", rule.name)).await?;
            if let Some(over) = count.filter(|count| count.total >= most) {
                return Ok(Err(TooOften { limit: most, retry_after: over.resets_in }));
            }
        }
        Ok(Ok(()))
    }

    fn standing(&self, count: Count) -> Result<Standing, TooOften> {
        if count.total > self.per_minute {
            return Err(TooOften { limit: self.per_minute, retry_after: count.resets_in });
        }
        Ok(Standing { limit: self.per_minute, remaining: self.per_minute - count.total, resets_in: count.resets_in })
    }

    /// The address a request came from, as limits count it: an IPv4 address, or the /64 network of an IPv6 address,
    /// of which one machine has all. With proxies in front, what the outermost of the trusted ones saw.
    pub(crate) fn address(&self, peer: IpAddr, headers: &HeaderMap) -> String {
        let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
        let seen = self.trusted_hops.checked_sub(1).and_then(|back| hops.iter().rev().nth(back));
        let address = seen.and_then(|text| text.parse().ok()).unwrap_or(peer);
        match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        }
    }
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
