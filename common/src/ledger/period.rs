//! Calendar days and months, UTC.

use time::{Date, Month, OffsetDateTime, Time};

/// What a budget is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Period {
    /// A calendar day, UTC.
    Day,
    /// A calendar month, UTC.
    Month,
}

/// A calendar day.
pub(super) struct Today(Date);

impl Today {
    pub(super) fn at(ms: i64) -> Self {
        Self(OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH).date())
    }

    /// Such as `2026-11-23`: the order of texts is that of days.
    pub(super) fn day(&self) -> String {
        format!("{}-{:02}", self.month(), self.0.day())
    }

    /// Such as `2026-11`, which each of its days begins with.
    pub(super) fn month(&self) -> String {
        format!("{:04}-{:02}", self.0.year(), u8::from(self.0.month()))
    }

    /// When `period` is over, in milliseconds since 1970.
    pub(super) fn end(&self, period: Period) -> i64 {
        let next = match period {
            Period::Day => self.0.next_day(),
            Period::Month => {
                let month = self.0.month().next();
                let year = self.0.year() + i32::from(month == Month::January);
                Date::from_calendar_date(year, month, 1).ok()
            }
        };
        next.unwrap_or(Date::MAX).with_time(Time::MIDNIGHT).assume_utc().unix_timestamp().saturating_mul(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rfc3339;

    #[test]
    fn periods_end_at_midnight() {
        let today = Today::at(1_798_761_599_999);
        assert_eq!((today.day().as_str(), today.month().as_str()), ("2026-12-31", "2026-12"));
        assert_eq!(rfc3339(today.end(Period::Day)), "2027-01-01T00:00:00Z");
        assert_eq!(rfc3339(today.end(Period::Month)), "2027-01-01T00:00:00Z");
        let leap = Today::at(1_835_395_200_000);
        assert_eq!(leap.day(), "2028-02-29");
        assert_eq!(rfc3339(leap.end(Period::Day)), "2028-03-01T00:00:00Z");
    }
}
