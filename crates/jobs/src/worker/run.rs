//! The worker's round: schedule, claim, run, wait.

use std::time::Duration;

use store::DbError;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    POLL, Worker,
    attempt::{Bench, attempt},
    claim::Work,
    schedule::Seen,
};
use crate::enqueue::CHANNEL;

/// The shortest wait, so that a job which cannot be claimed makes no busy loop.
const WAIT_MIN: Duration = Duration::from_millis(20);

/// The most jobs that one call of [`Worker::run_due`] runs.
const RUN_DUE_MAX: usize = 10_000;

impl Worker {
    /// Run jobs until told to stop. Then nothing new is claimed, running jobs have ten seconds to finish, and the
    /// leases of those that did not are given back.
    pub async fn run(self, shutdown: CancellationToken) {
        let cut = CancellationToken::new();
        let bench = self.bench(cut.clone());
        let mut told = self.db.notify().subscribe(CHANNEL);
        let mut running = JoinSet::new();
        let mut seen = Seen::new();
        while !shutdown.is_cancelled() {
            while running.try_join_next().is_some() {}
            let room = self.concurrency.saturating_sub(running.len());
            let wait = self.round(&mut seen, room, &bench, &mut running).await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(_) = running.join_next() => {}
                Some(_) = told.next() => {}
                () = sleep(wait) => {}
            }
        }
        let drained = timeout(self.pace.drain, async { while running.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            cut.cancel();
            while running.join_next().await.is_some() {}
        }
    }

    /// Run what is due now, one after the other, and what that makes due, without waiting for anything. For tests and
    /// for commands of the operator. How many attempts were made.
    ///
    /// # Errors
    /// [`DbError`] if the queue could not be read.
    pub async fn run_due(&self) -> Result<usize, DbError> {
        let bench = self.bench(CancellationToken::new());
        let mut seen = Seen::new();
        let mut made = 0;
        self.schedule(&mut seen).await?;
        while made < RUN_DUE_MAX {
            let Some((kind, claimed)) = self.claim(1).await?.pop() else { break };
            attempt(bench.clone(), kind, claimed).await;
            made += 1;
        }
        Ok(made)
    }

    /// Start what is due; how long there is nothing more to do.
    async fn round(
        &self,
        seen: &mut Seen,
        room: usize,
        bench: &Bench,
        running: &mut JoinSet<()>,
    ) -> Duration {
        match self.due(seen, room).await {
            Ok((work, wait)) => {
                for (kind, claimed) in work {
                    running.spawn(attempt(bench.clone(), kind, claimed));
                }
                wait
            }
            Err(error) => {
                tracing::error!(%error, "the queue could not be read");
                POLL
            }
        }
    }

    async fn due(&self, seen: &mut Seen, room: usize) -> Result<(Vec<Work>, Duration), DbError> {
        if room == 0 {
            return Ok((Vec::new(), POLL));
        }
        self.schedule(seen).await?;
        let work = self.claim(room).await?;
        let wait = match self.next_start().await? {
            Some(at) => at.since(self.world.now()).clamp(WAIT_MIN, POLL),
            None => POLL,
        };
        Ok((work, wait))
    }

    fn bench(&self, cut: CancellationToken) -> Bench {
        Bench { db: self.db.clone(), world: self.world.clone(), pace: self.pace, cut }
    }
}
