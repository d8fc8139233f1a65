//! Heart rate by day, and by minute for a single day.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use jiff::civil::{Date, DateTime};
use serde_json::{Value, json};

use super::{
    access::Refusal,
    day::{day, days, file_stem, wall_clock},
    invent,
};
use crate::sandbox::{Person, Sandbox};

/// The longest span of days.
const DAYS_MAX: i32 = 366;

/// A zone of the heart rate: name, lower bound in percent of the maximum, kilocalories a tenth of a minute.
const ZONES: [(&str, i32, u32); 4] =
    [("Out of Range", 0, 14), ("Fat Burn", 50, 60), ("Cardio", 70, 95), ("Peak", 85, 120)];

/// The lowest heart rate of the first zone.
const ZONE_FLOOR: i32 = 30;

/// `GET /1/user/{user}/activities/heart/date/{from}/{to}.json`, where `to` is a day or `1d`.
pub(super) async fn heart(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Path((user, from, to)): Path<(String, String, String)>,
) -> Response {
    let now = wall_clock(sandbox.world.now());
    sandbox.serve_call(&headers, &user, "heartrate", |person| answer(person, &from, file_stem(&to)?, now))
}

fn answer(person: Person, from: &str, to: &str, now: DateTime) -> Result<Value, Refusal> {
    let from = day(from, "date", now.date())?;
    if to == "1d" {
        let shown = days(from, from, 1, now.date())?;
        let minutes = shown.first().map(|of| minutes(person, *of, now)).unwrap_or_default();
        let dataset: Vec<_> = minutes.iter().zip(0..).map(|(value, minute)| sample(minute, *value)).collect();
        return Ok(json!({
            "activities-heart": by_day(person, &shown, now),
            "activities-heart-intraday": { "dataset": dataset, "datasetInterval": 1, "datasetType": "minute" },
        }));
    }
    let shown = days(from, day(to, "endDate", now.date())?, DAYS_MAX, now.date())?;
    Ok(json!({ "activities-heart": by_day(person, &shown, now) }))
}

fn sample(minute: u32, value: i32) -> Value {
    json!({ "time": format!("{:02}:{:02}:00", minute / 60, minute % 60), "value": value })
}

/// The minutes of a day that have passed.
fn minutes(person: Person, of: Date, now: DateTime) -> Vec<i32> {
    let passed = if of < now.date() {
        usize::MAX
    } else {
        usize::from(now.hour().unsigned_abs()) * 60 + usize::from(now.minute().unsigned_abs())
    };
    let mut beats = invent::heartbeats(person, of);
    beats.truncate(passed);
    beats
}

fn by_day(person: Person, days: &[Date], now: DateTime) -> Vec<Value> {
    let one = |day: &Date| {
        json!({
            "dateTime": format!("{day}"),
            "value": {
                "customHeartRateZones": [],
                "heartRateZones": zones(person, &minutes(person, *day, now)),
                "restingHeartRate": invent::resting(person, *day),
            },
        })
    };
    days.iter().map(one).collect()
}

fn zones(person: Person, beats: &[i32]) -> Vec<Value> {
    let most = 220 - i32::from(person.traits().age);
    let ends = ZONES.iter().skip(1).map(|(_, percent, _)| most * percent / 100).chain([most]);
    let mut least = ZONE_FLOOR;
    let mut zones = Vec::new();
    for ((name, _, tenths), end) in ZONES.iter().zip(ends) {
        let minutes = beats.iter().filter(|beat| (least..end).contains(beat)).count();
        let calories = u32::try_from(minutes).unwrap_or(0).saturating_mul(*tenths) / 10;
        zones.push(
            json!({ "name": name, "min": least, "max": end, "minutes": minutes, "caloriesOut": calories }),
        );
        least = end;
    }
    zones
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn noon() -> DateTime {
        date(2026, 5, 3).at(12, 0, 0, 0)
    }

    #[test]
    fn a_day_has_its_minutes_and_zones_that_count_them() {
        let answer = answer(Person::River, "2026-05-01", "1d", noon()).unwrap();
        assert_eq!(answer["activities-heart-intraday"]["dataset"].as_array().unwrap().len(), 1_440);
        assert_eq!(answer["activities-heart-intraday"]["dataset"][61]["time"], "01:01:00");
        let day = &answer["activities-heart"][0];
        assert_eq!(day["dateTime"], "2026-05-01");
        let zones = day["value"]["heartRateZones"].as_array().unwrap();
        assert_eq!(zones.iter().map(|zone| zone["minutes"].as_u64().unwrap()).sum::<u64>(), 1_440);
        assert_eq!(zones[1]["min"], 93);
    }

    #[test]
    fn today_ends_now_and_tomorrow_has_nothing() {
        let today = answer(Person::River, "today", "1d", noon()).unwrap();
        assert_eq!(today["activities-heart-intraday"]["dataset"].as_array().unwrap().len(), 720);
        let tomorrow = answer(Person::River, "2026-05-04", "1d", noon()).unwrap();
        assert_eq!(tomorrow["activities-heart"], json!([]));
    }

    #[test]
    fn a_span_has_one_entry_per_day() {
        let week = answer(Person::Sky, "2026-04-01", "2026-04-07", noon()).unwrap();
        assert_eq!(week["activities-heart"].as_array().unwrap().len(), 7);
        assert!(answer(Person::Sky, "2026-04-07", "2026-04-01", noon()).is_err());
        assert!(answer(Person::Sky, "2026-04-07", "1w", noon()).is_err());
    }
}
