//! Letting go of what is finished: the rows of a queue must not grow for ever.

use std::time::Duration;

use kernel::{Timestamp, World};
use serde::{Deserialize, Serialize};
use store::{Db, DbError};

use crate::{Job, JobFault, Retry, queries};

/// How often finished rows are looked for.
pub(crate) const PERIOD: Duration = Duration::from_secs(3_600);
/// How long the row of a job that was done is kept.
const DONE_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// How long the row of a dead or cancelled job is kept: long enough for somebody to look.
const DEAD_KEPT: Duration = Duration::from_secs(90 * 86_400);
/// How long a published event is kept.
const EVENT_KEPT: Duration = Duration::from_secs(90 * 86_400);
/// Rows per transaction, so that nobody waits for a clean-up.
const BATCH_ROWS_MAX: i64 = 500;
/// Transactions per kind of row and run; what is left waits for the next run.
const BATCHES_MAX: u32 = 40;

/// Deletes rows of finished jobs and old events.
#[derive(Serialize, Deserialize)]
pub(crate) struct Retire {}

#[derive(Clone, Copy)]
enum Old {
    Done,
    Dead,
    Cancelled,
    Event,
}

impl Job for Retire {
    const NAME: &'static str = "jobs.retire";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 60, max_s: 600, jitter_percent: 20 };
    type Context = (Db, World);

    async fn run(self, (db, world): &Self::Context, _attempt: u32) -> Result<(), JobFault> {
        let now = world.now();
        for (old, before) in [
            (Old::Done, now - DONE_KEPT),
            (Old::Dead, now - DEAD_KEPT),
            (Old::Cancelled, now - DEAD_KEPT),
            (Old::Event, now - EVENT_KEPT),
        ] {
            for _ in 0..BATCHES_MAX {
                let gone = delete(db, old, before).await?;
                if gone < BATCH_ROWS_MAX.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(())
    }
}

async fn delete(db: &Db, old: Old, before: Timestamp) -> Result<u64, DbError> {
    match old {
        Old::Done => queries::delete_finished(db, "done", before, BATCH_ROWS_MAX).await,
        Old::Dead => queries::delete_finished(db, "dead", before, BATCH_ROWS_MAX).await,
        Old::Cancelled => queries::delete_finished(db, "cancelled", before, BATCH_ROWS_MAX).await,
        Old::Event => queries::delete_events(db, before, BATCH_ROWS_MAX).await,
    }
}
