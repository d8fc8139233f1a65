//! A worker: what it can run, and how much of it at a time.

mod attempt;
mod claim;
mod run;
mod schedule;

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use kernel::{Timestamp, World};
use store::{Db, DbError};

use crate::{
    Attempt, Job, JobFault, Retry,
    enqueue::payload,
    retire::{self, Retire},
};

/// How many jobs a worker runs at the same time, unless it is told otherwise.
const CONCURRENCY: usize = 16;

/// How many jobs of one kind are claimed at once, so that one kind cannot keep all others waiting.
const BATCH_MAX: usize = 8;

/// How long a claim lasts without a sign of life: whoever looks for it then has begun within 30 s of a worker's death.
const LEASE: Duration = Duration::from_secs(25);

/// How long things take that are waited for by the machine's clock rather than the world's.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// How often a worker looks for work that nobody told it of.
    poll: Duration,
    /// How often a running job gives a sign of life: three times a lease.
    heartbeat: Duration,
    /// The longest that one attempt may take.
    attempt_max: Duration,
    /// How long running jobs may go on after the worker was told to stop.
    drain: Duration,
}

const PACE: Pace = Pace {
    poll: Duration::from_secs(5),
    heartbeat: Duration::from_secs(8),
    attempt_max: Duration::from_secs(900),
    drain: Duration::from_secs(10),
};

/// One attempt under way.
type Running = Pin<Box<dyn Future<Output = Result<(), JobFault>> + Send>>;

/// Reads a payload and begins the attempt.
type Start = Box<dyn Fn(&str, Attempt) -> Result<Running, JobFault> + Send + Sync>;

/// Makes the payload for the period that begins then.
type Make = Box<dyn Fn(Timestamp) -> Result<String, DbError> + Send + Sync>;

/// A kind of job that this worker can run.
struct Kind {
    name: &'static str,
    retry: Retry,
    start: Start,
}

/// A kind of job that begins by itself, once per period over all nodes.
struct Periodic {
    name: &'static str,
    period: Duration,
    make: Make,
}

/// What is known of the workers before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Some may be alive: their leases hold.
    Alive,
    /// None is.
    Gone,
}

/// Runs jobs: those that were registered, on this node, beside any number of other workers.
pub struct Worker {
    db: Db,
    world: World,
    owner: [u8; 16],
    concurrency: usize,
    pace: Pace,
    /// What others have left behind when it begins.
    before: Before,
    /// Which kind is asked first: it moves on, so that under load each kind has its turn.
    turn: AtomicUsize,
    kinds: BTreeMap<&'static str, Arc<Kind>>,
    periodic: Vec<Periodic>,
    by_schedule: Vec<&'static str>,
}

impl Worker {
    /// A worker that so far only lets go of finished rows.
    pub fn new(db: Db, world: World) -> Self {
        let owner = world.random();
        let context = (db.clone(), world.clone());
        let (kinds, periodic) = (BTreeMap::new(), Vec::new());
        Self {
            db,
            world,
            owner,
            concurrency: CONCURRENCY,
            pace: PACE,
            before: Before::Alive,
            turn: AtomicUsize::new(0),
            kinds,
            periodic,
            by_schedule: Vec::new(),
        }
        .register::<Retire>(context)
        .every(retire::PERIOD, |_| Retire {})
    }

    /// Run jobs of this kind, too, with this context.
    #[must_use]
    pub fn register<J: Job>(self, context: J::Context) -> Self {
        self.register_each::<J>(move |_| context.clone())
    }

    /// The same with a context that is made for each attempt: for work of many steps, which hears through its [`Attempt`] that it is to
    /// end, and says through it how far it is.
    #[must_use]
    pub fn register_each<J: Job>(
        mut self,
        context: impl Fn(Attempt) -> J::Context + Send + Sync + 'static,
    ) -> Self {
        let start = move |payload: &str, attempt: Attempt| -> Result<Running, JobFault> {
            // serde's message would quote the payload
            let job: J =
                serde_json::from_str(payload).map_err(|_| JobFault::dead("the payload does not fit"))?;
            let number = attempt.number();
            let context = context(attempt);
            Ok(Box::pin(async move { job.run(&context, number).await }))
        };
        self.kinds.insert(J::NAME, Arc::new(Kind { name: J::NAME, retry: J::RETRY, start: Box::new(start) }));
        self
    }

    /// Begin a job of this kind once per period, on one node of all, unless the one before is still not finished.
    /// Periods are counted from the epoch; `make` is given the beginning of the period.
    #[must_use]
    pub fn every<J: Job>(
        mut self,
        period: Duration,
        make: impl Fn(Timestamp) -> J + Send + Sync + 'static,
    ) -> Self {
        let make = Box::new(move |at| payload(&make(at)));
        self.periodic.push(Periodic { name: J::NAME, period, make });
        self
    }

    /// Begin jobs of this kind whenever the schedules say that are kept of it ([`schedule`](crate::schedule())), each on one node of all.
    #[must_use]
    pub fn by_schedule<J: Job>(mut self) -> Self {
        self.by_schedule.push(J::NAME);
        self
    }

    /// It is the only one: what an earlier worker held is taken over when it begins, without waiting for leases to end. Whoever says so has
    /// made sure of it: `hilum serve` by the lock beside its SQLite file (`crates/hilum/src/serve.rs`).
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.before = Before::Gone;
        self
    }

    /// Run at most so many jobs at the same time.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs.max(1);
        self
    }
}
