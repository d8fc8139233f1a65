//! Nights with their stages, newest first.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use jiff::{
    ToSpan,
    civil::{Date, DateTime},
};
use serde_json::{Map, Value, json};

use super::{
    access::Refusal,
    day::{day, days, file_stem, wall_clock},
    invent::{self, Dice, Night, Stage},
};
use crate::sandbox::{Person, Sandbox};

/// The longest span of days.
const DAYS_MAX: i32 = 100;

/// `GET /1.2/user/{user}/sleep/date/{from}/{to}.json`
pub(super) async fn sleep(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Path((user, from, to)): Path<(String, String, String)>,
) -> Response {
    let now = wall_clock(sandbox.world.now());
    sandbox.serve_call(&headers, &user, "sleep", |person| answer(person, &from, file_stem(&to)?, now))
}

fn answer(person: Person, from: &str, to: &str, now: DateTime) -> Result<Value, Refusal> {
    let today = now.date();
    let mut shown = days(day(from, "startDate", today)?, day(to, "endDate", today)?, DAYS_MAX, today)?;
    shown.reverse();
    let nights =
        shown.into_iter().map(|of| (of, invent::night(person, of))).filter(|(_, night)| night.ends <= now);
    Ok(json!({ "sleep": nights.map(|(of, night)| log(person, of, &night)).collect::<Vec<_>>() }))
}

fn log(person: Person, of: Date, night: &Night) -> Value {
    let in_bed: u32 = night.stages.iter().map(|(_, minutes)| minutes).sum();
    let awake = minutes_of(night, Stage::Wake);
    let asleep = in_bed - awake;
    json!({
        "dateOfSleep": format!("{of}"),
        "duration": in_bed * 60_000,
        "efficiency": asleep * 100 / in_bed.max(1),
        "endTime": instant(night.ends),
        "infoCode": 0,
        "isMainSleep": true,
        "levels": { "data": data(night), "shortData": [], "summary": summary(night) },
        "logId": Dice::of(person, of, "log").roll() >> 20,
        "logType": "auto_detected",
        "minutesAfterWakeup": 0,
        "minutesAsleep": asleep,
        "minutesAwake": awake,
        "minutesToFallAsleep": 0,
        "startTime": instant(night.begins),
        "timeInBed": in_bed,
        "type": "stages",
    })
}

fn data(night: &Night) -> Vec<Value> {
    let mut at = night.begins;
    let mut data = Vec::new();
    for (stage, minutes) in &night.stages {
        data.push(json!({ "dateTime": instant(at), "level": name(*stage), "seconds": minutes * 60 }));
        at = at.saturating_add(i64::from(*minutes).minutes());
    }
    data
}

fn summary(night: &Night) -> Map<String, Value> {
    let one = |stage| {
        let count = night.stages.iter().filter(|(of, _)| *of == stage).count();
        let minutes = minutes_of(night, stage);
        (
            name(stage).to_owned(),
            json!({ "count": count, "minutes": minutes, "thirtyDayAvgMinutes": minutes }),
        )
    };
    [Stage::Deep, Stage::Light, Stage::Rem, Stage::Wake].map(one).into_iter().collect()
}

fn minutes_of(night: &Night, stage: Stage) -> u32 {
    night.stages.iter().filter(|(of, _)| *of == stage).map(|(_, minutes)| minutes).sum()
}

const fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Deep => "deep",
        Stage::Light => "light",
        Stage::Rem => "rem",
        Stage::Wake => "wake",
    }
}

/// Local time without an offset, as this API has it.
fn instant(at: DateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn nights_come_newest_first_and_add_up() {
        let now = date(2026, 5, 3).at(12, 0, 0, 0);
        let answer = answer(Person::River, "2026-04-28", "2026-05-03", now).unwrap();
        let nights = answer["sleep"].as_array().unwrap();
        assert_eq!(nights.len(), 6);
        assert_eq!(nights[0]["dateOfSleep"], "2026-05-03");
        for night in nights {
            let seconds = |stage: &Value| stage["seconds"].as_u64().unwrap();
            let total: u64 = night["levels"]["data"].as_array().unwrap().iter().map(seconds).sum();
            assert_eq!(total * 1_000, night["duration"].as_u64().unwrap());
            let minutes = |name: &str| night[name].as_u64().unwrap();
            assert_eq!(minutes("minutesAsleep") + minutes("minutesAwake"), minutes("timeInBed"));
            assert!((80..=99).contains(&minutes("efficiency")));
        }
    }

    #[test]
    fn a_night_that_is_not_over_is_not_there() {
        let night = invent::night(Person::Sky, date(2026, 5, 3));
        let at = |now| {
            answer(Person::Sky, "2026-05-03", "2026-05-03", now).unwrap()["sleep"].as_array().unwrap().len()
        };
        assert_eq!((at(night.begins), at(night.ends)), (0, 1));
    }
}
