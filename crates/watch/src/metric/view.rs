//! The numbers of an integration.  Contract 4, `GET /{id}/metrics`

use std::collections::BTreeMap;

use axum::extract::State;
use kernel::{Issue, Permission, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Json, Path, Query};

use super::{DURATIONS, MINUTES_KEPT, Measure, percentile, sums};
use crate::{
    Watch,
    door::Asking,
    fault::{WatchFault, refused},
    id,
};

/// Steps of one answer.
pub const POINTS_MAX: i64 = 1_000;
/// The longest window, in seconds.
pub const WINDOW_MAX_S: i64 = 400 * 86_400;

/// Which numbers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsIn {
    /// How far back: minutes, hours or days, as `90m`, `24h`, `30d`; `24h` where it is left out.
    #[param(example = "24h")]
    window: Option<String>,
    /// How long each step is: `minute` (within the last two days), `hour`, `day`; by itself an hour, or a day where the window is more
    /// than a week.
    #[param(example = "hour")]
    step: Option<String>,
}

/// How long each step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MetricsStep)]
enum Step {
    Minute,
    Hour,
    Day,
}

impl Step {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "minute" => Some(Self::Minute),
            "hour" => Some(Self::Hour),
            "day" => Some(Self::Day),
            _ => None,
        }
    }

    /// The steps that are kept, and how long this one is, in seconds.
    const fn kept_s(self) -> (i64, i64) {
        match self {
            Self::Minute => (60, 60),
            Self::Hour => (3_600, 3_600),
            Self::Day => (3_600, 86_400),
        }
    }
}

/// The numbers of an integration.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntegrationMetrics)]
pub(crate) struct MetricsOut {
    #[schema(example = "int_019a0b6e0000700080000000000000ab")]
    integration_id: String,
    step: Step,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    totals: NumbersOut,
    /// Steps in which something happened, in order.
    points: Vec<PointOut>,
}

/// The numbers of one step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntegrationMetricsPoint)]
struct PointOut {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[serde(flatten)]
    numbers: NumbersOut,
}

/// Numbers of a time.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = IntegrationNumbers)]
struct NumbersOut {
    /// Calls to the other side: of syncs, tests, actions, and those that were passed on.
    calls: i64,
    /// Of these, such as were not answered or refused.
    errors: i64,
    /// Errors of a hundred calls; null without calls.
    error_percent: Option<f64>,
    /// Calls and messages that were refused, here or there.
    refusals: i64,
    latency_ms: LatencyOut,
    records: RecordsOut,
    syncs: SyncsOut,
    tests: i64,
    tests_failed: i64,
    /// Messages of the other side.
    messages: i64,
}

/// How long calls took: not longer than so many milliseconds, each a tenth too much at the most; null without calls.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IntegrationLatency)]
struct LatencyOut {
    p50: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
}

/// What came in, and what became of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IntegrationRecordCounts)]
struct RecordsOut {
    received: i64,
    stored: i64,
    unchanged: i64,
    quarantined: i64,
    deleted: i64,
}

/// How syncs ended.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IntegrationSyncCounts)]
struct SyncsOut {
    completed: i64,
    failed: i64,
    cancelled: i64,
}

/// By measure.
type Sums = BTreeMap<i64, i64>;

impl NumbersOut {
    fn of(sums: &Sums) -> Self {
        let of = |measure: Measure| sums.get(&measure.code()).copied().unwrap_or(0);
        let durations: Vec<(i64, i64)> =
            sums.range(DURATIONS..).map(|(code, count)| (code - DURATIONS, *count)).collect();
        let (calls, errors) = (of(Measure::Calls), of(Measure::Errors));
        Self {
            calls,
            errors,
            error_percent: (calls > 0).then(|| percent(errors, calls)),
            refusals: of(Measure::Refusals),
            latency_ms: LatencyOut {
                p50: percentile(&durations, 500),
                p95: percentile(&durations, 950),
                p99: percentile(&durations, 990),
            },
            records: RecordsOut {
                received: of(Measure::Received),
                stored: of(Measure::Stored),
                unchanged: of(Measure::Unchanged),
                quarantined: of(Measure::Quarantined),
                deleted: of(Measure::Deleted),
            },
            syncs: SyncsOut {
                completed: of(Measure::SyncsCompleted),
                failed: of(Measure::SyncsFailed),
                cancelled: of(Measure::SyncsCancelled),
            },
            tests: of(Measure::Tests),
            tests_failed: of(Measure::TestsFailed),
            messages: of(Measure::Messages),
        }
    }
}

/// With two digits behind the point.
fn percent(part: i64, whole: i64) -> f64 {
    let hundredths = part.saturating_mul(10_000) / whole.max(1);
    f64::from(i32::try_from(hundredths).unwrap_or(i32::MAX)) / 100.0
}

