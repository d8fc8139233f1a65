//! One attempt at one job: run it, give signs of life, write down what came of it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use kernel::World;
use store::{Db, DbError};
use tokio::time::{Instant, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::{ATTEMPT_MAX, HEARTBEAT, Kind, LEASE};
use crate::{
    JobFault,
    queries::{self, Claimed, Lease},
    retry::{Next, next},
};

/// What an attempt needs besides the job.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) db: Db,
    pub(super) world: World,
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
    let Claimed { lease, payload, attempt } = claimed;
    let end = if attempt > kind.retry.attempts_max {
        End::Came(Err(JobFault::dead("the worker vanished during the last attempt")))
    } else {
        tokio::select! {
            biased;
            came = guarded(&kind, &payload, attempt) => End::Came(came),
            () = bench.cut.cancelled() => End::Cut,
            () = lost(&bench, lease) => End::Lost,
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
async fn guarded(kind: &Kind, payload: &str, attempt: u32) -> Result<(), JobFault> {
    let work = async { (kind.start)(payload, attempt)?.await };
    match timeout(ATTEMPT_MAX, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(came)) => came,
        // the panic's own words may hold data
        Ok(Err(_)) => Err(JobFault::again("the job panicked")),
        Err(_) => Err(JobFault::again(format!("not finished within {} s", ATTEMPT_MAX.as_secs()))),
    }
}

/// Gives signs of life; returns when the job is no longer ours.
async fn lost(bench: &Bench, lease: Lease) {
    let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    let mut until = bench.world.now() + LEASE;
    loop {
        beat.tick().await;
        let now = bench.world.now();
        let later = now + LEASE;
        match queries::extend(&bench.db, lease, later).await {
            Ok(true) => until = later,
            Ok(false) => return,
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
