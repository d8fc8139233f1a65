//! Rules are looked at, one after the other, and what begins or ceases to hold is told in the unit that writes it down.

use std::{collections::BTreeMap, time::Duration};

use jobs::{Job, JobFault, Retry};
use kernel::{Fault, Id, Integration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};

use super::{
    decide::{Holds, Pace, Step, Stood, decide},
    queries::{self, Subject},
    rule::{AlertRule, Grouping, Kind, RuleRow},
    tell::{Told, tell},
};
use crate::{
    Standing, Watch,
    fault::WatchFault,
    metric::{DURATIONS, MINUTES_KEPT, Measure, percentile, sums},
};

/// How often rules are looked at.
pub const EVALUATE_EVERY: Duration = Duration::from_secs(60);
/// Rules that are read at once.
pub const RULES_AT_ONCE: i64 = 100;
/// Calls below which an error rate says nothing.
const CALLS_MIN: i64 = 5;
/// Jobs that wait that are counted.
pub(super) const WAITING_COUNTED_MAX: i64 = 100_000;
/// All that a rule watches together.
pub(super) const TOGETHER: Subject = [0; 16];

/// Looks at every rule that is enabled.
#[derive(Debug, Serialize, Deserialize)]
pub struct Evaluate {}

impl Job for Evaluate {
    const NAME: &'static str = "watch.evaluate";
    const RETRY: Retry = Retry { attempts_max: 2, first_s: 5, max_s: 30, jitter_percent: 20 };
    type Context = Watch;

    async fn run(self, watch: &Watch, _attempt: u32) -> Result<(), JobFault> {
        let mut after = Id::from_bytes([0; 16]);
        let mut failed = None;
        loop {
            let rules = queries::enabled_behind(&mut watch.db.read().await?, after, RULES_AT_ONCE).await?;
            let Some(last) = rules.last() else { break };
            after = last.id;
            for rule in &rules {
                // One rule that cannot be looked at keeps no other from it.
                if let Err(fault) = look(watch, rule).await {
                    tracing::warn!(rule = %rule.id, %fault, "an alert rule could not be looked at");
                    failed = Some(fault);
                }
            }
        }
        match failed {
            Some(fault) if fault.kind() == kernel::Kind::Unavailable => Err(fault.into()),
            _ => Ok(()),
        }
    }
}

/// What a rule found for one thing that it watches.
struct Finding {
    subject: Subject,
    about: Vec<Standing>,
    /// None where there is nothing to judge by.
    value: Option<i64>,
}

async fn look(watch: &Watch, rule: &RuleRow) -> Result<(), WatchFault> {
    let now = watch.world.now();
    let mut findings = findings(watch, rule, now).await?;
    let states = queries::states(&mut watch.db.read().await?, rule.id).await?;
    // What is not watched any more holds no more.
    for state in states.iter().filter(|state| state.firing) {
        let subject: Subject = state.subject.as_slice().try_into().unwrap_or(TOGETHER);
        if !findings.iter().any(|finding| finding.subject == subject) {
            findings.push(Finding { subject, about: Vec::new(), value: None });
        }
    }
    for finding in findings {
        let state = states.iter().find(|state| state.subject == finding.subject);
        let stood = state.map(queries::StateRow::stood);
        if decide(stood, holds(rule, finding.value), (now, pace(rule))) != Step::Stay {
            settle(watch, rule, finding, now).await?;
        }
    }
    Ok(())
}

fn pace(rule: &RuleRow) -> Pace {
    let time = |seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    Pace { cooldown: time(rule.cooldown_s), repeat: rule.repeat_s.map(time) }
}

fn holds(rule: &RuleRow, value: Option<i64>) -> Holds {
    if value.is_some_and(|value| value >= rule.threshold) { Holds::Yes } else { Holds::No }
}

/// Write down how it stands, unless the rule was changed or somebody has done so before, and tell.
async fn settle(watch: &Watch, rule: &RuleRow, finding: Finding, now: Timestamp) -> Result<(), DbError> {
    let (own, rule) = (watch.clone(), rule.clone());
    watch
        .db
        .write(async move |tx: &mut Writer| -> Result<(), DbError> {
            let Some(there) = queries::by_id(tx, rule.id).await? else { return Ok(()) };
            if there.version != rule.version {
                return Ok(());
            }
            let states = queries::states(tx, rule.id).await?;
            let stood =
                states.iter().find(|state| state.subject == finding.subject).map(queries::StateRow::stood);
            let value = finding.value.unwrap_or(0);
            let of = (rule.id, &finding.subject);
            let fired_at = stood.map_or(now, |stood| stood.fired_at);
            let begins = |firing, fired_at| (Stood { firing, fired_at, acknowledged: false }, value);
            let told = match decide(stood, holds(&rule, finding.value), (now, pace(&rule))) {
                Step::Stay => return Ok(()),
                Step::Fire => {
                    queries::put_state(tx, of, begins(true, now), now).await?;
                    Told::Firing
                }
                Step::Repeat => {
                    queries::told_again(tx, of, now).await?;
                    Told::Again
                }
                Step::Resolve => {
                    queries::put_state(tx, of, begins(false, fired_at), now).await?;
                    Told::Resolved
                }
            };
            tell(&own, tx, &rule, (&finding.subject, &finding.about), (told, value)).await
        })
        .await
}

