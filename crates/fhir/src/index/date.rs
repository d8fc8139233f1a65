//! Dates as the time that they may mean. <https://hl7.org/fhir/R4/search.html#date>

use fhirpath::{
    document::Element,
    value::{CalendarUnit, Precision, Temporal},
};

use super::DateRange;

/// From the first to the last microsecond of a `date`, `dateTime` or `instant`; without an offset it is taken as UTC (contract 3).
pub(crate) fn range(text: &str) -> Option<DateRange> {
    let at = Temporal::date_time(text)?;
    let lo = micros(at)?;
    let hi = match at.precision {
        Precision::Millisecond => {
            // What a fraction leaves open; below a microsecond nothing is kept.
            let open = 10i64.checked_pow(6u32.saturating_sub(at.fraction_digits.into()))?;
            lo.checked_add(open)?
        }
        Precision::Year => after(at, CalendarUnit::Year)?,
        Precision::Month => after(at, CalendarUnit::Month)?,
        Precision::Day => after(at, CalendarUnit::Day)?,
        Precision::Hour => lo.checked_add(3_600_000_000)?,
        Precision::Minute => lo.checked_add(60_000_000)?,
        Precision::Second => lo.checked_add(1_000_000)?,
    };
    Some(DateRange { lo, hi: hi.checked_sub(1)? })
}

fn micros(at: Temporal) -> Option<i64> {
    i64::try_from(at.nanos().div_euclid(1000)).ok()
}

/// The first microsecond behind it.
fn after(at: Temporal, unit: CalendarUnit) -> Option<i64> {
    match at.plus(1, unit) {
        Some(next) => micros(next),
        // Behind the year 9999 nothing can be written.
        None => Some(END),
    }
}

/// 10000-01-01
const END: i64 = 253_402_300_800_000_000;

impl DateRange {
    /// All time.
    const OPEN: Self = Self { lo: i64::MIN, hi: i64::MAX };

    fn with(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }
}

pub(super) fn of_text(element: Element<'_>) -> Option<DateRange> {
    range(&element.text()?)
}

/// A Period; nothing if it has neither beginning nor end.
pub(super) fn of_period(element: Element<'_>) -> Option<DateRange> {
    let (start, end) = (end_of(element, "start"), end_of(element, "end"));
    if start.is_none() && end.is_none() {
        return None;
    }
    let lo = start.map_or(DateRange::OPEN.lo, |start| start.lo);
    Some(DateRange { lo, hi: end.map_or(DateRange::OPEN.hi, |end| end.hi) })
}

fn end_of(period: Element<'_>, name: &str) -> Option<DateRange> {
    period.child(name).and_then(of_text)
}

/// "The outer bounds" of a Timing: of its events and of the bounds of what repeats.
pub(super) fn of_timing(element: Element<'_>) -> Option<DateRange> {
    let events = element.children().filter(|child| child.name() == "event").filter_map(of_text);
    let bounds = element.child("repeat").and_then(|repeat| repeat.child("boundsPeriod"));
    events.chain(bounds.and_then(of_period)).reduce(DateRange::with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_all_the_time_that_it_may_mean() {
        let told = |text: &str| {
            let range = range(text)?;
            Some((kernel::Timestamp::from_micros(range.lo).to_string(), range.hi - range.lo + 1))
        };
        let day = 86_400_000_000;
        for (text, lo, long) in [
            ("2024", "2024-01-01T00:00:00Z", 366 * day),
            ("2023-02", "2023-02-01T00:00:00Z", 28 * day),
            ("2023-12-31", "2023-12-31T00:00:00Z", day),
            ("2023-12-31T23:59Z", "2023-12-31T23:59:00Z", 60_000_000),
            ("2023-12-31T23:59:59", "2023-12-31T23:59:59Z", 1_000_000),
            ("2023-12-31T23:59:59+02:00", "2023-12-31T21:59:59Z", 1_000_000),
            ("2023-12-31T23:59:59.25Z", "2023-12-31T23:59:59.25Z", 10_000),
            ("9999", "9999-01-01T00:00:00Z", 365 * day),
            ("9999-12", "9999-12-01T00:00:00Z", 31 * day),
        ] {
            let told = told(text);
            assert_eq!(told.as_ref().map(|told| told.1), Some(long), "{text}");
            assert!(told.unwrap().0.starts_with(lo.trim_end_matches('Z')), "{text}");
        }
        for bad in ["", "x", "2023-13", "2023-02-30", "20230101", "2023-01-01T25:00:00Z", "T10:00"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }
}
