//! Google Health API v4.
//!
//! Shapes from public clients that agree with one another and with the reference's excerpts (developers.google.com/health):
//! samples and sessions by `dataPoints:reconcile`, day totals by `dataPoints:dailyRollUp`. 64-bit numbers are written
//! as texts. Confidence: medium.

use jiff::{Zoned, civil::Date};
use serde_json::Value;

use super::{
    Context, NormaliseFault,
    observation::{Effective, Measure, Observations, Stage},
    time,
};

/// The points of all pages. An answer without any leaves the field out.
fn points<'v>(pages: &'v [Value], name: &'static str) -> Result<Vec<&'v Value>, NormaliseFault> {
    let mut all = Vec::new();
    for page in pages {
        match (page, page.get(name)) {
            (Value::Object(_), None) => {}
            (_, Some(Value::Array(points))) => all.extend(points),
            _ => return Err(NormaliseFault::Shape(name)),
        }
    }
    Ok(all)
}

fn member<'v>(value: &'v Value, name: &'static str) -> Result<&'v Value, NormaliseFault> {
    value.get(name).ok_or(NormaliseFault::Shape(name))
}

fn text<'v>(value: &'v Value, name: &'static str) -> Result<&'v str, NormaliseFault> {
    member(value, name)?.as_str().ok_or(NormaliseFault::Shape(name))
}

/// A count, written as a number or (64-bit) as a text.
fn count(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn instant(value: &Value, time_name: &'static str, offset_name: &str) -> Result<Zoned, NormaliseFault> {
    time::at_offset(text(value, time_name)?, value.get(offset_name).and_then(Value::as_str))
}

/// Samples come every few seconds: the first of each minute is handed on, so that a day has the size that it has with
/// other providers and every value is one that was measured.
pub(super) fn heart_rate<'c>(
    pages: &[Value],
    context: &'c Context<'c>,
) -> Result<Observations<'c>, NormaliseFault> {
    let mut made = Observations::new(context);
    let mut samples = Vec::new();
    for point in points(pages, "dataPoints")? {
        let sample = member(point, "heartRate")?;
        let at = instant(member(sample, "sampleTime")?, "physicalTime", "utcOffset")?;
        let rate = count(sample.get("beatsPerMinute")).ok_or(NormaliseFault::Shape("beatsPerMinute"))?;
        samples.push((at, rate));
    }
    samples.sort_by_key(|(at, _)| at.timestamp());
    let mut last_minute = None;
    for (at, rate) in samples {
        let minute = at.timestamp().as_second().div_euclid(60);
        if last_minute.replace(minute) != Some(minute) {
            let key = at.timestamp().to_string();
            made.add(Measure::HeartRate, &key, &Effective::At(at), rate, &[])?;
        }
    }
    Ok(made)
}

/// Day totals. A day without steps has no member `steps`.
pub(super) fn steps<'c>(
    pages: &[Value],
    context: &'c Context<'c>,
) -> Result<Observations<'c>, NormaliseFault> {
    let mut made = Observations::new(context);
    for point in points(pages, "rollupDataPoints")? {
        let Some(steps) = point.get("steps") else { continue };
        let day = civil_day(member(point, "civilStartTime")?)?;
        let total = count(steps.get("countSum")).ok_or(NormaliseFault::Shape("countSum"))?;
        made.add(Measure::StepsInDay, &day.to_string(), &Effective::Day(day), total, &[])?;
    }
    Ok(made)
}

fn civil_day(civil: &Value) -> Result<Date, NormaliseFault> {
    let date = civil.get("date").unwrap_or(civil);
    let part = |name| date.get(name).and_then(Value::as_i64);
    let day = || {
        let year = i16::try_from(part("year")?).ok()?;
        let month = i8::try_from(part("month")?).ok()?;
        let day = i8::try_from(part("day")?).ok()?;
        Date::new(year, month, day).ok()
    };
    day().ok_or(NormaliseFault::Shape("civilStartTime"))
}

/// Sleep sessions with their offsets.
pub(super) fn sleep<'c>(
    pages: &[Value],
    context: &'c Context<'c>,
) -> Result<Observations<'c>, NormaliseFault> {
    let mut made = Observations::new(context);
    for point in points(pages, "dataPoints")? {
        let session = member(point, "sleep")?;
        let interval = member(session, "interval")?;
        let start = instant(interval, "startTime", "startUtcOffset")?;
        let end = instant(interval, "endTime", "endUtcOffset")?;
        let summary = member(session, "summary")?;
        let asleep = count(summary.get("minutesAsleep")).ok_or(NormaliseFault::Shape("minutesAsleep"))?;
        let nap = session.get("metadata").and_then(|metadata| metadata.get("nap")).and_then(Value::as_bool);
        let measure = if nap == Some(true) { Measure::Nap } else { Measure::Sleep };
        let name = ["name", "dataPointName"].iter().find_map(|field| point.get(field)?.as_str());
        let last =
            name.and_then(|name| name.rsplit('/').next()).filter(|last| !last.is_empty() && last.len() <= 64);
        let key = last.map_or_else(|| start.timestamp().to_string(), str::to_owned);
        made.add(measure, &key, &Effective::Period(start, end), asleep, &stages(summary))?;
    }
    Ok(made)
}

fn stages(summary: &Value) -> Vec<Stage> {
    let all = summary.get("stagesSummary").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let stage = |entry: &Value| {
        let (loinc, name) = match entry.get("type")?.as_str()? {
            "DEEP" => (Some("93831-6"), "Deep sleep duration"),
            "LIGHT" => (Some("93830-8"), "Light sleep duration"),
            "REM" => (Some("93829-0"), "REM sleep duration"),
            "AWAKE" => (None, "Awake during sleep"),
            "ASLEEP" => (None, "Asleep"),
            "RESTLESS" => (None, "Restless during sleep"),
            _ => return None,
        };
        Some(Stage { loinc, name, minutes: count(entry.get("minutes"))? })
    };
    all.iter().filter_map(stage).collect()
}
