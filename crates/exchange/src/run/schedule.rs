//! When an integration is pulled from by itself.

use ::jobs::{Job, JobFault, Retry, Schedule};
use kernel::{Actor, Id, Integration, Organisation, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};

use super::{Extent, RunFault, begin};
use crate::Exchange;

/// From now on begin incremental runs whenever the schedule says so; in the unit that switches the integration on or changes it. The next time.
///
/// # Errors
/// [`DbError`].
pub async fn schedule(
    tx: &mut Writer,
    (organisation, integration): (Id<Organisation>, Id<Integration>),
    schedule: &Schedule,
    now: Timestamp,
) -> Result<Option<Timestamp>, DbError> {
    let job = Scheduled { organisation, integration };
    jobs::schedule(tx, (organisation, integration), (&job, schedule), now).await
}

/// Begin none any more by itself; in the unit that switches the integration off.
///
/// # Errors
/// [`DbError`].
pub async fn unschedule(tx: &mut Writer, integration: Id<Integration>) -> Result<(), DbError> {
    jobs::unschedule::<Scheduled, _>(tx, integration).await.map(|_| ())
}

/// Begins an incremental run when the schedule of an integration says so.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Scheduled {
    pub organisation: Id<Organisation>,
    pub integration: Id<Integration>,
}

impl Job for Scheduled {
    const NAME: &'static str = "exchange.scheduled";
    const RETRY: Retry = Retry { attempts_max: 6, first_s: 5, max_s: 300, jitter_percent: 20 };
    type Context = Exchange;

    async fn run(self, exchange: &Exchange, _attempt: u32) -> Result<(), JobFault> {
        let of = (self.organisation, self.integration);
        match begin(exchange, of, Extent::Incremental, (Actor::System, None)).await {
            // The one that is under way brings what this one would; what is not active any more brings nothing.
            Ok(_) | Err(RunFault::UnderWay | RunFault::Unknown | RunFault::NotActive) => {}
            Err(fault) => return Err(fault.into()),
        }
        let (own, integration) = (exchange.clone(), self.integration);
        let told = exchange.db.write(async move |tx: &mut Writer| -> Result<(), DbError> {
            let kept = jobs::scheduled::<Self, _>(tx, integration).await?;
            own.sources.due(tx, integration, kept.and_then(|kept| kept.next_at)).await
        });
        Ok(told.await?)
    }
}
