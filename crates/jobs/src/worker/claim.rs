//! Taking jobs: kind by kind, a few at a time.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use kernel::Timestamp;
use store::DbError;

use super::{BATCH_MAX, Kind, LEASE, Worker};
use crate::queries::{self, Claim, Claimed, Open};

/// A claimed job and how to run it.
pub(super) type Work = (Arc<Kind>, Claimed);

impl Worker {
    /// What is open that we can run. Looking writes nothing, so that a quiet queue costs one statement.
    pub(super) async fn look(&self) -> Result<Vec<Open>, DbError> {
        let mut open = queries::open(&mut self.db.read().await?).await?;
        open.retain(|open| self.kinds.contains_key(open.name.as_str()));
        Ok(open)
    }

    /// Up to `room` jobs of what is due of this.
    pub(super) async fn claim(&self, open: &[Open], room: usize) -> Result<Vec<Work>, DbError> {
        let now = self.world.now();
        let is_due = |open: &&Open| open.due_at().is_some_and(|at| at <= now);
        let due: BTreeSet<&str> = open.iter().filter(is_due).map(|open| open.name.as_str()).collect();
        let first = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(due.len()).unwrap_or(0);
        let mut taken: Vec<Work> = Vec::new();
        for name in due.iter().cycle().skip(first).take(due.len()) {
            let rows_max = BATCH_MAX.min(room.saturating_sub(taken.len()));
            if rows_max == 0 {
                break;
            }
            let Some(kind) = self.kinds.get(name) else { continue };
            let claimed = self.claim_of(kind.name, rows_max).await?;
            taken.extend(claimed.into_iter().map(|claimed| (Arc::clone(kind), claimed)));
        }
        Ok(taken)
    }

    /// When there is something to be done again, of what is open.
    pub(super) fn next_start(open: &[Open], scheduled: Option<Timestamp>) -> Option<Timestamp> {
        open.iter().filter_map(Open::due_at).chain(scheduled).min()
    }

    async fn claim_of(&self, name: &'static str, rows_max: usize) -> Result<Vec<Claimed>, DbError> {
        let now = self.world.now();
        let rows_max = i64::try_from(rows_max).unwrap_or(1);
        let claim = Claim { owner: self.owner, now, until: now + LEASE, rows_max };
        let mut rows = queries::claim(&self.db, name, claim).await?;
        rows.sort_by_key(|row| row.lease.job);
        Ok(rows)
    }
}
