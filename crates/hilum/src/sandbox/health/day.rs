//! Days and spans of days in a path.

use jiff::{ToSpan, civil::Date, civil::DateTime, tz::TimeZone};
use kernel::Timestamp;

use super::access::Refusal;

/// The present, as the clock on the wall of the sandbox shows it (it lives in UTC).
pub(super) fn wall_clock(now: Timestamp) -> DateTime {
    jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or_default().to_zoned(TimeZone::UTC).datetime()
}

/// A day in a path: `2026-05-01`, or `today`.
pub(super) fn day(text: &str, field: &'static str, today: Date) -> Result<Date, Refusal> {
    if text == "today" {
        return Ok(today);
    }
    let written = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let parsed = text.parse::<Date>().ok().filter(|date| written && date.year() >= 2000);
    parsed.ok_or(Refusal::Field(field, "Not a day: write it as yyyy-MM-dd."))
}

/// The days from one to the other, both included and none after today; refused if they are too many.
pub(super) fn days(from: Date, to: Date, days_max: i32, today: Date) -> Result<Vec<Date>, Refusal> {
    if to < from {
        return Err(Refusal::Field("endDate", "The end lies before the beginning."));
    }
    let length = (to - from).get_days().saturating_add(1);
    if length > days_max {
        return Err(Refusal::Field("endDate", "Too many days at once."));
    }
    let last = to.min(today);
    Ok(from.series(1.day()).take_while(|day| *day <= last).collect())
}

/// What stands before `.json`.
pub(super) fn file_stem(segment: &str) -> Result<&str, Refusal> {
    segment.strip_suffix(".json").ok_or(Refusal::Field("format", "Only .json is offered."))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_read_strictly() {
        let today = date(2026, 5, 3);
        assert_eq!(day("2026-05-01", "date", today), Ok(date(2026, 5, 1)));
        assert_eq!(day("today", "date", today), Ok(today));
        for text in ["", "2026-5-1", "20260501", "2026-02-30", "yesterday", "1999-01-01", "+026-05-01"] {
            assert!(day(text, "date", today).is_err(), "{text:?}");
        }
    }

    #[test]
    fn spans_end_today_and_are_limited() {
        let today = date(2026, 5, 3);
        let span = |from, to| days(from, to, 10, today).map(|days| days.len());
        assert_eq!(span(date(2026, 5, 1), date(2026, 5, 2)), Ok(2));
        assert_eq!(span(date(2026, 5, 1), date(2026, 5, 9)), Ok(3));
        assert_eq!(span(date(2026, 5, 4), date(2026, 5, 9)), Ok(0));
        assert!(span(date(2026, 5, 2), date(2026, 5, 1)).is_err());
        assert!(span(date(2026, 1, 1), date(2026, 1, 11)).is_err());
        assert!(days(date(2020, 1, 1), date(2026, 1, 1), 366, today).is_err());
    }
}
