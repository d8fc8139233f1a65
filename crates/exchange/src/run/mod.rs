//! Runs of a sync: begun by somebody or by the clock, gone on with by a job until the source has nothing more, and counted.

mod begin;
mod end;
mod fault;
mod go;
mod known;
mod left;
mod page;
mod queries;
mod recheck;
mod revive;
mod schedule;
mod unit;

use jobs::Worker;
use kernel::{Id, IdKind, Integration, Job, Organisation, Timestamp};
use watch::line::Numbers;

use crate::Exchange;

pub use begin::{begin, retry};
pub use end::cancel;
pub use fault::RunFault;
pub use queries::{find, last_took_s, latest};
pub use revive::revive;
pub use schedule::{schedule, unschedule};

pub(crate) use known::pieces;
pub(crate) use page::{digest, received};
pub(crate) use queries::{anybodys, known, of_integration, remember};

/// Pages of one attempt; then the run goes on as another row of the queue, behind what others wait for.
pub const PAGES_OF_AN_ATTEMPT: usize = 64;
/// Records that a full run did not come across and that are asked for in one step.
pub const RECHECKED_AT_ONCE: i64 = 50;
/// Runs of one look after those that nobody goes on with.
pub const WATCHED_AT_ONCE: i64 = 200;

/// A run of a sync.
#[derive(Debug, Clone, Copy)]
pub enum SyncRun {}
impl IdKind for SyncRun {
    const NAME: &'static str = "sync_run";
}

/// What is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All there is; what is gone at the source is deleted.
    Full,
    /// What changed since the run before.
    Incremental,
}

impl Extent {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No worker has begun it.
    Queued,
    /// It is under way.
    Running,
    /// All that the source had is dealt with.
    Done,
    /// It has failed for good.
    Failed,
    /// Somebody has ended it.
    Cancelled,
}

impl State {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The reconciliation report: what came in, and what became of it. `received` is the sum of the others, which the database checks with
/// every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Records and deletions that came in.
    pub received: i64,
    /// Written as a next version.
    pub stored: i64,
    /// As it was already.
    pub unchanged: i64,
    /// Not taken, and kept with the reason.
    pub quarantined: i64,
    /// Gone at the source, and deleted.
    pub deleted: i64,
}

impl Counts {
    /// The same for a line of the integration's log.
    pub(crate) fn numbers(self) -> Numbers {
        Numbers {
            records_processed: Some(self.received),
            stored: Some(self.stored),
            unchanged: Some(self.unchanged),
            quarantined: Some(self.quarantined),
            deleted: Some(self.deleted),
            ..Numbers::default()
        }
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: Id<SyncRun>,
    /// Of which integration.
    pub integration: Id<Integration>,
    /// Whose that is.
    pub organisation: Id<Organisation>,
    /// The row of the queue that goes on with it.
    pub job: Id<Job>,
    /// What is pulled.
    pub extent: Extent,
    /// What it is doing.
    pub state: State,
    /// What became of what came in, so far.
    pub counts: Counts,
    /// Why it failed.
    pub why: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    pub(crate) phase: Phase,
    pub(crate) step: i64,
}

/// What a step of a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It pulls a page.
    Pull,
    /// It asks for records that a full run did not come across.
    Recheck,
}

impl Phase {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Recheck => "recheck",
        }
    }
}

/// What happens by itself.
pub(crate) fn jobs(exchange: &Exchange, worker: Worker) -> Worker {
    let own = exchange.clone();
    worker
        .register_each::<go::Sync>(move |attempt| (own.clone(), attempt))
        .register::<schedule::Scheduled>(exchange.clone())
        .by_schedule::<schedule::Scheduled>()
        .register::<left::Watch>(exchange.clone())
        .every(left::PERIOD, |_| left::Watch {})
}
