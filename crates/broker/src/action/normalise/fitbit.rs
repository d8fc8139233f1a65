//! Fitbit Web API (legacy), and whatever speaks like it.
//!
//! Shapes from the provider's reference pages (dev.fitbit.com, Web API: heart rate time series and intraday, activity time
//! series, sleep 1.2) and from public clients that agree with them. Confidence: high for the fields read here.

use serde_json::Value;

use super::{
    Context, NormaliseFault,
    observation::{Effective, Measure, Observations, Stage},
    time,
};

fn list<'v>(page: &'v Value, name: &'static str) -> Result<&'v [Value], NormaliseFault> {
    page.get(name).and_then(Value::as_array).map(Vec::as_slice).ok_or(NormaliseFault::Shape(name))
}

fn text<'v>(value: &'v Value, name: &'static str) -> Result<&'v str, NormaliseFault> {
    value.get(name).and_then(Value::as_str).ok_or(NormaliseFault::Shape(name))
}

/// A count: a number, or digits in a text.
fn count(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// `activities-heart` by day, `activities-heart-intraday.dataset` by minute where the application may see it.
pub(super) fn heart_rate<'c>(
    pages: &[Value],
    context: &'c Context<'c>,
) -> Result<Observations<'c>, NormaliseFault> {
    let mut made = Observations::new(context);
    for page in pages {
        let days = list(page, "activities-heart")?;
        for entry in days {
            let day = time::day(text(entry, "dateTime")?)?;
            let resting = entry.get("value").and_then(|value| value.get("restingHeartRate"));
            if let Some(rate) = count(resting) {
                made.add(Measure::RestingHeartRate, &day.to_string(), &Effective::Day(day), rate, &[])?;
            }
        }
        if let (Some(intraday), [first, ..]) = (page.get("activities-heart-intraday"), days) {
            by_minute(&mut made, list(intraday, "dataset")?, first, context)?;
        }
    }
    Ok(made)
}

fn by_minute(
    made: &mut Observations<'_>,
    dataset: &[Value],
    entry: &Value,
    context: &Context<'_>,
) -> Result<(), NormaliseFault> {
    if dataset.is_empty() {
        return Ok(());
    }
    let zone = context.time_zone.as_ref().ok_or(NormaliseFault::TimeZoneUnknown)?;
    let day = time::day(text(entry, "dateTime")?)?;
    let mut last = None;
    // Once the clock has gone back, times repeat: from there on the second of two readings is meant.
    let mut again = false;
    for point in dataset {
        let clock = text(point, "time")?.parse().map_err(|_| NormaliseFault::Shape("time"))?;
        let clock = day.to_datetime(clock);
        again |= last.is_some_and(|last| clock <= last);
        last = Some(clock);
        let Some(rate) = count(point.get("value")) else { continue };
        let instant = time::in_zone(clock, zone, again)?;
        let key = instant.timestamp().to_string();
        made.add(Measure::HeartRate, &key, &Effective::At(instant), rate, &[])?;
    }
    Ok(())
}

/// `activities-steps`: a total for each day.
pub(super) fn steps<'c>(
    pages: &[Value],
    context: &'c Context<'c>,
) -> Result<Observations<'c>, NormaliseFault> {
    let mut made = Observations::new(context);
    for entry in
        pages.iter().map(|page| list(page, "activities-steps")).collect::<Result<Vec<_>, _>>()?.concat()
    {
        let day = time::day(text(&entry, "dateTime")?)?;
        let total = count(entry.get("value")).ok_or(NormaliseFault::Shape("value"))?;
        made.add(Measure::StepsInDay, &day.to_string(), &Effective::Day(day), total, &[])?;
    }
    Ok(made)
}

/// `sleep`: one log for each sleep, filed under the day on which it ended.
pub(super) fn sleep<'c>(
    pages: &[Value],
    context: &'c Context<'c>,
) -> Result<Observations<'c>, NormaliseFault> {
    let mut made = Observations::new(context);
    for log in pages.iter().map(|page| list(page, "sleep")).collect::<Result<Vec<_>, _>>()?.concat() {
        let start = time::clock_time(text(&log, "startTime")?)?;
        let end = time::clock_time(text(&log, "endTime")?)?;
        let effective = match &context.time_zone {
            Some(zone) => {
                Effective::Period(time::in_zone(start, zone, false)?, time::in_zone(end, zone, true)?)
            }
            None => Effective::Days(start.date(), end.date()),
        };
        let asleep = count(log.get("minutesAsleep")).ok_or(NormaliseFault::Shape("minutesAsleep"))?;
        let measure = match log.get("isMainSleep").and_then(Value::as_bool) {
            Some(false) => Measure::Nap,
            Some(true) | None => Measure::Sleep,
        };
        let key = match count(log.get("logId")) {
            Some(id) => id.to_string(),
            None => start.to_string(),
        };
        made.add(measure, &key, &effective, asleep, &stages(&log))?;
    }
    Ok(made)
}

/// `levels.summary.<level>.minutes`: four stages, or three of a device without heart rate.
fn stages(log: &Value) -> Vec<Stage> {
    const LEVELS: [(&str, Option<&str>, &str); 7] = [
        ("deep", Some("93831-6"), "Deep sleep duration"),
        ("light", Some("93830-8"), "Light sleep duration"),
        ("rem", Some("93829-0"), "REM sleep duration"),
        ("wake", None, "Awake during sleep"),
        ("asleep", None, "Asleep"),
        ("restless", None, "Restless during sleep"),
        ("awake", None, "Awake during sleep"),
    ];
    let Some(summary) = log.get("levels").and_then(|levels| levels.get("summary")) else { return Vec::new() };
    let stage = |(level, loinc, name)| {
        let minutes = count(summary.get(level)?.get("minutes"))?;
        Some(Stage { loinc, name, minutes })
    };
    LEVELS.into_iter().filter_map(stage).collect()
}
