//! Steps by day.

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
const DAYS_MAX: i32 = 1_095;

/// `GET /1/user/{user}/activities/steps/date/{from}/{to}.json`
pub(super) async fn steps(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Path((user, from, to)): Path<(String, String, String)>,
) -> Response {
    let now = wall_clock(sandbox.world.now());
    sandbox.serve_call(&headers, &user, "activity", |person| answer(person, &from, file_stem(&to)?, now))
}

fn answer(person: Person, from: &str, to: &str, now: DateTime) -> Result<Value, Refusal> {
    let today = now.date();
    let shown = days(day(from, "startDate", today)?, day(to, "endDate", today)?, DAYS_MAX, today)?;
    // numbers are text here, as this API has them
    let one =
        |of: &Date| json!({ "dateTime": format!("{of}"), "value": so_far(person, *of, now).to_string() });
    Ok(json!({ "activities-steps": shown.iter().map(one).collect::<Vec<_>>() }))
}

/// Steps up to now: people here walk from seven in the morning to nine in the evening.
fn so_far(person: Person, of: Date, now: DateTime) -> u32 {
    const BEGIN: u32 = 7 * 60;
    const LENGTH: u32 = 14 * 60;
    let whole = invent::steps(person, of);
    if of < now.date() {
        return whole;
    }
    let minute = u32::from(now.hour().unsigned_abs()) * 60 + u32::from(now.minute().unsigned_abs());
    whole / LENGTH * minute.saturating_sub(BEGIN).min(LENGTH)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_have_steps_and_today_has_some_of_them() {
        let at = |hour| {
            let now = date(2026, 5, 3).at(hour, 0, 0, 0);
            let answer = answer(Person::River, "2026-05-02", "2026-05-09", now).unwrap();
            let steps = answer["activities-steps"].as_array().unwrap().clone();
            steps.iter().map(|day| day["value"].as_str().unwrap().parse::<u32>().unwrap()).collect::<Vec<_>>()
        };
        let (early, noon, late) = (at(6), at(12), at(23));
        assert_eq!((early.len(), early[1]), (2, 0));
        assert_eq!(early[0], late[0]);
        assert!(0 < noon[1] && noon[1] < late[1]);
    }
}
