//! What an attempt knows of its row: whether it still holds it, whether it is to end, how far it is.

use std::sync::Arc;

use kernel::{Id, Job as JobKind, Timestamp};
use store::{Db, DbError, Reader, Writer, binds};
use tokio_util::sync::CancellationToken;

use crate::{JobFault, Progress, queries::Lease};

/// Why an attempt goes no further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Somebody has ended the job.
    #[error("it was cancelled")]
    Cancelled,
    /// Another worker has it by now: what this one would still do, that one does.
    #[error("another worker has taken it over")]
    Lost,
    /// That cannot be told.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Stop> for JobFault {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::dead("it was cancelled"),
            Stop::Lost => Self::again("another worker has taken it over"),
            Stop::Db(fault) => fault.into(),
        }
    }
}

/// An attempt under way, for the work that makes it. Clones are the same attempt.
#[derive(Debug, Clone)]
pub struct Attempt(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    lease: Lease,
    number: u32,
    told: CancellationToken,
}

impl Attempt {
    pub(crate) fn new(db: Db, (lease, number): (Lease, u32), told: CancellationToken) -> Self {
        Self(Arc::new(Inner { db, lease, number, told }))
    }

    /// The job.
    pub fn job(&self) -> Id<JobKind> {
        self.0.lease.job
    }

    /// Which attempt it is, from 1.
    pub fn number(&self) -> u32 {
        self.0.number
    }

    /// Returns when the job is to end: heard with a sign of life, every few seconds. For what waits long within a step.
    pub async fn cancelled(&self) {
        self.0.told.cancelled().await;
    }

    /// Whether the next step may begin. To be asked between two of them.
    ///
    /// # Errors
    /// [`Stop`].
    pub async fn goes_on(&self) -> Result<(), Stop> {
        self.holds(&mut self.0.db.read().await?).await
    }

    /// The same as part of a unit, so that nothing of it is kept if the job is another worker's by now.
    ///
    /// # Errors
    /// [`Stop`].
    pub async fn holds(&self, reader: &mut Reader) -> Result<(), Stop> {
        let Lease { job, fence } = self.0.lease;
        let sql = "SELECT cancel_at FROM job WHERE id = $1 AND state = 'running' AND fence = $2";
        match reader.optional::<(Option<Timestamp>,)>(sql, binds![job, fence]).await? {
            None => Err(Stop::Lost),
            Some((Some(_),)) => Err(Stop::Cancelled),
            Some((None,)) => Ok(()),
        }
    }

    /// Say how far it is, in the unit that makes it so.
    ///
    /// # Errors
    /// [`Stop`], as of [`Attempt::holds`].
    pub async fn progress(&self, tx: &mut Writer, Progress { done, of }: Progress) -> Result<(), Stop> {
        let Lease { job, fence } = self.0.lease;
        let sql = "UPDATE job SET progress_done = $3, progress_of = $4 \
                   WHERE id = $1 AND state = 'running' AND fence = $2 RETURNING cancel_at";
        match tx.optional::<(Option<Timestamp>,)>(sql, binds![job, fence, done, of]).await? {
            None => Err(Stop::Lost),
            Some((Some(_),)) => Err(Stop::Cancelled),
            Some((None,)) => Ok(()),
        }
    }
}
