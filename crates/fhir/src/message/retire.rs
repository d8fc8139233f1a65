//! Letting go of what messages were answered: nobody sends them again after so long.

use std::time::Duration;

use jobs::{JobFault, Retry};
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};

use super::queries;
use crate::{Fhir, tenant};

/// How long it is known what a message was answered. Sent again after that, it is another message.
pub const MESSAGE_KEPT: Duration = Duration::from_hours(24 * 90);
/// How often older ones are looked for.
pub const MESSAGE_RETIRED_EVERY: Duration = Duration::from_hours(24);
/// Answers that one transaction takes away.
pub const MESSAGE_RETIRED_ROWS: i64 = 500;
/// Transactions for one site in one round; what is left waits for the next.
pub const MESSAGE_RETIREMENTS_MAX: usize = 1_000;

/// Takes away what is older.
#[derive(Serialize, Deserialize)]
pub(super) struct Retire {}

impl jobs::Job for Retire {
    const NAME: &'static str = "fhir.message.retire";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 30, max_s: 300, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, _attempt: u32) -> Result<(), JobFault> {
        let kept = i64::try_from(MESSAGE_KEPT.as_micros()).unwrap_or(i64::MAX);
        let before = fhir.world.now().as_micros().saturating_sub(kept);
        for code in tenant::codes(&mut fhir.db.read().await?).await? {
            let Some(tenant) = tenant::by_code(&mut fhir.db.read().await?, &code).await? else { continue };
            for _ in 0..MESSAGE_RETIREMENTS_MAX {
                let tenant = tenant.clone();
                let gone = fhir.db.write(async move |tx: &mut Writer| {
                    queries::forget(tx, &tenant, before, MESSAGE_RETIRED_ROWS).await
                });
                let gone: Result<u64, DbError> = gone.await;
                if gone? < MESSAGE_RETIRED_ROWS.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(())
    }
}
