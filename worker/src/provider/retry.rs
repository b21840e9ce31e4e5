//! When a request is sent once more, and when.
//!
//! A picture is paid for when it is made, and nothing tells the provider that two requests mean the same one. So a request
//! for a picture is repeated only where it surely made none.

use std::{future::Future, time::Duration};

use common::{Failure, FailureKind};
use reqwest::{StatusCode, header::HeaderMap};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::Instant;

use super::errors::Complaint;

/// What a request is for, which decides what repeating it may cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// Makes pictures; each time, for money.
    Make,
    /// Reads a picture: a repetition costs a fraction of a cent.
    Look,
}

/// An attempt that failed.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) failure: Failure,
    /// Whether it may be sent once more.
    pub(super) again: bool,
    /// How long the provider wants us to wait before.
    pub(super) after: Option<Duration>,
    /// What the provider said, where it did.
    pub(super) complaint: Option<Complaint>,
}

impl Refused {
    /// An attempt that must not be repeated.
    pub(super) fn finally(failure: Failure) -> Self {
        Self { failure, again: false, after: None, complaint: None }
    }
}

impl Purpose {
    fn retries(self) -> u32 {
        match self {
            Self::Make => 3,
            Self::Look => 2,
        }
    }

    /// Whether a request that was answered with `status` may be repeated.
    pub(super) fn may_repeat(self, status: StatusCode, headers: &HeaderMap, complaint: &Complaint) -> bool {
        if complaint.is_about_money() {
            return false;
        }
        match headers.get("x-should-retry").map(|value| value.as_bytes()) {
            Some(b"true") => return true,
            Some(b"false") => return false,
            _ => {}
        }
        match self {
            // A 500, 502 or 504 may come after the picture was made.
            Self::Make => matches!(status.as_u16(), 429 | 503),
            Self::Look => matches!(status.as_u16(), 408 | 409 | 429) || status.is_server_error(),
        }
    }
}

/// Attempts until one succeeds, must not be repeated, or the time is over. Each is told how much time is left.
///
/// # Errors
/// The last refusal.
pub(super) async fn until<T, F>(
    purpose: Purpose,
    deadline: Instant,
    mut attempt: impl FnMut(Duration) -> F,
) -> Result<T, Refused>
where
    F: Future<Output = Result<T, Refused>>,
{
    let mut retries = 0;
    loop {
        let refused = match attempt(deadline.saturating_duration_since(Instant::now())).await {
            Ok(done) => return Ok(done),
            Err(refused) => refused,
        };
        let wait = refused.after.unwrap_or_else(|| back_off(retries, common::random_bytes().unwrap_or([0; 1])));
        if !refused.again || retries == purpose.retries() || Instant::now() + wait >= deadline {
            return Err(with_wait(refused));
        }
        retries += 1;
        tracing::info!(
            failure = refused.failure.kind.code(),
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            retries,
            "the provider is asked once more"
        );
        tokio::time::sleep(wait).await;
    }
}

/// Tells the caller when it would be worth while.
fn with_wait(mut refused: Refused) -> Refused {
    if let Some(after) = refused.after.filter(|_| refused.failure.kind == FailureKind::RateLimited) {
        refused.failure.retry_after = Some(after.as_secs() + u64::from(after.subsec_nanos() > 0));
    }
    refused
}

/// Half a second, doubled each time up to eight, less up to a quarter so that requests that failed together come apart.
fn back_off(retries: u32, [jitter]: [u8; 1]) -> Duration {
    let base = Duration::from_millis(500).saturating_mul(1 << retries.min(4)).min(Duration::from_secs(8));
    base - base * u32::from(jitter) / 1024
}

