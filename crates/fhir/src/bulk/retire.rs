//! Letting go of jobs whose time is up, and of what they have written.

use std::time::Duration;

use jobs::{JobFault, Retry};
use kernel::{BulkJob, Id};
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};

use super::{
    import,
    queries::{self, Key},
    row::State,
};
use crate::Fhir;

/// How often jobs whose time is up are looked for.
pub const PERIOD: Duration = Duration::from_secs(600);
/// Jobs of one round.
pub const RETIRED_MAX: i64 = 100;
/// Pieces of files that one transaction takes away.
pub const PIECES_CLEARED: i64 = 64;
/// Transactions for one job in one round; what is left waits for the next.
pub const CLEARINGS_MAX: usize = 1_000;

/// Takes away what a job has written that was ended or has failed.
#[derive(Serialize, Deserialize)]
pub(super) struct Clear {
    pub tenant: i64,
    pub id: Id<BulkJob>,
}

impl jobs::Job for Clear {
    const NAME: &'static str = "fhir.bulk.clear";
    const RETRY: Retry = Retry { attempts_max: 5, first_s: 10, max_s: 600, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, _attempt: u32) -> Result<(), JobFault> {
        Ok(clear(fhir, (self.tenant, self.id)).await?)
    }
}

/// Takes away jobs whose time is up.
#[derive(Serialize, Deserialize)]
pub(super) struct Retire {}

impl jobs::Job for Retire {
    const NAME: &'static str = "fhir.bulk.retire";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 30, max_s: 300, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, _attempt: u32) -> Result<(), JobFault> {
        let now = fhir.world.now();
        let expired = queries::expired(&mut fhir.db.read().await?, now, RETIRED_MAX).await?;
        for key in expired {
            let late = (State::Failed, Some("its time was up"));
            fhir.db
                .write(async move |tx: &mut Writer| queries::settle(tx, key, late, (now, now)).await)
                .await?;
            clear(fhir, key).await?;
        }
        Ok(import::forget_old(fhir, RETIRED_MAX).await?)
    }
}

/// The pieces go first, a few at a time; a job whose time is up goes with them.
async fn clear(fhir: &Fhir, key: Key) -> Result<(), DbError> {
    let now = fhir.world.now();
    for _ in 0..CLEARINGS_MAX {
        let gone = fhir
            .db
            .write(async move |tx: &mut Writer| queries::clear_chunks(tx, key, PIECES_CLEARED).await)
            .await?;
        if gone < PIECES_CLEARED.unsigned_abs() {
            return fhir
                .db
                .write(async move |tx: &mut Writer| queries::clear(tx, key, now).await)
                .await
                .map(|_| ());
        }
    }
    Ok(())
}
