//! Runs whose row of the queue has ended without them, since every worker that tried it died: they are told of as failed.

use std::time::Duration;

use ::jobs::{Job, JobFault, Retry, State as JobState};
use serde::{Deserialize, Serialize};

use super::{State, WATCHED_AT_ONCE, end::ended, queries};
use crate::Exchange;

/// How often it is looked.
pub(super) const PERIOD: Duration = Duration::from_secs(60);

/// Looks after runs that nobody goes on with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Watch {}

impl Job for Watch {
    const NAME: &'static str = "exchange.watch";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 5, max_s: 30, jitter_percent: 20 };
    type Context = Exchange;

    async fn run(self, exchange: &Exchange, _attempt: u32) -> Result<(), JobFault> {
        for run in queries::unfinished(&exchange.db, WATCHED_AT_ONCE).await? {
            let work = jobs::find(&mut exchange.db.read().await?, run.job).await?;
            match work.map(|work| work.state) {
                Some(JobState::Ready | JobState::Running | JobState::Paused) => {}
                Some(JobState::Cancelled) => ended(exchange, run.id, State::Cancelled, None).await?,
                // A row that was handed over a moment ago is done, and the run names the next one by now.
                Some(JobState::Done) | None if self.has_moved(exchange, &run).await? => {}
                Some(JobState::Done | JobState::Dead) | None => {
                    ended(exchange, run.id, State::Failed, Some("nobody could go on with it")).await?;
                }
            }
        }
        Ok(())
    }
}

impl Watch {
    async fn has_moved(&self, exchange: &Exchange, run: &super::Run) -> Result<bool, store::DbError> {
        let now = queries::by_id(&mut exchange.db.read().await?, run.id).await?;
        Ok(now.is_none_or(|now| now.job != run.job || now.finished_at.is_some()))
    }
}
