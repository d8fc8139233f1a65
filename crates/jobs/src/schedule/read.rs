//! The words of a schedule.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::{Form, ScheduleFault, cron::Cron};

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 86_400;

pub(super) fn read(words: &[&str]) -> Result<Form, ScheduleFault> {
    let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    match *lower.as_slice() {
        ["manual" | "on-demand"] => Ok(Form::Asked),
        ["real-time"] => Ok(Form::Told),
        ["every", unit] => every("1", unit),
        ["every", number, unit] => every(number, unit),
        ["hourly"] => every("1", "hour"),
        ["daily"] => wall("00:00", "*", None),
        ["daily", "at", time] => wall(time, "*", None),
        ["daily", "at", time, _] => wall(time, "*", words.last().copied()),
        ["weekly"] => wall("00:00", "mon", None),
        ["weekly", "on", day] => wall("00:00", weekday(day)?, None),
        ["weekly", "on", day, "at", time] => wall(time, weekday(day)?, None),
        ["weekly", "on", day, "at", time, _] => wall(time, weekday(day)?, words.last().copied()),
        [minutes, hours, days, months, weekdays] => cron([minutes, hours, days, months, weekdays], None),
        [minutes, hours, days, months, weekdays, _] => {
            cron([minutes, hours, days, months, weekdays], words.last().copied())
        }
        _ => Err(ScheduleFault::Form),
    }
}

fn every(number: &str, unit: &str) -> Result<Form, ScheduleFault> {
    let (unit_s, most) = match unit {
        "minute" | "minutes" => (MINUTE_S, 1_440),
        "hour" | "hours" => (HOUR_S, 168),
        "day" | "days" => (DAY_S, 31),
        _ => return Err(ScheduleFault::Form),
    };
    let number: u64 = number.parse().map_err(|_| ScheduleFault::Every)?;
    if !(1..=most).contains(&number) {
        return Err(ScheduleFault::Every);
    }
    Ok(Form::Every(Duration::from_secs(number * unit_s)))
}

/// At a time of day, on some days of the week.
fn wall(time: &str, weekdays: &str, named: Option<&str>) -> Result<Form, ScheduleFault> {
    let (hours, minutes) = time.split_once(':').ok_or(ScheduleFault::Time)?;
    let is_time = (1..=2).contains(&hours.len()) && minutes.len() == 2;
    let number =
        |text: &str| text.parse::<u8>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    match (number(hours), number(minutes)) {
        (Some(0..24), Some(0..60)) if is_time => {}
        _ => return Err(ScheduleFault::Time),
    }
    cron([minutes, hours, "*", "*", weekdays], named)
}

fn weekday(word: &str) -> Result<&'static str, ScheduleFault> {
    let all = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let known = all.into_iter().find(|day| *day == word).ok_or(ScheduleFault::Form)?;
    Ok(known.get(..3).unwrap_or(known))
}

fn cron(fields: [&str; 5], named: Option<&str>) -> Result<Form, ScheduleFault> {
    // Words that are no fields of cron at all are no schedule rather than a wrong field.
    let may_be =
        |field: &str| field.starts_with(|first: char| first.is_ascii_digit() || "*+-,".contains(first));
    if !fields.iter().take(3).all(|field| may_be(field)) {
        return Err(ScheduleFault::Form);
    }
    let cron = Cron::read(fields)?;
    let zone = match named {
        None => TimeZone::UTC,
        Some(name) if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|_| ScheduleFault::Zone)?,
    };
    Ok(Form::Cron(cron, zone))
}
