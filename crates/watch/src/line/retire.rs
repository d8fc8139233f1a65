//! Old days are let go, some lines at a time.

use std::time::Duration;

use jobs::{Job, JobFault, Retry};
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};

use super::{queries, write::DAY_US};
use crate::{Watch, metric};

/// How often old days are looked for.
pub const RETIRE_EVERY: Duration = Duration::from_hours(1);
/// Lines that are let go in one unit.
const RETIRED_AT_ONCE: i64 = 2_000;
/// Days of integrations that are let go in one look.
const DAYS_OF_A_LOOK: i64 = 1_000;

/// Lets go of days that are older than lines are kept, and of numbers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Retire {}

impl Job for Retire {
    const NAME: &'static str = "watch.retire";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 60, max_s: 600, jitter_percent: 20 };
    type Context = Watch;

    async fn run(self, watch: &Watch, _attempt: u32) -> Result<(), JobFault> {
        let now = watch.world.now();
        let today = (now - watch.kept).as_micros().div_euclid(DAY_US);
        let days = queries::days_before(&mut watch.log_db.read().await?, today, DAYS_OF_A_LOOK).await?;
        for (integration, day) in days {
            let span = (day.saturating_mul(DAY_US), day.saturating_add(1).saturating_mul(DAY_US));
            loop {
                let unit = async move |tx: &mut Writer| -> Result<u64, DbError> {
                    let gone = queries::let_go(tx, integration, span, RETIRED_AT_ONCE).await?;
                    if gone == 0 {
                        queries::forget_day(tx, integration, day).await?;
                    }
                    Ok(gone)
                };
                if watch.log_db.write(unit).await? == 0 {
                    break;
                }
            }
        }
        Ok(metric::retire(&watch.log_db, now, watch.kept).await?)
    }
}
