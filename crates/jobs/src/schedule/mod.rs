//! When something happens again and again: the words of contract 4 (`sync_frequency`), read once.
//!
//! `manual`, `on-demand`, `real-time`, `every 4 hours`, `hourly`, `daily`, `daily at 08:00 UTC`, `weekly on monday at 06:30 Europe/Oslo`, and
//! five fields of cron with a time zone behind them: `*/15 6-18 * * 1-5 Europe/London`.

mod cron;
pub(crate) mod fire;
mod keep;
mod read;

use std::{fmt, str::FromStr, time::Duration};

use jiff::tz::TimeZone;
use kernel::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use cron::Cron;

pub use keep::{Scheduled, pause, resume, schedule, scheduled, unschedule};

/// The longest text of a schedule, in bytes.
pub const SCHEDULE_BYTES_MAX: usize = 128;

/// When something happens again and again. It is what its text says, and two of the same text are the same.
#[derive(Clone)]
pub struct Schedule {
    text: String,
    form: Form,
}

#[derive(Clone)]
enum Form {
    /// Somebody asks for it: `manual`, `on-demand`.
    Asked,
    /// What happens over there sets it off: `real-time`.
    Told,
    /// Whenever this much time has gone by, counted from the epoch, so that all nodes agree.
    Every(Duration),
    /// By the clock on the wall there.
    Cron(Cron, TimeZone),
}

/// Why a text is no schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// It is none of the forms.
    #[error(
        "expected manual, on-demand, real-time, hourly, daily, weekly, \"every 4 hours\", \"daily at 08:00 UTC\", \
         \"weekly on monday at 08:00 UTC\", or five fields of cron and a time zone"
    )]
    Form,
    /// The text is too long.
    #[error("expected at most {SCHEDULE_BYTES_MAX} bytes")]
    Long,
    /// A number of minutes, hours or days that is none, or too many.
    #[error("expected every 1 to 1440 minutes, 1 to 168 hours, or 1 to 31 days")]
    Every,
    /// A time of day that is none.
    #[error("expected a time of day from 00:00 to 23:59")]
    Time,
    /// A zone that the time zone database does not have.
    #[error("expected UTC or a time zone of the IANA database, as Europe/London")]
    Zone,
    /// A field of cron that cannot be read.
    #[error("the field of cron for {0} cannot be read")]
    Field(&'static str),
    /// A cron that never comes, as the 30th of February.
    #[error("this never happens")]
    Never,
}

impl Schedule {
    /// Nothing happens by itself.
    pub fn manual() -> Self {
        Self { text: "manual".to_owned(), form: Form::Asked }
    }

