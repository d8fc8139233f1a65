//! One attempt at one job: run it, give signs of life, write down what came of it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use kernel::World;
use store::{Db, DbError};
use tokio::time::{Instant, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::{Kind, LEASE, Pace};
use crate::{
    Attempt, JobFault,
    queries::{self, Claimed, Lease},
    retry::{Next, next},
};

/// What an attempt needs besides the job.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) db: Db,
    pub(super) world: World,
    pub(super) pace: Pace,
    /// Put down the tools now.
    pub(super) cut: CancellationToken,
}

/// How an attempt ended.
enum End {
    Came(Result<(), JobFault>),
    /// The job is another worker's by now; what it says about it stands.
    Lost,
    Cut,
}

/// Run one claimed job and settle it.
pub(super) async fn attempt(bench: Bench, kind: Arc<Kind>, claimed: Claimed) {
    let Claimed { lease, payload, attempt, is_cancelled } = claimed;
    let told = CancellationToken::new();
    let end = if is_cancelled {
        End::Came(Err(JobFault::dead("it was cancelled")))
    } else if attempt > kind.retry.attempts_max {
        End::Came(Err(JobFault::dead("the worker vanished during the last attempt")))
    } else {
        let own = Attempt::new(bench.db.clone(), (lease, attempt), told.clone());
        tokio::select! {
            biased;
            came = guarded(&kind, &payload, own, bench.pace.attempt_max) => End::Came(came),
            () = bench.cut.cancelled() => End::Cut,
            () = lost(&bench, lease, &told) => End::Lost,
        }
    };
    match settle(&bench, &kind, lease, attempt, end).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(job = %lease.job, name = kind.name, "the job was taken over by another worker")
        }
        Err(error) => {
            tracing::error!(job = %lease.job, name = kind.name, %error, "the outcome of a job was not saved")
        }
    }
}

/// A panic or a job without end is a failed attempt, and nobody else's trouble.
async fn guarded(kind: &Kind, payload: &str, attempt: Attempt, longest: Duration) -> Result<(), JobFault> {
    let work = async { (kind.start)(payload, attempt)?.await };
    match timeout(longest, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(came)) => came,
        // the panic's own words may hold data
        Ok(Err(_)) => Err(JobFault::again("the job panicked")),
        Err(_) => Err(JobFault::again(format!("not finished within {} s", longest.as_secs()))),
    }
}

/// Gives signs of life, and tells the attempt when the job is to end; returns when it is no longer ours.
async fn lost(bench: &Bench, lease: Lease, told: &CancellationToken) {
    let mut beat = interval_at(Instant::now() + bench.pace.heartbeat, bench.pace.heartbeat);
    let mut until = bench.world.now() + LEASE;
    loop {
        beat.tick().await;
        let now = bench.world.now();
        let later = now + LEASE;
        match queries::extend(&bench.db, lease, later).await {
            Ok(Some(cancel_at)) => {
                until = later;
                if cancel_at.is_some() {
                    told.cancel();
                }
            }
            Ok(None) => return,
            Err(_) if now >= until => return,
            Err(error) => tracing::warn!(job = %lease.job, %error, "no sign of life"),
        }
    }
}

