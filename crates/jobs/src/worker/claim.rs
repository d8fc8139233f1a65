//! Taking jobs: kind by kind, a few at a time.

use std::sync::{Arc, atomic::Ordering};

use kernel::Timestamp;
use store::DbError;

use super::{BATCH_MAX, Kind, LEASE, Worker};
use crate::{
    queries::{self, Claim, Claimed},
    schedule::fire,
};

/// A claimed job and how to run it.
pub(super) type Work = (Arc<Kind>, Claimed);

impl Worker {
    /// Up to `room` jobs that are due. A kind is read before it is claimed, so that a quiet queue writes nothing.
    pub(super) async fn claim(&self, room: usize) -> Result<Vec<Work>, DbError> {
        let mut taken: Vec<Work> = Vec::new();
        let first = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(self.kinds.len()).unwrap_or(0);
        for kind in self.kinds.values().cycle().skip(first).take(self.kinds.len()) {
            let rows_max = BATCH_MAX.min(room.saturating_sub(taken.len()));
            if rows_max == 0 {
                break;
            }
            if self.has_due(kind.name).await? {
                let claimed = self.claim_of(kind.name, rows_max).await?;
                taken.extend(claimed.into_iter().map(|claimed| (Arc::clone(kind), claimed)));
            }
        }
        Ok(taken)
    }

    /// When the next job of any kind that we can run is to start.
    pub(super) async fn next_start(&self) -> Result<Option<Timestamp>, DbError> {
        let mut reader = self.db.read().await?;
        let mut earliest = None;
        for name in &self.by_schedule {
            let next = fire::next_start(&mut reader, name).await?;
            earliest = earliest.into_iter().chain(next).min();
        }
        for name in self.kinds.keys() {
            let next = queries::next_start(&mut reader, name).await?;
            earliest = earliest.into_iter().chain(next).min();
        }
        Ok(earliest)
    }

    async fn has_due(&self, name: &'static str) -> Result<bool, DbError> {
        let now = self.world.now();
        let mut reader = self.db.read().await?;
        let ready = queries::next_start(&mut reader, name).await?.is_some_and(|at| at <= now);
        Ok(ready || queries::is_orphaned(&mut reader, name, now).await?)
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
