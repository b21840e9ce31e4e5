//! Moments as callers write them.

use common::{Failure, schema::clip};
use time::{Date, Duration, OffsetDateTime, format_description::well_known::Rfc3339};

const ALLOWED: &str = "RFC 3339, such as 2026-11-23T08:00:00Z, or a day (UTC), such as 2026-11-23";

/// Which end of a day is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    First,
    Last,
}

/// Milliseconds since 1970 (UTC) of a moment, or of the end of a day.
pub(super) fn moment(text: &str, argument: &str, end: End) -> Result<i64, Failure> {
    let text = text.trim();
    let milliseconds = |moment: OffsetDateTime| i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok();
    let found = match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(moment) => milliseconds(moment),
        Err(_) => day(text).and_then(|day| match end {
            End::First => milliseconds(day),
            End::Last => milliseconds(day.checked_add(Duration::DAY)?).map(|next| next - 1),
        }),
    };
    let wrong = || Failure::invalid(argument, format!("\"{}\" is no moment.", clip(text))).allowed(ALLOWED);
    found.ok_or_else(wrong)
}

/// The beginning of a day such as `2026-11-23`.
fn day(text: &str) -> Option<OffsetDateTime> {
    let format = time::format_description::well_known::Iso8601::DATE;
    let mut bytes = text.bytes().enumerate();
    let plain = text.len() == 10
        && bytes.all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    Date::parse(text, &format).ok().filter(|_| plain).map(|day| day.midnight().assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_days_in_utc() {
        let at = |text, end| moment(text, "since", end).unwrap();
        assert_eq!(at("1970-01-01T00:00:01Z", End::First), 1000);
        assert_eq!(at("1970-01-01T01:00:00.5+01:00", End::Last), 500);
        assert_eq!(at(" 1970-01-02 ", End::First), 86_400_000);
        assert_eq!(at("1970-01-02", End::Last), 2 * 86_400_000 - 1);
        for wrong in ["", "yesterday", "2026-13-01", "2026-W02-1", "20261123", "2026-11-23T08:00", "1970-01-02Z"] {
            let failure = moment(wrong, "since", End::First).unwrap_err();
            assert!(failure.to_string().contains("2026-11-23"), "{wrong}: {failure}");
        }
    }
}
