//! Dates, times and both, each only as precise as it was written. N1 §4.1.5–4.1.7

use std::{cmp::Ordering, fmt};

/// Which of the three it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemporalKind {
    /// A date, or part of one.
    Date,
    /// A date with, perhaps, a time.
    DateTime,
    /// A time of day.
    Time,
}

/// The last part that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the words of the calendar")]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

/// A date, a time, or both.
#[derive(Debug, Clone, Copy)]
pub struct Temporal {
    /// Which of the three.
    pub kind: TemporalKind,
    /// The last part that is written; of seconds with a fraction, `Millisecond`.
    pub precision: Precision,
    /// 1 to 9999; 0 of a time.
    pub year: i32,
    /// 1 to 12; 1 if not written.
    pub month: u8,
    /// 1 to 31; 1 if not written.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59; a leap second is read as 59.
    pub second: u8,
    /// Billionths.
    pub nanosecond: u32,
    /// Digits of the fraction, as written.
    pub fraction_digits: u8,
    /// Minutes east of UTC.
    pub offset_minutes: Option<i16>,
}

/// What a calendar unit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the words of the calendar")]
pub enum CalendarUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

impl Temporal {
    const NOTHING: Self = Self {
        kind: TemporalKind::Date,
        precision: Precision::Year,
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
        fraction_digits: 0,
        offset_minutes: None,
    };

    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub fn date(text: &str) -> Option<Self> {
        let mut read = Reader { rest: text };
        let date = read.date()?;
        read.rest.is_empty().then_some(date)
    }

    /// A date, then perhaps `T` and a time with an offset. A `T` alone makes a date a date and time (N1 §4.1.6).
    pub fn date_time(text: &str) -> Option<Self> {
        let mut read = Reader { rest: text };
        let date = read.date()?;
        let mut at = Self { kind: TemporalKind::DateTime, ..date };
        if read.take('T') && !read.rest.is_empty() {
            if date.precision != Precision::Day {
                return None;
            }
            read.time(&mut at)?;
            read.offset(&mut at)?;
        }
        read.rest.is_empty().then_some(at)
    }

    /// `hh`, `hh:mm`, `hh:mm:ss` or with a fraction.
    pub fn time(text: &str) -> Option<Self> {
        let mut read = Reader { rest: text };
        let mut at = Self { kind: TemporalKind::Time, ..Self::NOTHING };
        read.time(&mut at)?;
        read.rest.is_empty().then_some(at)
    }

    /// An instant in UTC, to the millisecond.
    pub fn of_instant(instant: kernel::Timestamp) -> Self {
        let micros = instant.as_micros();
        let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
        let at = Self {
            kind: TemporalKind::DateTime,
            precision: Precision::Millisecond,
            offset_minutes: Some(0),
            ..Self::NOTHING
        };
        at.with_day(days).with_nanos((rest / 1000 * 1_000_000).into()).with_fraction(3)
    }

    /// The date of it.
    pub fn to_date(self) -> Self {
        let precision = self.precision.min(Precision::Day);
        let cleared = Self { year: self.year, month: self.month, day: self.day, ..Self::NOTHING };
        Self { kind: TemporalKind::Date, precision, ..cleared }
    }

    fn with_fraction(self, digits: u8) -> Self {
        Self { fraction_digits: digits, ..self }
    }

    fn with_day(self, days: i64) -> Self {
        let (year, month, day) = civil(days);
        Self { year, month, day, ..self }
    }

