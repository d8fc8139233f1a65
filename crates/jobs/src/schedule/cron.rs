//! Five fields of cron.  POSIX.1-2024 crontab, with steps and names as Vixie's cron has them

use jiff::{
    ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use kernel::Timestamp;

use super::ScheduleFault;

/// The longest that anything of cron lets itself be waited for, in days: from a 29 February over a year 2100 to the next but one.
const DAYS_AHEAD_MAX: u32 = 3_000;
/// Minutes of the longest day: one on which clocks are put back, by three hours at the most.
const MINUTES_OF_A_DAY_MAX: i64 = 27 * 60;

/// Which minutes, hours and days are meant; a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    is_every_day: bool,
    is_every_weekday: bool,
}

const EVERY_HOUR: u64 = (1 << 24) - 1;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What a field may hold.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

impl Cron {
    pub fn read([minutes, hours, days, months, weekdays]: [&str; 5]) -> Result<Self, ScheduleFault> {
        let field = |name, least, most, words| Field { name, least, most, words };
        let on = field("days of the week", 0, 7, &WEEKDAYS[..]).read(weekdays)?;
        Ok(Self {
            minutes: field("minutes", 0, 59, &[]).read(minutes)?,
            hours: field("hours", 0, 23, &[]).read(hours)?,
            days: field("days of the month", 1, 31, &[]).read(days)?,
            months: field("months", 1, 12, &MONTHS[..]).read(months)?,
            // Sunday is 0 and 7.
            weekdays: (on | (on >> 7)) & 0x7f,
            is_every_day: days.starts_with('*'),
            is_every_weekday: weekdays.starts_with('*'),
        })
    }

    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let from = jiff::Timestamp::from_microsecond(after.as_micros()).ok()?;
        // What stands in a gap comes later than it says: on the day after at the latest.
        let mut day = zone.to_datetime(from).date().yesterday().ok()?;
        for _ in 0..DAYS_AHEAD_MAX {
            if self.has_day(day)
                && let Some(at) = self.first_on(day, from, zone)
            {
                return Some(Timestamp::from_micros(at.as_microsecond()));
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn has_day(&self, day: Date) -> bool {
        let weekday = day.weekday().to_sunday_zero_offset();
        let by_day = has(self.days, day.day());
        let by_weekday = has(self.weekdays, weekday);
        let is_day = match (self.is_every_day, self.is_every_weekday) {
            (false, false) => by_day || by_weekday,
            _ => by_day && by_weekday,
        };
        is_day && has(self.months, day.month())
    }

    /// The first time of this day that is after the instant.
    fn first_on(&self, day: Date, after: jiff::Timestamp, zone: &TimeZone) -> Option<jiff::Timestamp> {
        if self.hours == EVERY_HOUR {
            return self.by_the_minute(day, after, zone);
        }
        let times = (0..24).filter(|hour| has(self.hours, *hour)).flat_map(|hour| {
            (0..60).filter(|minute| has(self.minutes, *minute)).map(move |minute| (hour, minute))
        });
        times
            .filter_map(|(hour, minute)| {
                let at = day.to_datetime(Time::new(hour, minute, 0, 0).ok()?);
                zone.to_ambiguous_timestamp(at).compatible().ok()
            })
            .filter(|at| *at > after)
            .min()
    }

    /// Of what is asked for in every hour, hours that come twice are two, and hours that do not come are none.
    fn by_the_minute(&self, day: Date, after: jiff::Timestamp, zone: &TimeZone) -> Option<jiff::Timestamp> {
        let begins = zone.to_ambiguous_timestamp(day.to_datetime(Time::midnight())).compatible().ok()?;
        (0..MINUTES_OF_A_DAY_MAX)
            .filter_map(|minute| begins.checked_add(minute.minutes()).ok())
            .filter(|at| *at > after)
            .find(|at| {
                let there = zone.to_datetime(*at);
                there.date() == day && has(self.minutes, there.minute())
            })
    }
}

fn has(bits: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| bits & (1 << number) != 0)
}

impl Field {
    fn read(&self, text: &str) -> Result<u64, ScheduleFault> {
        text.split(',').try_fold(0, |bits, part| Ok(bits | self.part(part)?))
    }

    fn part(&self, text: &str) -> Result<u64, ScheduleFault> {
        let wrong = ScheduleFault::Field(self.name);
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(self.plain(step).filter(|step| *step > 0).ok_or(wrong)?)),
            None => (text, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((first, last)) => (self.number(first)?, self.number(last)?),
            // `5/10` is from 5 on.
            None => {
                let first = self.number(range)?;
                (first, if step.is_some() { self.most } else { first })
            }
        };
        if first > last {
            return Err(wrong);
        }
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
        Ok((first..=last).step_by(step).fold(0, |bits, number| bits | (1 << number)))
    }

    fn number(&self, text: &str) -> Result<u32, ScheduleFault> {
        let named =
            self.words.iter().zip(self.least..).find(|(word, _)| **word == text).map(|(_, number)| number);
        let number = named.or_else(|| self.plain(text));
        let number = number.filter(|number| (self.least..=self.most).contains(number));
        number.ok_or(ScheduleFault::Field(self.name))
    }

    fn plain(&self, text: &str) -> Option<u32> {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_number)
    }
}
