//! Finishing what a process that is gone has left behind.

use std::time::Duration;

use jobs::{Job, JobFault, Retry};
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};

use super::{claim::Wanted, flight::landed, queries};
use crate::{Broker, By, connect};

/// How many connections one sweep looks after.
const CONNECTIONS_MAX: i64 = 64;
/// How long the journal of ended calls is kept.
const JOURNAL_KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);
/// How often to sweep.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(15);

/// Use the answers that were received and not used, find out about calls that were never answered, and forget
/// journeys to third parties that nobody finished.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepTokenJournal {}

impl Job for SweepTokenJournal {
    const NAME: &'static str = "broker.sweep_token_journal";
    const RETRY: Retry = Retry { attempts_max: 1, first_s: 1, max_s: 1, jitter_percent: 0 };
    type Context = Broker;

    async fn run(self, broker: &Broker, _attempt: u32) -> Result<(), JobFault> {
        broker.recover().await?;
        let before = broker.world.now();
        let unit = async move |tx: &mut Writer| -> Result<(), DbError> {
            queries::close_overtaken(tx).await?;
            queries::delete_old_calls(tx, before - JOURNAL_KEPT_FOR).await?;
            connect::queries::delete_expired(tx, before).await?;
            Ok(())
        };
        broker.db.write(unit).await?;
        Ok(())
    }
}

impl Broker {
    /// Take up what earlier processes have left, where this one is the only one on its database: nobody holds a lease any more.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn take_over(&self) -> Result<usize, DbError> {
        let now = self.world.now();
        let unit =
            async move |tx: &mut Writer| -> Result<(), DbError> { queries::void_leases(tx, now).await };
        self.db.write(unit).await?;
        self.recover().await
    }

    /// Finish the renewals that processes which are gone have begun. Also worth calling once at start.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn recover(&self) -> Result<usize, DbError> {
        let now = self.world.now();
        let unfinished = self
            .db
            .scan(async move |tx: &mut store::Reader| queries::unfinished(tx, now, CONNECTIONS_MAX).await)
            .await?;
        let begin = |(connection, seen): &(_, _)| {
            let wanted = Wanted { connection: *connection, seen: *seen };
            landed(self.flights.join(self, wanted, By::system()))
        };
        let under_way: Vec<_> = unfinished.iter().map(begin).collect();
        Ok(futures_util::future::join_all(under_way).await.len())
    }
}