    fn with_nanos(self, nanos: i128) -> Self {
        let part = |unit: i128, of: i128| u8::try_from((nanos / unit).rem_euclid(of)).unwrap_or(0);
        Self {
            hour: part(3_600_000_000_000, 24),
            minute: part(60_000_000_000, 60),
            second: part(1_000_000_000, 60),
            nanosecond: u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0),
            ..self
        }
    }

    fn nanos_of_day(self) -> i128 {
        let seconds = i128::from(self.hour) * 3600 + i128::from(self.minute) * 60 + i128::from(self.second);
        seconds * 1_000_000_000 + i128::from(self.nanosecond)
    }

    fn days(self) -> i64 {
        days_from_civil(self.year, self.month, self.day)
    }

    /// Nanoseconds on one line, in UTC where an offset is written.
    pub fn nanos(self) -> i128 {
        let offset = i128::from(self.offset_minutes.unwrap_or(0)) * 60_000_000_000;
        i128::from(self.days()) * 86_400_000_000_000 + self.nanos_of_day() - offset
    }

    /// Before, equal or after; nothing where the written parts do not tell (N1 §6.2).
    pub fn compare(self, other: Self) -> Option<Ordering> {
        if (self.kind == TemporalKind::Time) != (other.kind == TemporalKind::Time) {
            return None;
        }
        let timed = |at: Self| at.precision >= Precision::Hour && at.kind == TemporalKind::DateTime;
        let (a, b) = match (self.offset_minutes, other.offset_minutes) {
            (Some(_), Some(_)) => (self.in_utc(), other.in_utc()),
            (None, None) => (self, other),
            // An offset that is not written is somewhere in -12:00 to +14:00.
            _ if timed(self) && timed(other) => return self.compare_loosely(other),
            _ => (self, other),
        };
        a.compare_parts(b)
    }

    fn compare_loosely(self, other: Self) -> Option<Ordering> {
        let apart = self.nanos() - other.nanos();
        let hours = apart.abs() / 3_600_000_000_000;
        (hours >= 26).then(|| apart.cmp(&0))
    }

    fn compare_parts(self, other: Self) -> Option<Ordering> {
        let parts = |at: Self| {
            [
                (Precision::Year, i64::from(at.year)),
                (Precision::Month, i64::from(at.month)),
                (Precision::Day, i64::from(at.day)),
                (Precision::Hour, i64::from(at.hour)),
                (Precision::Minute, i64::from(at.minute)),
                (Precision::Second, i64::from(at.second) * 1_000_000_000 + i64::from(at.nanosecond)),
            ]
        };
        let written = |at: Self, part: Precision| {
            at.precision >= part && (at.kind != TemporalKind::Time || part >= Precision::Hour)
        };
        for ((part, a), (_, b)) in parts(self).into_iter().zip(parts(other)) {
            match (written(self, part), written(other, part)) {
                (true, true) if a != b => return Some(a.cmp(&b)),
                (true, true) => {}
                (false, false) if self.kind == TemporalKind::Time && part < Precision::Hour => {}
                (false, false) => return Some(Ordering::Equal),
                _ => return None,
            }
        }
        Some(Ordering::Equal)
    }

    fn in_utc(self) -> Self {
        let Some(offset) = self.offset_minutes else { return self };
        if offset == 0 || self.precision < Precision::Hour {
            return self;
        }
        let nanos = self.nanos();
        let day = 86_400_000_000_000;
        let days = i64::try_from(nanos.div_euclid(day)).unwrap_or(0);
        Self { offset_minutes: Some(0), ..self }.with_day(days).with_nanos(nanos.rem_euclid(day))
    }

    /// Later by so many units; fractions of a unit do not count (N1 §6.6.7). Nothing if it leaves the years 1 to 9999.
    pub fn plus(self, count: i64, unit: CalendarUnit) -> Option<Self> {
        let moved = match unit {
            CalendarUnit::Year => self.plus_months(count.checked_mul(12)?)?,
            CalendarUnit::Month => self.plus_months(count)?,
            CalendarUnit::Week => self.plus_nanos(count.checked_mul(7)?, 86_400_000_000_000)?,
            CalendarUnit::Day => self.plus_nanos(count, 86_400_000_000_000)?,
            CalendarUnit::Hour => self.plus_nanos(count, 3_600_000_000_000)?,
            CalendarUnit::Minute => self.plus_nanos(count, 60_000_000_000)?,
            CalendarUnit::Second => self.plus_nanos(count, 1_000_000_000)?,
            CalendarUnit::Millisecond => self.plus_nanos(count, 1_000_000)?,
        };
        (moved.kind == TemporalKind::Time || (1..=9999).contains(&moved.year)).then_some(moved)
    }

    fn plus_months(self, count: i64) -> Option<Self> {
        if self.kind == TemporalKind::Time {
            return None;
        }
        let months = i64::from(self.year) * 12 + i64::from(self.month) - 1;
        let months = months.checked_add(match self.precision {
            // Of a year alone only whole years count.
            Precision::Year => count / 12 * 12,
            _ => count,
        })?;
        let year = i32::try_from(months.div_euclid(12)).ok()?;
        let month = u8::try_from(months.rem_euclid(12)).ok()? + 1;
        Some(Self { year, month, day: self.day.min(days_in(year, month)), ..self })
    }

    /// A value that is less precise than the unit moves by the whole units of its own precision.
    fn plus_nanos(self, count: i64, unit: i128) -> Option<Self> {
        let moved = i128::from(count).checked_mul(unit)?;
        let day = 86_400_000_000_000;
        if self.kind == TemporalKind::Time {
            return Some(self.with_nanos((self.nanos_of_day() + moved).rem_euclid(day)));
        }
        let least = match self.precision {
            Precision::Year => {
                return self.plus_months(i64::try_from(moved / (365 * day)).ok()?.checked_mul(12)?);
            }
            Precision::Month => return self.plus_months(i64::try_from(moved / (30 * day)).ok()?),
            Precision::Day => day,
            Precision::Hour => 3_600_000_000_000,
            Precision::Minute => 60_000_000_000,
            Precision::Second => 1_000_000_000,
            Precision::Millisecond => 1,
        };
        let total = i128::from(self.days()) * day + self.nanos_of_day() + moved / least * least;
        let days = i64::try_from(total.div_euclid(day)).ok().filter(|days| days.abs() < 4_000_000)?;
        Some(self.with_day(days).with_nanos(total.rem_euclid(day)))
    }

    /// Digits that are written: of `2014`, 4; of a time to the millisecond, 9 (N1 `precision()`).
    pub fn digits(self) -> i64 {
        let digits = match self.precision {
            Precision::Year => 4,
            Precision::Month => 6,
            Precision::Day => 8,
            Precision::Hour => 10,
            Precision::Minute => 12,
            Precision::Second => 14,
            Precision::Millisecond => 17,
        };
        if self.kind == TemporalKind::Time { digits - 8 } else { digits }
    }
}

