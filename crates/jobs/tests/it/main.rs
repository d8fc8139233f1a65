//! The queue as its callers see it, on each engine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "all of this is tests, also what stands outside their functions"
)]

mod ask;
mod attempt;
mod control;
mod house;
mod schedule;
mod worker;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use jobs::{Job, JobFault, Retry, Worker, enqueue};
use kernel::{Id, Timestamp, World};
use serde::{Deserialize, Serialize};
use store::{Db, DbError, Writer, binds};
use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};

/// What a test sees of the jobs that ran.
#[derive(Clone)]
struct Seen {
    runs: Arc<Mutex<BTreeMap<u32, u32>>>,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    ran: Arc<Notify>,
    gate: Arc<Semaphore>,
}

impl Seen {
    fn new() -> Self {
        let number = Arc::<AtomicUsize>::default;
        let gate = Arc::new(Semaphore::new(0));
        Self { runs: Arc::default(), now: number(), most: number(), ran: Arc::default(), gate }
    }

    fn runs(&self, of: u32) -> u32 {
        self.runs.lock().unwrap().get(&of).copied().unwrap_or(0)
    }

    async fn until(&self, done: impl Fn(&Self) -> bool) {
        let watch = async {
            while !done(self) {
                self.ran.notified().await;
            }
        };
        assert!(timeout(Duration::from_secs(60), watch).await.is_ok(), "waited in vain");
    }
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq)]
enum Way {
    Well,
    Badly {
        after_s: Option<u64>,
    },
    Fatally,
    Panicking,
    /// Waits at the gate, then does badly the first time and well later.
    Gated,
    /// Never comes back from the first so many attempts.
    Vanishing {
        attempts: u32,
    },
}

#[derive(Serialize, Deserialize, Clone, Copy)]
struct Errand {
    number: u32,
    way: Way,
}

impl Job for Errand {
    const NAME: &'static str = "test.errand";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 10, max_s: 60, jitter_percent: 0 };
    type Context = Seen;

    async fn run(self, seen: &Seen, attempt: u32) -> Result<(), JobFault> {
        let now = seen.now.fetch_add(1, SeqCst) + 1;
        seen.most.fetch_max(now, SeqCst);
        *seen.runs.lock().unwrap().entry(self.number).or_default() += 1;
        seen.ran.notify_one();
        let outcome = match self.way {
            Way::Well => Ok(()),
            Way::Badly { after_s } => Err(JobFault::Again { why: "no answer".to_owned(), after_s }),
            Way::Fatally => Err(JobFault::dead("no such thing")),
            Way::Panicking => panic!("hunter2"),
            Way::Vanishing { attempts } if attempt <= attempts => std::future::pending().await,
            Way::Vanishing { .. } => Ok(()),
            Way::Gated => {
                seen.gate.acquire().await.unwrap().forget();
                if attempt == 1 { Err(JobFault::again("the late worker's word")) } else { Ok(()) }
            }
        };
        seen.now.fetch_sub(1, SeqCst);
        outcome
    }
}

fn worker(db: &Db, world: &World, seen: &Seen) -> Worker {
    Worker::new(db.clone(), world.clone()).register::<Errand>(seen.clone()).by_schedule::<Errand>()
}

async fn ask_at(
    db: &Db,
    world: &World,
    errand: Errand,
    at: Timestamp,
    key: Option<&'static str>,
) -> Id<kernel::Job> {
    let world = world.clone();
    let asked = db.write(async move |tx: &mut Writer| enqueue(tx, &world, &errand, at, key).await);
    asked.await.unwrap_or_else(|error: DbError| panic!("{error}"))
}

async fn ask(db: &Db, world: &World, number: u32, way: Way) -> Id<kernel::Job> {
    ask_at(db, world, Errand { number, way }, world.now(), None).await
}

#[derive(Debug, PartialEq)]
struct Row {
    state: String,
    attempts: i64,
    last_error: Option<String>,
}

async fn row(db: &Db, job: Id<kernel::Job>) -> Row {
    let sql = "SELECT state, attempts, last_error FROM job WHERE id = $1";
    let (state, attempts, last_error) = db.read().await.unwrap().one(sql, binds![job]).await.unwrap();
    Row { state, attempts, last_error }
}

fn is(state: &str, attempts: i64, last_error: Option<&str>) -> Row {
    Row { state: state.to_owned(), attempts, last_error: last_error.map(str::to_owned) }
}

/// Runs what is due; the first time in an hour that includes the worker's own housekeeping.
async fn due(worker: &Worker) -> usize {
    worker.run_due().await.unwrap()
}