/// The numbers of an integration, step by step and in all.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/metrics", tag = "integrations", operation_id = "get_integration_metrics",
    params(MetricsIn, ("id" = String, Path, description = "The integration's id: `int_…`")),
    responses((status = 200, description = "The numbers", body = MetricsOut)),
    security(("bearer" = ["integration:read"])))]
pub(crate) async fn metrics(
    State(watch): State<Watch>,
    bearer: Bearer,
    Path(text): Path<String>,
    Query(asked): Query<MetricsIn>,
) -> Answer<Json<MetricsOut>> {
    let asking = Asking::enter(bearer, Permission::Logs)?;
    let integration = asking.integration(&watch, &text).await?;
    let now_s = watch.world.now().as_seconds();
    let (step, from, to) = span(&asked, now_s).map_err(refused)?;
    let steps_s = step.kept_s();
    let mut reader = watch.said().await.read().await?;
    let mut all: Sums = Sums::new();
    let mut by_step: BTreeMap<i64, Sums> = BTreeMap::new();
    for (begun, measure, value) in sums(&mut reader, integration, steps_s, (from, to)).await? {
        *all.entry(measure).or_default() += value;
        *by_step.entry(begun).or_default().entry(measure).or_default() += value;
    }
    let point = |(begun, sums): (&i64, &Sums)| PointOut {
        at: Timestamp::from_seconds(*begun),
        numbers: NumbersOut::of(sums),
    };
    Ok(Json(MetricsOut {
        integration_id: id::write(integration),
        step,
        from: Timestamp::from_seconds(from),
        to: Timestamp::from_seconds(to),
        totals: NumbersOut::of(&all),
        points: by_step.iter().map(point).collect(),
    }))
}

/// From where to where, in seconds: whole steps, the one that is under way with them.
fn span(asked: &MetricsIn, now_s: i64) -> Result<(Step, i64, i64), WatchFault> {
    let wrong =
        |path: &'static str, message: &'static str| WatchFault::Refused(vec![Issue::at(path, message)]);
    let window_s = asked.window.as_deref().map_or(Some(86_400), window_s);
    let window_s = window_s
        .ok_or_else(|| wrong("window", "must be 1m to 400d: minutes, hours or days, as 90m, 24h, 30d"))?;
    let step = match asked.step.as_deref() {
        Some(text) => Step::parse(text).ok_or_else(|| wrong("step", "must be minute, hour or day"))?,
        None if window_s > 7 * 86_400 => Step::Day,
        None => Step::Hour,
    };
    let (_, step_s) = step.kept_s();
    if step == Step::Minute && window_s > i64::try_from(MINUTES_KEPT.as_secs()).unwrap_or(i64::MAX) {
        return Err(wrong("step", "minutes are kept for two days"));
    }
    if window_s / step_s > POINTS_MAX {
        return Err(wrong("step", "would be more than 1000 steps: ask for longer ones"));
    }
    let to = now_s - now_s.rem_euclid(step_s) + step_s;
    let from = to - window_s.max(step_s);
    Ok((step, from - from.rem_euclid(step_s), to))
}

/// `90m`, `24h`, `30d`, in seconds.
pub(crate) fn window_s(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_s = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let is_number = (1..=6).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    let count: i64 = digits.parse().ok().filter(|_| is_number)?;
    Some(count.checked_mul(unit_s)?).filter(|window_s| (1..=WINDOW_MAX_S).contains(window_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_whole_steps_and_ends_with_the_one_under_way() {
        let asked = |window: &str, step: &str| MetricsIn {
            window: Some(window.to_owned()),
            step: Some(step.to_owned()),
        };
        let now_s = 10 * 86_400 + 5 * 3_600 + 61;
        let hour = 10 * 86_400 + 6 * 3_600;
        assert_eq!(span(&asked("24h", "hour"), now_s).ok(), Some((Step::Hour, hour - 86_400, hour)));
        assert_eq!(span(&asked("1m", "hour"), now_s).ok(), Some((Step::Hour, hour - 3_600, hour)));
        assert_eq!(span(&MetricsIn::default(), now_s).ok(), Some((Step::Hour, hour - 86_400, hour)));
        for (window, step, field) in [
            ("0h", "hour", "window"),
            ("h", "hour", "window"),
            ("", "hour", "window"),
            ("401d", "day", "window"),
            ("+1h", "hour", "window"),
            ("24h", "week", "step"),
            ("3d", "minute", "step"),
            ("48h", "minute", "step"),
        ] {
            let Err(WatchFault::Refused(issues)) = span(&asked(window, step), now_s) else {
                panic!("{window} {step}")
            };
            assert_eq!(issues.first().unwrap().path, field, "{window} {step}");
        }
    }

    #[test]
    fn parts_of_a_hundred_have_two_digits() {
        assert_eq!((percent(1, 3), percent(0, 7), percent(7, 7)), (33.33, 0.0, 100.0));
    }
}