    /// The first time after this instant; none where nothing happens by the clock.
    ///
    /// A time on the wall that does not exist, because clocks are put forward over it, is the same time so much later. One that comes
    /// twice happens once, the first time; only what is asked for in every hour happens in both.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.form {
            Form::Asked | Form::Told => None,
            Form::Every(length) => {
                let length = i64::try_from(length.as_micros()).ok()?.max(1);
                let begun = after.as_micros().div_euclid(length);
                Some(Timestamp::from_micros(begun.checked_add(1)?.checked_mul(length)?))
            }
            Form::Cron(cron, zone) => cron.next_after(after, zone),
        }
    }

    /// Whether what happens at the other side sets it off.
    pub const fn is_real_time(&self) -> bool {
        matches!(self.form, Form::Told)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Schedule {
    type Err = ScheduleFault;
    fn from_str(text: &str) -> Result<Self, ScheduleFault> {
        if text.len() > SCHEDULE_BYTES_MAX {
            return Err(ScheduleFault::Long);
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let read = Self { text: words.join(" "), form: read::read(&words)? };
        match &read.form {
            Form::Cron(..) if read.next_after(Timestamp::from_seconds(0)).is_none() => {
                Err(ScheduleFault::Never)
            }
            _ => Ok(read),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({})", self.text)
    }
}
impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for Schedule {}
impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn next(text: &str, after: &str, count: usize) -> Vec<String> {
        let schedule: Schedule = text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let mut at: Timestamp = after.parse().unwrap();
        let mut all = Vec::new();
        while let Some(then) = schedule.next_after(at).filter(|_| all.len() < count) {
            assert!(then > at, "{text}");
            all.push(then.to_string().replace(":00.000000Z", "Z"));
            at = then;
        }
        all
    }

    #[test]
    fn words_of_the_contract() {
        let monday = "2026-01-05T08:00:00Z";
        for (text, times) in [
            ("manual", &[][..]),
            ("on-demand", &[]),
            ("real-time", &[]),
            ("every 4 hours", &["2026-01-05T12:00Z", "2026-01-05T16:00Z"]),
            ("every hour", &["2026-01-05T09:00Z", "2026-01-05T10:00Z"]),
            ("Every 15 Minutes", &["2026-01-05T08:15Z", "2026-01-05T08:30Z"]),
            ("every 2 days", &["2026-01-07T00:00Z", "2026-01-09T00:00Z"]),
            ("hourly", &["2026-01-05T09:00Z", "2026-01-05T10:00Z"]),
            ("daily", &["2026-01-06T00:00Z", "2026-01-07T00:00Z"]),
            ("daily at 08:00 UTC", &["2026-01-06T08:00Z", "2026-01-07T08:00Z"]),
            ("daily at 08:00", &["2026-01-06T08:00Z", "2026-01-07T08:00Z"]),
            ("daily at 9:30 Europe/London", &["2026-01-05T09:30Z", "2026-01-06T09:30Z"]),
            ("weekly", &["2026-01-12T00:00Z", "2026-01-19T00:00Z"]),
            ("weekly on friday at 06:30 Asia/Tokyo", &["2026-01-08T21:30Z", "2026-01-15T21:30Z"]),
            ("0 8 * * 1-5 UTC", &["2026-01-06T08:00Z", "2026-01-07T08:00Z"]),
            ("*/20 * * * *", &["2026-01-05T08:20Z", "2026-01-05T08:40Z"]),
            ("5,35 6-7 * * mon Europe/Oslo", &["2026-01-12T05:05Z", "2026-01-12T05:35Z"]),
            // Of a day of the month and a day of the week either is enough, as in every cron.
            ("0 0 13 * fri", &["2026-01-09T00:00Z", "2026-01-13T00:00Z"]),
            ("0 0 1 jan,jul *", &["2026-07-01T00:00Z", "2027-01-01T00:00Z"]),
            ("0 12 29 2 *", &["2028-02-29T12:00Z", "2032-02-29T12:00Z"]),
            ("0 0 * * 7", &["2026-01-11T00:00Z", "2026-01-18T00:00Z"]),
        ] {
            assert_eq!(next(text, monday, 2), times, "{text}");
        }
    }

    #[test]
    fn clocks_that_are_put_forward_and_back() {
        for (text, after, times) in [
            // London, 29 March 2026: 01:00 is followed by 02:00.
            (
                "30 1 * * * Europe/London",
                "2026-03-28T12:00:00Z",
                &["2026-03-29T01:30Z", "2026-03-30T00:30Z"][..],
            ),
            ("0 2 * * * Europe/London", "2026-03-28T12:00:00Z", &["2026-03-29T01:00Z", "2026-03-30T01:00Z"]),
            ("30 * * * * Europe/London", "2026-03-29T00:00:00Z", &["2026-03-29T00:30Z", "2026-03-29T01:30Z"]),
            // 25 October 2026: 01:00 to 02:00 comes twice.
            ("30 1 * * * Europe/London", "2026-10-24T12:00:00Z", &["2026-10-25T00:30Z", "2026-10-26T01:30Z"]),
            (
                "30 * * * * Europe/London",
                "2026-10-25T00:00:00Z",
                &["2026-10-25T00:30Z", "2026-10-25T01:30Z", "2026-10-25T02:30Z"],
            ),
            ("daily at 01:30 Europe/London", "2026-10-25T00:45:00Z", &["2026-10-26T01:30Z"]),
            // Both times of the gap of New York (8 March 2026) come to one.
            (
                "30 2,3 * * * America/New_York",
                "2026-03-08T06:00:00Z",
                &["2026-03-08T07:30Z", "2026-03-09T06:30Z"],
            ),
            // Lord Howe moves by half an hour.
            (
                "15 2 * * * Australia/Lord_Howe",
                "2026-10-03T12:00:00Z",
                &["2026-10-03T15:45Z", "2026-10-04T15:15Z"],
            ),
            // Samoa left a day out: 30 December 2011.
            ("0 9 30 12 * Pacific/Apia", "2011-12-01T00:00:00Z", &["2011-12-30T19:00Z", "2012-12-29T19:00Z"]),
        ] {
            assert_eq!(next(text, after, times.len()), times, "{text} after {after}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_told_why() {
        use ScheduleFault::*;
        for (text, fault) in [
            ("", Form),
            ("sometimes", Form),
            ("manual please", Form),
            ("every", Form),
            ("every 0 hours", Every),
            ("every 169 hours", Every),
            ("every -1 hours", Every),
            ("every 4 fortnights", Form),
            ("daily at 24:00", Time),
            ("daily at 8", Time),
            ("daily at 08:60", Time),
            ("daily at 08:00 Mars/Olympus", Zone),
            ("weekly on someday", Form),
            ("60 * * * *", Field("minutes")),
            ("* 24 * * *", Field("hours")),
            ("* * 0 * *", Field("days of the month")),
            ("* * * 13 *", Field("months")),
            ("* * * * 8", Field("days of the week")),
            ("*/0 * * * *", Field("minutes")),
            ("5-1 * * * *", Field("minutes")),
            ("1,,2 * * * *", Field("minutes")),
            ("+5 * * * *", Field("minutes")),
            ("* * * * * Mars/Olympus", Zone),
            ("* * * * * UTC UTC", Form),
            ("0 0 30 2 *", Never),
            ("0 0 31 4,6 *", Never),
        ] {
            assert_eq!(text.parse::<Schedule>(), Err(fault), "{text}");
        }
        assert_eq!("x".repeat(SCHEDULE_BYTES_MAX + 1).parse::<Schedule>(), Err(Long));
        let schedule: Schedule = serde_json::from_str("\"every  4 hours\"").unwrap();
        assert_eq!(serde_json::to_string(&schedule).unwrap(), "\"every 4 hours\"");
    }
}
