//! The job of a run: one step after the other, each a unit, until the source has nothing more.

use std::time::Duration;

use ::jobs::{Attempt, Job, JobFault, Retry, Stop, enqueue_of};
use kernel::{Fault, Id};
use serde::{Deserialize, Serialize};
use store::Writer;
use watch::{Line, What, line::Numbers};

use super::{
    PAGES_OF_AN_ATTEMPT, Phase, Run, State, SyncRun,
    end::ended,
    page::{self, Stepped},
    queries, recheck,
};
use crate::{Exchange, connector::PullFault};

/// Goes on with a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sync {
    pub run: Id<SyncRun>,
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepFault {
    #[error(transparent)]
    Pull(#[from] PullFault),
    #[error(transparent)]
    Stop(#[from] Stop),
    #[error("{0}")]
    Ours(String, Option<u64>),
    #[error("{0}")]
    Gone(&'static str),
}

impl StepFault {
    pub fn of<F: Fault>(fault: &F) -> Self {
        Self::Ours(fault.to_string(), fault.retry_after_s())
    }
}

impl From<store::DbError> for StepFault {
    fn from(fault: store::DbError) -> Self {
        Self::of(&fault)
    }
}

impl Job for Sync {
    const NAME: &'static str = "exchange.sync";
    const RETRY: Retry = Retry { attempts_max: 12, first_s: 2, max_s: 900, jitter_percent: 20 };
    type Context = (Exchange, Attempt);

    async fn run(self, (exchange, attempt): &Self::Context, number: u32) -> Result<(), JobFault> {
        let is_last = number >= Self::RETRY.attempts_max;
        let mut steps = 0;
        let fault = loop {
            let found = queries::by_id(&mut exchange.db.read().await?, self.run).await?;
            let Some(run) = found.filter(|run| run.finished_at.is_none()) else { return Ok(()) };
            if steps >= PAGES_OF_AN_ATTEMPT {
                return self.hand_over(exchange, attempt, &run, Duration::ZERO).await;
            }
            match step(exchange, attempt, &run).await {
                Ok(Stepped::On) => steps += 1,
                Ok(Stepped::Through) => return Ok(()),
                Err(fault) => break (fault, run),
            }
        };
        let settled = |state, why| ended(exchange, self.run, state, why);
        match fault {
            (StepFault::Stop(Stop::Cancelled), _) => {
                settled(State::Cancelled, None).await?;
                Err(Stop::Cancelled.into())
            }
            (StepFault::Stop(stop), _) => Err(stop.into()),
            (StepFault::Pull(PullFault::Final { why }) | StepFault::Gone(why), _) => {
                settled(State::Failed, Some(why)).await?;
                Err(JobFault::dead(why))
            }
            // Waiting for a turn is no failing.
            (StepFault::Pull(PullFault::Later { after }), run) => {
                self.hand_over(exchange, attempt, &run, after).await
            }
            // What brought something is followed by an attempt that counts anew.
            (StepFault::Pull(PullFault::Again { why, after_s }), run) if steps > 0 => {
                exchange.log.note(paused(&run, why, after_s));
                let after = Duration::from_secs(after_s.unwrap_or(Self::RETRY.first_s));
                self.hand_over(exchange, attempt, &run, after).await
            }
            (StepFault::Pull(PullFault::Again { why, after_s }), run) => {
                exchange.log.note(paused(&run, why, after_s));
                if is_last {
                    settled(State::Failed, Some(why)).await?;
                }
                Err(JobFault::Again { why: why.to_owned(), after_s })
            }
            (StepFault::Ours(why, after_s), _) => {
                if is_last {
                    settled(State::Failed, Some("our own trouble")).await?;
                }
                Err(JobFault::Again { why, after_s })
            }
        }
    }
}

impl Sync {
    /// The run goes on as another row of the queue, behind what others wait for.
    async fn hand_over(
        &self,
        exchange: &Exchange,
        attempt: &Attempt,
        run: &Run,
        after: Duration,
    ) -> Result<(), JobFault> {
        let (own, db, next) = (exchange.clone(), exchange.db.clone(), self.clone());
        let (attempt, organisation) = (attempt.clone(), run.organisation);
        let handed = db.write(async move |tx: &mut Writer| {
            attempt.holds(tx).await?;
            let at = own.world.now() + after;
            let to = enqueue_of(tx, &own.world, organisation, &next, at).await?;
            queries::hand_over(tx, next.run, (attempt.job(), to)).await?;
            Ok::<(), Stop>(())
        });
        match handed.await {
            Err(Stop::Cancelled) => {
                ended(exchange, self.run, State::Cancelled, None).await?;
                Err(Stop::Cancelled.into())
            }
            other => Ok(other?),
        }
    }
}

/// What the integration's log says of a source that did not answer.
fn paused(run: &Run, why: &'static str, retry_after_s: Option<u64>) -> Line {
    let numbers = Numbers { retry_after_s, ..Numbers::default() };
    Line::of(run.integration, What::SyncPaused).because(why).about(run.id).with(numbers)
}

async fn step(exchange: &Exchange, attempt: &Attempt, run: &Run) -> Result<Stepped, StepFault> {
    attempt.goes_on().await?;
    let source = exchange.sources.of(run.integration).await.map_err(|fault| StepFault::of(&fault))?;
    let source = source.filter(|source| source.organisation == run.organisation);
    let source = source.ok_or(StepFault::Gone("the integration is not active any more"))?;
    match run.phase {
        Phase::Pull => page::pull(exchange, attempt, (run, &source)).await,
        Phase::Recheck => recheck::recheck(exchange, attempt, (run, &source)).await,
    }
}