/// The days of a month.
pub fn days_in(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01; the proleptic Gregorian calendar counted from March, so that the leap day comes last.
fn days_from_civil(year: i32, month: u8, day: u8) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i32, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (i32::try_from(year).unwrap_or(0), u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn take(&mut self, character: char) -> bool {
        let rest = self.rest.strip_prefix(character);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn number(&mut self, digits: usize) -> Option<i32> {
        let text = self.rest.get(..digits)?;
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.rest = self.rest.get(digits..)?;
        text.parse().ok()
    }

    fn within(&mut self, range: std::ops::RangeInclusive<i32>) -> Option<u8> {
        let number = self.number(2).filter(|number| range.contains(number))?;
        u8::try_from(number).ok()
    }

    fn date(&mut self) -> Option<Temporal> {
        let mut date = Temporal { year: self.number(4).filter(|year| *year > 0)?, ..Temporal::NOTHING };
        if self.take('-') {
            (date.month, date.precision) = (self.within(1..=12)?, Precision::Month);
            if self.take('-') {
                let last = i32::from(days_in(date.year, date.month));
                (date.day, date.precision) = (self.within(1..=last)?, Precision::Day);
            }
        }
        Some(date)
    }

    fn time(&mut self, at: &mut Temporal) -> Option<()> {
        (at.hour, at.precision) = (self.within(0..=23)?, Precision::Hour);
        if !self.take(':') {
            return Some(());
        }
        (at.minute, at.precision) = (self.within(0..=59)?, Precision::Minute);
        if !self.take(':') {
            return Some(());
        }
        (at.second, at.precision) = (self.within(0..=60)?.min(59), Precision::Second);
        if self.take('.') {
            let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
            let digits = self.rest.get(..count.min(9)).filter(|digits| !digits.is_empty())?;
            at.nanosecond = format!("{digits:0<9}").parse().ok()?;
            at.fraction_digits = u8::try_from(digits.len()).ok()?;
            at.precision = Precision::Millisecond;
            self.rest = self.rest.get(count..)?;
        }
        Some(())
    }

    fn offset(&mut self, at: &mut Temporal) -> Option<()> {
        let sign = match self.rest.chars().next() {
            None => return Some(()),
            Some('Z') => {
                self.take('Z');
                at.offset_minutes = Some(0);
                return Some(());
            }
            Some('+') => 1,
            Some('-') => -1,
            Some(_) => return None,
        };
        self.rest = self.rest.get(1..)?;
        let hours = i16::from(self.within(0..=14)?);
        let minutes = if self.take(':') { i16::from(self.within(0..=59)?) } else { return None };
        at.offset_minutes = Some(sign * (hours * 60 + minutes));
        Some(())
    }
}

impl fmt::Display for Temporal {
    /// As it is written, without `@`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != TemporalKind::Time {
            write!(f, "{:04}", self.year)?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", self.month)?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", self.day)?;
            }
            if self.kind == TemporalKind::DateTime && self.precision >= Precision::Hour {
                f.write_str("T")?;
            }
        }
        if self.precision >= Precision::Hour {
            write!(f, "{:02}", self.hour)?;
        }
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
        }
        if self.precision >= Precision::Millisecond {
            let digits = format!("{:09}", self.nanosecond);
            write!(f, ".{}", digits.get(..usize::from(self.fraction_digits)).unwrap_or(&digits))?;
        }
        match self.offset_minutes.filter(|_| self.precision >= Precision::Hour) {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back() {
        for text in ["2015", "2015-02", "2016-02-29"] {
            assert_eq!(Temporal::date(text).unwrap().to_string(), text);
        }
        for text in ["2015-02-04T14", "2015-02-04T14:34:28.123Z", "2015-02-04T14:34:28+10:00"] {
            assert_eq!(Temporal::date_time(text).unwrap().to_string(), text);
        }
        for bad in ["", "15", "2015-13", "2015-02-29", "2015-2", "2015-01-01T", "0000", "2015-01-01 "] {
            assert!(Temporal::date(bad).is_none(), "{bad}");
        }
        for bad in ["2015T14", "2015-02-04T25", "2015-02-04T14:34:28+15:00", "2015-02-04T14:34:28.Z"] {
            assert!(Temporal::date_time(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn days_go_there_and_back() {
        for days in (-800_000..3_000_000).step_by(997) {
            let (year, month, day) = civil(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(civil(0), (1970, 1, 1));
    }

    #[test]
    fn months_end_where_they_end() {
        let at = Temporal::date("2016-01-31").unwrap();
        assert_eq!(at.plus(1, CalendarUnit::Month).unwrap().to_string(), "2016-02-29");
        assert_eq!(at.plus(-1, CalendarUnit::Year).unwrap().to_string(), "2015-01-31");
        assert_eq!(at.plus(23, CalendarUnit::Hour).unwrap().to_string(), "2016-01-31");
        assert!(at.plus(9_000, CalendarUnit::Year).is_none());
        assert!(at.plus(i64::MAX, CalendarUnit::Day).is_none());
    }
}
