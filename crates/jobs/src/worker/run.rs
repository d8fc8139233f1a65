//! The worker's round: schedule, claim, run, wait.

use std::time::Duration;

use futures_util::FutureExt as _;
use store::DbError;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Before, Worker,
    attempt::{Bench, attempt},
    claim::Work,
    schedule::Seen,
};
use crate::{enqueue::CHANNEL, queries};

/// The shortest wait, so that a job which cannot be claimed makes no busy loop.
const WAIT_MIN: Duration = Duration::from_millis(20);

/// What a worker was told of that one look answers; what is told beyond that makes it look again.
const TOLD_AT_ONCE_MAX: usize = 1_024;

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
        self.take_over().await;
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
            // Many may have been told of at once; one look finds them all.
            for _ in 0..TOLD_AT_ONCE_MAX {
                if !matches!(told.next().now_or_never(), Some(Some(_))) {
                    break;
                }
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
            let Some((kind, claimed)) = self.claim(&self.look().await?, 1).await?.pop() else { break };
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
                self.pace.poll
            }
        }
    }

    async fn due(&self, seen: &mut Seen, room: usize) -> Result<(Vec<Work>, Duration), DbError> {
        if room == 0 {
            return Ok((Vec::new(), self.pace.poll));
        }
        let scheduled = self.schedule(seen).await?;
        let mut open = self.look().await?;
        let work = self.claim(&open, room).await?;
        if !work.is_empty() {
            open = self.look().await?;
        }
        let wait = match Self::next_start(&open, scheduled) {
            Some(at) => at.since(self.world.now()).clamp(WAIT_MIN, self.pace.poll),
            None => self.pace.poll,
        };
        Ok((work, wait))
    }

    /// If this fails, leases end by themselves.
    async fn take_over(&self) {
        if self.before == Before::Gone
            && let Err(error) = queries::take_over(&self.db, self.world.now()).await
        {
            tracing::warn!(%error, "what an earlier worker has left behind is taken over when its leases end");
        }
    }

    fn bench(&self, cut: CancellationToken) -> Bench {
        Bench { db: self.db.clone(), world: self.world.clone(), pace: self.pace, cut }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::{Deserialize, Serialize};
    use store::{Db, Writer};
    use tokio::sync::Notify;

    use super::*;
    use crate::{
        Job, JobFault, MIGRATIONS, Retry, enqueue,
        worker::{PACE, Pace},
    };

    #[derive(Serialize, Deserialize)]
    struct Call {}

    impl Job for Call {
        const NAME: &'static str = "test.call";
        const RETRY: Retry = Retry { attempts_max: 1, first_s: 0, max_s: 0, jitter_percent: 0 };
        type Context = Arc<Notify>;

        async fn run(self, called: &Self::Context, _attempt: u32) -> Result<(), JobFault> {
            called.notify_one();
            Ok(())
        }
    }

    testkit::on_each_engine!(
        async fn a_waiting_worker_is_woken_by_a_new_job(db: Db) {
            let (world, _) = testkit::world();
            let called = Arc::new(Notify::new());
            let mut worker = Worker::new(db.clone(), world.clone()).register::<Call>(Arc::clone(&called));
            worker.pace = Pace { poll: Duration::from_secs(86_400), ..PACE };
            let mut running = JoinSet::new();
            running.spawn(worker.run(CancellationToken::new()));
            for _ in 0..5 {
                let world = world.clone();
                let asked = db.write(async move |tx: &mut Writer| {
                    enqueue(tx, &world, &Call {}, world.now(), None).await.map(|_| ())
                });
                asked.await.unwrap_or_else(|error: DbError| panic!("{error}"));
                // only a worker that would not come before tomorrow takes this long
                assert!(timeout(Duration::from_secs(60), called.notified()).await.is_ok());
            }
        },
        migrations = [MIGRATIONS]
    );
}
