//! Jobs that begin by themselves: once per period over all nodes.

use std::{collections::BTreeMap, time::Duration};

use kernel::{Timestamp, World};
use store::{DbError, Writer};

use super::{Periodic, Worker};
use crate::{
    enqueue::{NewJob, insert},
    queries,
    schedule::fire::{fire, next_start},
};

/// The key of the one unfinished row that a periodic job may have.
const PERIOD_KEY: &str = "period";

/// The periods that this node has already seen to.
pub(super) type Seen = BTreeMap<&'static str, Timestamp>;

impl Worker {
    /// Ask for every job whose time has come by a schedule, and every periodic one whose period has begun, that no node has asked for yet.
    /// The next time of a schedule.
    pub(super) async fn schedule(&self, seen: &mut Seen) -> Result<Option<Timestamp>, DbError> {
        let mut next = None;
        for name in &self.by_schedule {
            next = next.into_iter().chain(self.fire(name).await?).min();
        }
        for periodic in &self.periodic {
            let begun = beginning(self.world.now(), periodic.period);
            if seen.get(periodic.name) != Some(&begun) {
                self.begin(periodic, begun).await?;
                seen.insert(periodic.name, begun);
            }
        }
        Ok(next)
    }

    async fn fire(&self, name: &'static str) -> Result<Option<Timestamp>, DbError> {
        let next = next_start(&mut self.db.read().await?, name).await?;
        if next.is_none_or(|at| at > self.world.now()) {
            return Ok(next);
        }
        fire(&self.db, &self.world, name).await?;
        next_start(&mut self.db.read().await?, name).await
    }

    async fn begin(&self, periodic: &Periodic, begun: Timestamp) -> Result<(), DbError> {
        let name = periodic.name;
        let payload = (periodic.make)(begun)?;
        let world: World = self.world.clone();
        self.db
            .write(async move |tx: &mut Writer| -> Result<(), DbError> {
                if queries::begin_period(tx, name, begun).await? {
                    let (payload, run_at) = (payload.clone(), world.now());
                    let dedupe_key = Some(PERIOD_KEY.to_owned());
                    insert(tx, &world, NewJob { name, payload, run_at, dedupe_key, owner: None }).await?;
                }
                Ok(())
            })
            .await
    }
}

/// When the period that holds this instant began, counted from the epoch.
fn beginning(now: Timestamp, period: Duration) -> Timestamp {
    let length = i64::try_from(period.as_micros()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_micros(now.as_micros() - now.as_micros().rem_euclid(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_the_same_on_every_node() {
        let at = |seconds| beginning(Timestamp::from_seconds(seconds), Duration::from_secs(3_600));
        assert_eq!(at(3_599), Timestamp::from_seconds(0));
        assert_eq!(at(3_600), Timestamp::from_seconds(3_600));
        assert_eq!(at(7_199), Timestamp::from_seconds(3_600));
        assert_eq!(at(-1), Timestamp::from_seconds(-3_600));
    }
}
