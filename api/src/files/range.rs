//! Which part of a file a request asks for (RFC 9110, section 14).

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, header};

/// What a GET asks for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Asked {
    /// All of it; also where several parts are asked for, or the question is none.
    Whole,
    /// One part, not empty and within the file.
    Part(Range<u64>),
    /// A part that is not there.
    Nothing {
        /// How long the file is.
        length: u64,
    },
}

impl Asked {
    /// What `headers` ask of a file with this tag and length.
    pub(super) fn of(headers: &HeaderMap, tag: &HeaderValue, length: u64) -> Self {
        // Whoever has another version, or only knows its date, wants the whole.
        if headers.get(header::IF_RANGE).is_some_and(|known| known != tag) {
            return Self::Whole;
        }
        let mut ranges = headers.get_all(header::RANGE).iter();
        let (Some(range), None) = (ranges.next(), ranges.next()) else { return Self::Whole };
        let Some((first, last)) = range.to_str().ok().and_then(bounds) else { return Self::Whole };
        let part = match (first, last) {
            (Some(first), Some(last)) if first > last => return Self::Whole,
            (Some(first), last) => first..last.map_or(length, |last| last.saturating_add(1).min(length)),
            (None, Some(suffix)) => length.saturating_sub(suffix)..length,
            (None, None) => return Self::Whole,
        };
        if part.is_empty() { Self::Nothing { length } } else { Self::Part(part) }
    }
}

/// The two numbers of `bytes=first-last`, either of which may be left out.
fn bounds(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim_matches([' ', '\t']).split_once('-')?;
    let number = |text: &str| match text {
        "" => Some(None),
        _ if text.bytes().all(|b| b.is_ascii_digit()) => Some(Some(text.parse().unwrap_or(u64::MAX))),
        _ => None,
    };
    if unit.eq_ignore_ascii_case("bytes") { Some((number(first)?, number(last)?)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, length: u64) -> Asked {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::try_from(range).unwrap())]);
        Asked::of(&headers, &HeaderValue::from_static("\"a\""), length)
    }

    #[test]
    fn one_part_is_asked_for_in_three_ways() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("Bytes= 2-99", 2..10),
            ("bytes=9-", 9..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
            ("bytes=1-99999999999999999999999", 1..10),
            ("bytes=0-18446744073709551615", 0..10),
        ] {
            assert_eq!(asked(range, 10), Asked::Part(part), "{range}");
        }
    }

    #[test]
    fn what_is_not_there_is_nothing_and_what_is_no_question_is_the_whole() {
        for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(asked(range, 10), Asked::Nothing { length: 10 }, "{range}");
        }
        assert_eq!(asked("bytes=-1", 0), Asked::Nothing { length: 0 });
        for range in
            ["bytes=4-2", "bytes=0-1,3-4", "bytes=-", "bytes=", "bytes", "lines=1-2", "bytes=+1-2", "bytes=1 -2"]
        {
            assert_eq!(asked(range, 10), Asked::Whole, "{range}");
        }
    }
}
