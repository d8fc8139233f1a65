//! Lines are written: each gets its time, which is its place, and is counted in the same unit.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kernel::{Id, Integration, Timestamp};
use store::{Db, DbError, Writer};

use super::{Line, Phrase, phrase_id, queries};
use crate::metric;

/// Lines that are written in one unit.
pub const LINES_OF_A_UNIT: usize = 512;

/// The turn of units that write lines: one at a time, on all nodes, so that times grow in the order of commits.
const WRITING: i64 = i64::MIN + 2;

/// On this channel it is told that an integration has new lines.
pub(crate) const WRITTEN: &str = "integration_line";

/// A day, in microseconds.
pub(crate) const DAY_US: i64 = 86_400_000_000;

/// Texts that this process has written down.
#[derive(Default)]
pub(crate) struct Known(BTreeSet<i64>);

/// A line in its place.
pub(crate) struct Placed {
    pub at: i64,
    pub line: Line,
}

/// Write these lines, whoever else writes.
pub(crate) async fn unit(
    db: &Db,
    lines: &Arc<Vec<(Timestamp, Line)>>,
    known: &mut Known,
) -> Result<(), DbError> {
    let new: BTreeMap<i64, Phrase> = lines
        .iter()
        .map(|(_, line)| line)
        .filter(|line| !known.0.contains(&phrase_id(line)))
        .map(|line| (phrase_id(line), Phrase::of(line)))
        .collect();
    let learnt: Vec<i64> = new.keys().copied().collect();
    let lines = Arc::clone(lines);
    db.write_in_turn(WRITING, async move |tx: &mut Writer| -> Result<(), DbError> {
        for phrase in new.values() {
            queries::learn(tx, phrase).await?;
        }
        for (integration, said) in by_integration(&lines) {
            let last = queries::last(tx, integration).await?;
            let placed = placed(last, said);
            queries::insert(tx, &placed).await?;
            queries::count(tx, integration, &counted(&placed)).await?;
            if let Some(newest) = placed.last() {
                queries::moved(tx, integration, newest.at).await?;
            }
            metric::add(tx, integration, &placed).await?;
            tx.publish(WRITTEN, &integration.to_string()).await?;
        }
        Ok(())
    })
    .await?;
    known.0.extend(learnt);
    Ok(())
}

fn by_integration(lines: &[(Timestamp, Line)]) -> BTreeMap<Id<Integration>, Vec<&(Timestamp, Line)>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for said in lines {
        all.entry(said.1.integration).or_default().push(said);
    }
    all
}

/// Each line at its time, or a microsecond behind the line before it where that is later.
fn placed(last: Option<i64>, mut said: Vec<&(Timestamp, Line)>) -> Vec<Placed> {
    said.sort_by_key(|(at, _)| *at);
    let mut before = last;
    let place = |(at, line): &(Timestamp, Line)| {
        let at = before.map_or(at.as_micros(), |before| at.as_micros().max(before.saturating_add(1)));
        before = Some(at);
        Placed { at, line: line.clone() }
    };
    said.into_iter().map(place).collect()
}

/// How many lines of each day and text there are.
fn counted(placed: &[Placed]) -> BTreeMap<(i64, i64), i64> {
    let mut counts = BTreeMap::new();
    for Placed { at, line } in placed {
        *counts.entry((at.div_euclid(DAY_US), phrase_id(line))).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::What;

    fn said(at: i64) -> (Timestamp, Line) {
        (Timestamp::from_micros(at), Line::of(Id::from_bytes([1; 16]), What::SyncBegun))
    }

    #[test]
    fn no_two_lines_have_one_time_and_none_is_before_one_that_was_written() {
        for (last, times, places) in [
            (None, vec![5, 7], vec![5, 7]),
            (None, vec![7, 5, 5], vec![5, 6, 7]),
            (Some(9), vec![5, 7, 20], vec![10, 11, 20]),
            (Some(9), vec![], vec![]),
        ] {
            let lines: Vec<_> = times.into_iter().map(said).collect();
            let placed = placed(last, lines.iter().collect());
            assert_eq!(placed.iter().map(|one| one.at).collect::<Vec<_>>(), places);
        }
    }

    #[test]
    fn lines_are_counted_by_day() {
        let lines = [said(DAY_US - 1), said(DAY_US - 1), said(DAY_US + 5)];
        let counts: Vec<((i64, i64), i64)> =
            counted(&placed(None, lines.iter().collect())).into_iter().collect();
        let days: Vec<(i64, i64)> = counts.iter().map(|((day, _), lines)| (*day, *lines)).collect();
        assert_eq!(days, [(0, 1), (1, 2)], "the second line of one time is the next microsecond's");
    }
}
