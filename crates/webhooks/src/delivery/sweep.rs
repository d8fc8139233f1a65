//! Letting go of what is old.

use std::time::Duration;

use jobs::{Job, JobFault, Retry};
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};
use web::IDEMPOTENCY_KEPT;

use super::queries;
use crate::{Webhooks, inbound, receiver};

/// How often.
pub const SWEEP_EVERY: Duration = Duration::from_mins(10);
/// How long deliveries and the log of their calls are kept, also those that were never taken.
pub const DELIVERIES_KEPT: Duration = Duration::from_hours(24 * 30);
/// Rows per unit and table.
pub const SWEPT_ROWS: i64 = 1_000;
/// Units per round; what is left waits for the next.
const UNITS_MAX: u32 = 100;

/// One round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sweep {}

impl Job for Sweep {
    const NAME: &'static str = "webhook.sweep";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 30, max_s: 300, jitter_percent: 20 };
    type Context = Webhooks;

    async fn run(self, webhooks: &Webhooks, _attempt: u32) -> Result<(), JobFault> {
        let now = webhooks.world.now();
        let times = (now - DELIVERIES_KEPT, now - IDEMPOTENCY_KEPT);
        for _ in 0..UNITS_MAX {
            let gone = webhooks.db.write(async move |tx: &mut Writer| -> Result<u64, DbError> {
                let gone = queries::sweep(tx, times, SWEPT_ROWS).await?;
                let gone = gone + inbound::sweep(tx, times.0, SWEPT_ROWS).await?;
                Ok(gone + receiver::sweep(tx, (now, now - receiver::LINKS_KEPT), SWEPT_ROWS).await?)
            });
            if gone.await? < SWEPT_ROWS.unsigned_abs() {
                break;
            }
        }
        Ok(())
    }
}