async fn findings(watch: &Watch, rule: &RuleRow, now: Timestamp) -> Result<Vec<Finding>, WatchFault> {
    if rule.kind == Kind::QueueDepth {
        let mut reader = watch.db.read().await?;
        let waiting = jobs::waiting(&mut reader, rule.organisation, now, WAITING_COUNTED_MAX).await?;
        return Ok(vec![Finding { subject: TOGETHER, about: Vec::new(), value: Some(waiting) }]);
    }
    let mut watched = watch.integrations.of(rule.organisation).await?;
    watched.retain(|standing| rule.integration.is_none_or(|only| only == standing.id));
    let mut all = Vec::new();
    let mut together: BTreeMap<i64, i64> = BTreeMap::new();
    let mut worst = None;
    for standing in watched {
        let value = match rule.kind {
            Kind::NoData => silent(&standing, rule, now),
            _ => {
                let counted = counted(watch, rule, standing.id, now).await?;
                let value = value(rule.kind, &counted);
                for (measure, count) in counted {
                    *together.entry(measure).or_default() += count;
                }
                value
            }
        };
        worst = worst.max(value);
        all.push(Finding { subject: *standing.id.as_bytes(), about: vec![standing], value });
    }
    if rule.group_by == Grouping::Integration {
        return Ok(all);
    }
    let value = if rule.kind == Kind::NoData { worst } else { value(rule.kind, &together) };
    let about = all.into_iter().flat_map(|finding| finding.about).collect();
    Ok(vec![Finding { subject: TOGETHER, about, value }])
}

/// Whether an active integration has brought nothing in the window: 1 if so.
fn silent(standing: &Standing, rule: &RuleRow, now: Timestamp) -> Option<i64> {
    let window = Duration::from_secs(u64::try_from(rule.window_s).unwrap_or(0));
    standing.is_active.then(|| i64::from(now.since(standing.data_since) >= window))
}

async fn counted(
    watch: &Watch,
    rule: &RuleRow,
    integration: Id<Integration>,
    now: Timestamp,
) -> Result<BTreeMap<i64, i64>, DbError> {
    let minutes_kept_s = i64::try_from(MINUTES_KEPT.as_secs()).unwrap_or(i64::MAX);
    let step_s = if rule.window_s < minutes_kept_s { 60 } else { 3_600 };
    let now_s = now.as_seconds();
    let span = (now_s - rule.window_s - now_s.rem_euclid(step_s), now_s + 1);
    let mut reader = watch.log_db.read().await?;
    // As one step: the whole of time is one, from the epoch on.
    let rows = sums(&mut reader, integration, (step_s, i64::from(i32::MAX) * 4), span).await?;
    Ok(rows.into_iter().map(|(_, measure, count)| (measure, count)).collect())
}

/// What a rule of this kind goes by; none where there is nothing to judge by.
fn value(kind: Kind, counted: &BTreeMap<i64, i64>) -> Option<i64> {
    let of = |measure: Measure| counted.get(&measure.code()).copied().unwrap_or(0);
    match kind {
        Kind::ErrorRate => {
            let calls = of(Measure::Calls);
            (calls >= CALLS_MIN).then(|| of(Measure::Errors) * 100 / calls.max(1))
        }
        Kind::Latency => {
            let durations: Vec<(i64, i64)> =
                counted.range(DURATIONS..).map(|(code, count)| (code - DURATIONS, *count)).collect();
            percentile(&durations, 950).and_then(|ms| i64::try_from(ms).ok())
        }
        Kind::FailedSync => Some(of(Measure::SyncsFailed)),
        Kind::Refusals => Some(of(Measure::Refusals)),
        Kind::NoData | Kind::QueueDepth => None,
    }
}

/// The id of a rule and what it watches, as one text.
pub(super) fn named(rule: Id<AlertRule>, subject: &Subject) -> String {
    format!("{rule}.{}", crate::id::hex(subject))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::bucket;

    #[test]
    fn a_rate_needs_some_calls_and_a_percentile_one() {
        let counted = |pairs: &[(i64, i64)]| pairs.iter().copied().collect::<BTreeMap<_, _>>();
        let calls =
            |calls, errors| counted(&[(Measure::Calls.code(), calls), (Measure::Errors.code(), errors)]);
        assert_eq!(value(Kind::ErrorRate, &calls(4, 4)), None);
        assert_eq!(value(Kind::ErrorRate, &calls(5, 1)), Some(20));
        assert_eq!(value(Kind::Latency, &counted(&[])), None);
        assert_eq!(value(Kind::Latency, &counted(&[(DURATIONS + bucket(8), 3)])), Some(8));
        assert_eq!(value(Kind::FailedSync, &counted(&[])), Some(0));
    }
}