/// Writes down what came of it; false if the job is no longer ours.
async fn settle(bench: &Bench, kind: &Kind, lease: Lease, attempt: u32, end: End) -> Result<bool, DbError> {
    let outcome = match end {
        End::Came(outcome) => outcome,
        End::Lost => return Ok(false),
        End::Cut => return queries::give_back(&bench.db, lease).await,
    };
    let now = bench.world.now();
    // What was done before it could be ended is done.
    if outcome.is_err() && queries::end(&bench.db, lease, now).await? {
        return Ok(true);
    }
    let chance = u64::from_be_bytes(bench.world.random());
    let name = kind.name;
    match next(outcome, attempt, kind.retry, chance) {
        Next::Done => queries::finish(&bench.db, lease, now).await,
        Next::Again { after, why } => {
            tracing::warn!(job = %lease.job, name, attempt, after_s = after.as_secs(), why, "a job failed, and is tried again");
            let run_at = now + after.max(Duration::from_millis(1));
            queries::postpone(&bench.db, lease, run_at, &why).await
        }
        Next::Dead { why } => {
            tracing::error!(job = %lease.job, name, attempt, why, "a job has failed for good");
            queries::bury(&bench.db, lease, now, &why).await
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use store::binds;
    use tokio::{sync::Notify, task::JoinSet};

    use super::*;
    use crate::{Job, MIGRATIONS, Retry, Worker, enqueue};

    /// Begins, says so, and never ends.
    #[derive(Serialize, Deserialize)]
    struct Endless {}

    impl Job for Endless {
        const NAME: &'static str = "test.endless";
        const RETRY: Retry = Retry { attempts_max: 2, first_s: 0, max_s: 0, jitter_percent: 0 };
        type Context = Arc<Notify>;

        async fn run(self, begun: &Self::Context, _attempt: u32) -> Result<(), JobFault> {
            begun.notify_one();
            std::future::pending().await
        }
    }

    type Row = (String, i64, Option<i64>, Option<String>);

    async fn row(db: &Db) -> Row {
        let sql = "SELECT state, attempts, lease_until, last_error FROM job WHERE name = 'test.endless'";
        db.read().await.unwrap().one(sql, binds![]).await.unwrap()
    }

    async fn begin(db: &Db, world: &World, pace: Pace) -> (Worker, Arc<Notify>) {
        let owned = world.clone();
        db.write(async move |tx: &mut store::Writer| {
            enqueue(tx, &owned, &Endless {}, owned.now(), None).await.map(|_| ())
        })
        .await
        .unwrap_or_else(|error: DbError| panic!("{error}"));
        let begun = Arc::new(Notify::new());
        let mut worker = Worker::new(db.clone(), world.clone()).register::<Endless>(Arc::clone(&begun));
        worker.pace = pace;
        (worker, begun)
    }

    const BRISK: Duration = Duration::from_millis(5);

    testkit::on_each_engine!(
        async fn a_running_job_keeps_its_lease(db: Db) {
            let (world, clock) = testkit::world();
            let pace = Pace { heartbeat: BRISK, ..crate::worker::PACE };
            let (worker, begun) = begin(&db, &world, pace).await;
            let mut running = JoinSet::new();
            running.spawn(worker.run(CancellationToken::new()));
            begun.notified().await;
            for _ in 0..5 {
                clock.advance(LEASE / 2);
                let until = (world.now() + LEASE).as_micros();
                while row(&db).await.2 != Some(until) {
                    tokio::task::yield_now().await;
                }
            }
            let (state, attempts, ..) = row(&db).await;
            assert_eq!((state.as_str(), attempts), ("running", 1));
        },
        migrations = [MIGRATIONS]
    );

    testkit::on_each_engine!(
        async fn a_worker_that_is_told_to_stop_gives_its_leases_back(db: Db) {
            let (world, _) = testkit::world();
            let pace = Pace { drain: BRISK, ..crate::worker::PACE };
            let (worker, begun) = begin(&db, &world, pace).await;
            let stop = CancellationToken::new();
            let mut running = JoinSet::new();
            running.spawn(worker.run(stop.clone()));
            begun.notified().await;
            stop.cancel();
            assert!(running.join_next().await.unwrap().is_ok());
            assert_eq!(row(&db).await, ("ready".to_owned(), 0, None, None), "the attempt does not count");
        },
        migrations = [MIGRATIONS]
    );

    testkit::on_each_engine!(
        async fn an_attempt_without_end_is_a_failed_attempt(db: Db) {
            let (world, clock) = testkit::world();
            let pace = Pace { attempt_max: BRISK, ..crate::worker::PACE };
            let (worker, _) = begin(&db, &world, pace).await;
            worker.run_due().await.unwrap();
            assert_eq!(row(&db).await.0, "ready");
            clock.advance(BRISK);
            assert_eq!(worker.run_due().await.unwrap(), 1);
            let (state, attempts, _, why) = row(&db).await;
            assert_eq!((state.as_str(), attempts), ("dead", 2));
            assert!(why.unwrap().starts_with("not finished within"));
        },
        migrations = [MIGRATIONS]
    );
}