/// How long the provider wants us to wait: `retry-after-ms`, or `retry-after` in seconds or as a date.
pub(super) fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str, unit: f64| Duration::try_from_secs_f64(text.parse::<f64>().ok()? * unit).ok();
    if let Some(wait) = text("retry-after-ms").and_then(|text| number(text, 0.001)) {
        return Some(wait);
    }
    let text = text("retry-after")?;
    number(text, 1.0).or_else(|| {
        let then = OffsetDateTime::parse(text, &Rfc2822).ok()?;
        Duration::try_from(then - OffsetDateTime::now_utc()).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_picture_is_asked_for_again_only_where_none_was_made() {
        let plain = Complaint::default();
        let quota = Complaint::read(br#"{"error":{"code":"insufficient_quota"}}"#);
        let may = |purpose: Purpose, status: u16, pairs: &[_], complaint: &Complaint| {
            purpose.may_repeat(StatusCode::from_u16(status).unwrap(), &headers(pairs), complaint)
        };
        for status in [400, 401, 403, 404, 408, 409, 413, 422, 500, 502, 504, 529] {
            assert!(!may(Purpose::Make, status, &[], &plain), "{status}");
            assert!(may(Purpose::Make, status, &[("x-should-retry", "true")], &plain), "{status}");
        }
        for status in [429, 503] {
            assert!(may(Purpose::Make, status, &[], &plain), "{status}");
            assert!(!may(Purpose::Make, status, &[("x-should-retry", "false")], &plain), "{status}");
        }
        for status in [408, 409, 429, 500, 502, 503, 504] {
            assert!(may(Purpose::Look, status, &[], &plain), "{status}");
        }
        for status in [400, 401, 403, 404, 422] {
            assert!(!may(Purpose::Look, status, &[], &plain), "{status}");
        }
        for purpose in [Purpose::Make, Purpose::Look] {
            assert!(!may(purpose, 429, &[("x-should-retry", "true")], &quota), "an empty purse stays empty");
        }
    }

    #[test]
    fn waits_as_long_as_it_is_told() {
        let wait = |pairs: &[_]| after(&headers(pairs));
        assert_eq!(wait(&[("retry-after-ms", "250"), ("retry-after", "9")]), Some(Duration::from_millis(250)));
        assert_eq!(wait(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
        assert_eq!(wait(&[("retry-after-ms", "soon"), ("retry-after", "1.5")]), Some(Duration::from_millis(1500)));
        let moment = (OffsetDateTime::now_utc() + Duration::from_secs(100)).format(&Rfc2822).unwrap();
        let date = moment.replace("+0000", "GMT");
        let far = wait(&[("retry-after", &date)]).unwrap();
        assert!((97..=100).contains(&far.as_secs()), "{date}: {far:?}");
        for odd in ["-1", "NaN", "inf", "Sun, 06 Nov 1994 08:49:37 GMT", "x"] {
            assert_eq!(wait(&[("retry-after", odd)]), None, "{odd}");
        }
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn backs_off_up_to_eight_seconds_less_a_quarter() {
        let ms = |retries, jitter| back_off(retries, [jitter]).as_millis();
        assert_eq!([ms(0, 0), ms(1, 0), ms(2, 0), ms(4, 0), ms(99, 0)], [500, 1000, 2000, 8000, 8000]);
        assert!((375..=376).contains(&ms(0, 255)));
    }

    fn refused(again: bool, after: Option<Duration>) -> Refused {
        let failure = Failure::new(FailureKind::RateLimited, "Too many.");
        Refused { again, after, ..Refused::finally(failure) }
    }

    #[tokio::test]
    async fn ends_with_the_retries_or_the_time() {
        for (purpose, attempts) in [(Purpose::Make, 4), (Purpose::Look, 3)] {
            let mut count = 0;
            let deadline = Instant::now() + Duration::from_secs(600);
            let attempt = |_| {
                count += 1;
                async { Err::<(), _>(refused(true, Some(Duration::from_millis(3)))) }
            };
            let last = until(purpose, deadline, attempt).await.unwrap_err();
            assert_eq!((count, last.failure.retry_after), (attempts, Some(1)), "{purpose:?}");
        }
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(60);
        let hour = Some(Duration::from_secs(3600));
        let last = until(Purpose::Make, deadline, |_| async { Err::<(), _>(refused(true, hour)) }).await.unwrap_err();
        assert_eq!(last.failure.retry_after, Some(3600), "it says when");
        assert!(begun.elapsed() < Duration::from_secs(1), "and does not wait in vain");
    }
}
