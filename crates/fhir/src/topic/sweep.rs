//! What is looked at by the clock: heartbeats, ends, attempts that nobody asks for any more, records that are gone, old events.

use std::time::Duration;

use jobs::{Job, JobFault, Retry};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};

use super::{
    deliver::{self, Deliver},
    of_subscription, queries,
};
use crate::Fhir;

/// How often.
pub const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// Subscriptions that one round looks at of each kind.
pub const SWEPT_ROWS: i64 = 1_000;
/// How long events are kept for whoever asks for them once more.
pub const EVENTS_KEPT: Duration = Duration::from_hours(24 * 30);

/// One round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sweep {}

impl Job for Sweep {
    const NAME: &'static str = "fhir.subscription.sweep";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 5, max_s: 30, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, _attempt: u32) -> Result<(), JobFault> {
        let Some(of) = of_subscription() else { return Ok(()) };
        let now = fhir.world.now();
        let orphans = queries::orphans(&mut fhir.db.read().await?, of.number(), SWEPT_ROWS).await?;
        let due = queries::due(&mut fhir.db.read().await?, now, SWEPT_ROWS).await?;
        let world = fhir.world.clone();
        let before = Timestamp::from_micros(
            now.as_micros() - i64::try_from(EVENTS_KEPT.as_micros()).unwrap_or(i64::MAX),
        );
        fhir.db
            .write(async move |tx: &mut Writer| -> Result<(), DbError> {
                for gone in &orphans {
                    queries::forget(tx, gone).await?;
                }
                for one in &due {
                    // What was asked for already is asked for once.
                    deliver::ask(tx, &world, &Deliver::new(one.tenant, &one.id, one.epoch), now).await?;
                }
                queries::retire(tx, before).await.map(|_| ())
            })
            .await?;
        Ok(())
    }
}
