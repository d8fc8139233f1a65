//! Numbers of an integration: what lines tell of, added up by the minute and by the hour, so that nodes add to the same rows.

mod durations;
pub mod view;

use std::{collections::BTreeMap, time::Duration};

use kernel::{Id, Integration, Timestamp};
use store::{Db, DbError, Reader, Writer, binds};

pub use durations::LONGEST_MS;
pub(crate) use durations::{bucket, percentile};

use crate::{Line, What, line::Placed};

/// A short step and a long one, in seconds.
pub(crate) const STEPS_S: [i64; 2] = [60, 3_600];
/// How long numbers by the minute are kept.
pub const MINUTES_KEPT: Duration = Duration::from_hours(48);
/// Rows that are let go in one unit.
const RETIRED_AT_ONCE: i64 = 5_000;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    Calls = 0,
    Errors = 1,
    Refusals = 2,
    Received = 3,
    Stored = 4,
    Unchanged = 5,
    Quarantined = 6,
    Deleted = 7,
    SyncsCompleted = 8,
    SyncsFailed = 9,
    SyncsCancelled = 10,
    Tests = 11,
    TestsFailed = 12,
    Messages = 13,
}

impl Measure {
    pub const fn code(self) -> i64 {
        self as i64
    }
}

/// Durations are counted under their bucket's number behind this one.
pub(crate) const DURATIONS: i64 = 1_000;

/// What a line adds.
fn measured(line: &Line) -> Vec<(i64, i64)> {
    use Measure as M;
    let numbers = &line.numbers;
    let mut all: Vec<(Measure, i64)> = match line.what {
        What::TestPassed | What::TestWarned => vec![(M::Tests, 1), (M::Calls, 1)],
        What::TestFailed => vec![(M::Tests, 1), (M::TestsFailed, 1), (M::Calls, 1), (M::Errors, 1)],
        What::PageStored => vec![(M::Calls, 1)],
        What::SyncPaused | What::CallFailed | What::ActionFailed | What::RenewalFailed => {
            vec![(M::Calls, 1), (M::Errors, 1)]
        }
        What::SyncCompleted => vec![(M::SyncsCompleted, 1)],
        What::SyncFailed => vec![(M::SyncsFailed, 1)],
        What::SyncCancelled => vec![(M::SyncsCancelled, 1)],
        What::CallAnswered | What::ActionDone | What::TokensRenewed => vec![(M::Calls, 1)],
        What::CallRefused => vec![(M::Calls, 1), (M::Errors, 1), (M::Refusals, 1)],
        What::CallDenied | What::ActionRefused | What::MessageRefused => vec![(M::Refusals, 1)],
        What::MessageTaken => vec![(M::Messages, 1)],
        _ => Vec::new(),
    };
    // Other lines tell of the same records once more.
    if line.what == What::PageStored {
        all.extend([
            (M::Received, numbers.records_processed.unwrap_or(0)),
            (M::Stored, numbers.stored.unwrap_or(0)),
            (M::Unchanged, numbers.unchanged.unwrap_or(0)),
            (M::Quarantined, numbers.quarantined.unwrap_or(0)),
            (M::Deleted, numbers.deleted.unwrap_or(0)),
        ]);
    }
    let is_call = all.iter().any(|(measure, _)| *measure == M::Calls);
    let took = numbers.duration_ms.filter(|_| is_call).map(|ms| (DURATIONS + bucket(ms), 1));
    let all = all.into_iter().filter(|(_, value)| *value > 0).map(|(measure, value)| (measure.code(), value));
    all.chain(took).collect()
}

/// Add what these lines tell of, in the unit that writes them.
pub(crate) async fn add(tx: &mut Writer, of: Id<Integration>, lines: &[Placed]) -> Result<(), DbError> {
    let mut sums: BTreeMap<(i64, i64, i64), i64> = BTreeMap::new();
    for Placed { at, line } in lines {
        let second = Timestamp::from_micros(*at).as_seconds();
        for (measure, value) in measured(line) {
            for step_s in STEPS_S {
                let begun = second - second.rem_euclid(step_s);
                *sums.entry((step_s, begun, measure)).or_default() += value;
            }
        }
    }
    let sql = "INSERT INTO integration_metric (integration_id, step_s, begun, measure, value) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (integration_id, step_s, begun, measure) \
               DO UPDATE SET value = integration_metric.value + excluded.value";
    for ((step_s, begun, measure), value) in sums {
        tx.execute(sql, binds![of, step_s, begun, measure, value]).await?;
    }
    Ok(())
}

/// What was counted in steps of a span, gathered into longer ones: when each begins, the measure, the sum.
pub(crate) async fn sums(
    reader: &mut Reader,
    of: Id<Integration>,
    (step_s, gathered_s): (i64, i64),
    (from, to): (i64, i64),
) -> Result<Vec<(i64, i64, i64)>, DbError> {
    let sql = "SELECT begun / $5 * $5 AS gathered, measure, CAST(SUM(value) AS BIGINT) FROM integration_metric \
               WHERE integration_id = $1 AND step_s = $2 AND begun >= $3 AND begun < $4 GROUP BY gathered, measure";
    reader.all(sql, binds![of, step_s, from, to, gathered_s]).await
}

/// Let go of numbers by the minute after two days, and of those by the hour after as long as lines are kept.
pub(crate) async fn retire(db: &Db, now: Timestamp, kept: Duration) -> Result<(), DbError> {
    let sql = "DELETE FROM integration_metric WHERE step_s = $1 AND begun < $2 AND begun IN \
               (SELECT begun FROM integration_metric WHERE step_s = $1 AND begun < $2 ORDER BY begun LIMIT $3)";
    for (step_s, kept) in STEPS_S.into_iter().zip([MINUTES_KEPT, kept]) {
        let before = (now - kept).as_seconds();
        while db.execute(sql, binds![step_s, before, RETIRED_AT_ONCE]).await? > 0 {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Numbers;

    #[test]
    fn records_are_counted_once() {
        let one = Id::from_bytes([1; 16]);
        let numbers = Numbers {
            records_processed: Some(3),
            stored: Some(2),
            quarantined: Some(1),
            ..Numbers::default()
        };
        let page = Line::of(one, What::PageStored).with(numbers).took(Duration::from_millis(5));
        let expected =
            [(Measure::Calls, 1), (Measure::Received, 3), (Measure::Stored, 2), (Measure::Quarantined, 1)];
        let mut expected: Vec<(i64, i64)> = expected.map(|(measure, value)| (measure.code(), value)).to_vec();
        expected.push((DURATIONS + bucket(5), 1));
        assert_eq!(measured(&page), expected);
        assert_eq!(measured(&Line::of(one, What::RecordsQuarantined).with(numbers)), []);
        // How long a whole sync took is no call's time.
        let whole = Line::of(one, What::SyncCompleted).with(numbers).took(Duration::from_secs(60));
        assert_eq!(measured(&whole), [(Measure::SyncsCompleted.code(), 1)]);
    }
}
