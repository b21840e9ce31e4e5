//! Times as people read them.

use time::OffsetDateTime;

/// A day such as `3 March 2026` (UTC), of milliseconds since 1970.
pub(super) fn day(ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{} {} {}", moment.day(), moment.month(), moment.year())
}

/// How long ago `ms` was at `now`; the day where that is long.
pub(super) fn ago(ms: i64, now: i64) -> String {
    let minutes = (now - ms) / 60_000;
    let count = |number: i64, unit: &str| format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" });
    match minutes {
        ..=0 => "just now".to_owned(),
        1..=59 => count(minutes, "minute"),
        60..=1439 => count(minutes / 60, "hour"),
        1440..=43_199 => count(minutes / 1440, "day"),
        _ => format!("on {}", day(ms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_times_are_counted_and_far_ones_dated() {
        const MINUTE: i64 = 60_000;
        let now = 1_795_000_000_000;
        for (before, said) in [
            (-5, "just now"),
            (MINUTE, "1 minute ago"),
            (119 * MINUTE, "1 hour ago"),
            (72 * 60 * MINUTE, "3 days ago"),
            (60 * 24 * 60 * MINUTE, "on 19 September 2026"),
        ] {
            assert_eq!(ago(now - before, now), said);
        }
    }
}
