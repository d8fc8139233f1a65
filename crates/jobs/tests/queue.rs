//! The queue as its callers see it, on each engine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "all of this is tests, also what stands outside their functions"
)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use jobs::{Job, JobFault, MIGRATIONS, Retry, Worker, enqueue, publish};
use kernel::{Event, Id, Timestamp, World};
use serde::{Deserialize, Serialize};
use store::{Db, DbError, Writer, binds};
use testkit::{on_each_engine, world, world_seeded};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

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
    Worker::new(db.clone(), world.clone()).register::<Errand>(seen.clone())
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

on_each_engine!(
    async fn a_job_exists_only_if_its_cause_does(db: Db) {
        let (world, _) = world();
        let (seen, owned) = (Seen::new(), world.clone());
        let undone: Result<(), DbError> = db
            .write(async move |tx: &mut Writer| {
                enqueue(tx, &owned, &Errand { number: 1, way: Way::Well }, owned.now(), None).await?;
                Err(DbError::Conflict)
            })
            .await;
        assert!(undone.is_err());
        due(&worker(&db, &world, &seen)).await;
        assert_eq!(seen.runs(1), 0);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_job_runs_once_and_not_before_its_time(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        let worker = worker(&db, &world, &seen);
        let later = world.now() + Duration::from_secs(60);
        let job = ask_at(&db, &world, Errand { number: 1, way: Way::Well }, later, None).await;
        due(&worker).await;
        assert_eq!((seen.runs(1), row(&db, job).await), (0, is("ready", 0, None)));
        clock.advance(Duration::from_secs(60));
        assert_eq!((due(&worker).await, due(&worker).await), (1, 0));
        assert_eq!((seen.runs(1), row(&db, job).await), (1, is("done", 1, None)));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_failing_job_is_tried_again_and_then_dead_with_the_reason(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        let worker = worker(&db, &world, &seen);
        let job = ask(&db, &world, 1, Way::Badly { after_s: None }).await;
        for (attempt, pause) in [(1, 10), (2, 20)] {
            due(&worker).await;
            assert_eq!(row(&db, job).await, is("ready", attempt, Some("no answer")));
            clock.advance(Duration::from_secs(pause - 1));
            assert_eq!(due(&worker).await, 0, "not before the pause is over");
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(due(&worker).await, 1);
        assert_eq!(row(&db, job).await, is("dead", 3, Some("no answer")));
        clock.advance(Duration::from_secs(3_000));
        assert_eq!(seen.runs(1), 3);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn what_the_other_side_asked_for_is_waited_for(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        let worker = worker(&db, &world, &seen);
        ask(&db, &world, 1, Way::Badly { after_s: Some(90) }).await;
        due(&worker).await;
        clock.advance(Duration::from_secs(89));
        assert_eq!(due(&worker).await, 0);
        clock.advance(Duration::from_secs(1));
        assert_eq!(due(&worker).await, 1);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_fatal_job_and_an_unreadable_one_are_dead_at_once(db: Db) {
        let (world, _) = world();
        let seen = Seen::new();
        let fatal = ask(&db, &world, 1, Way::Fatally).await;
        let unreadable = ask(&db, &world, 2, Way::Well).await;
        db.execute("UPDATE job SET payload = '{\"number\":\"hunter2\"}' WHERE id = $1", binds![unreadable])
            .await
            .unwrap();
        due(&worker(&db, &world, &seen)).await;
        assert_eq!(row(&db, fatal).await, is("dead", 1, Some("no such thing")));
        assert_eq!(row(&db, unreadable).await, is("dead", 1, Some("the payload does not fit")));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_panic_is_a_failed_attempt_and_nobody_else_s_trouble(db: Db) {
        let (world, _) = world();
        let seen = Seen::new();
        let panicking = ask(&db, &world, 1, Way::Panicking).await;
        let other = ask(&db, &world, 2, Way::Well).await;
        due(&worker(&db, &world, &seen)).await;
        assert_eq!(row(&db, panicking).await, is("ready", 1, Some("the job panicked")));
        assert_eq!(row(&db, other).await, is("done", 1, None));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_key_stands_for_one_unfinished_job(db: Db) {
        let (world, _) = world();
        let seen = Seen::new();
        let errand = Errand { number: 1, way: Way::Well };
        let first = ask_at(&db, &world, errand, world.now(), Some("key")).await;
        assert_eq!(ask_at(&db, &world, errand, world.now(), Some("key")).await, first);
        assert_ne!(ask_at(&db, &world, errand, world.now(), Some("other key")).await, first);
        due(&worker(&db, &world, &seen)).await;
        assert_eq!(seen.runs(1), 2);
        assert_ne!(
            ask_at(&db, &world, errand, world.now(), Some("key")).await,
            first,
            "the first one is finished"
        );
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_payload_over_the_limit_undoes_its_cause(db: Db) {
        #[derive(Serialize, Deserialize)]
        struct Large(String);
        impl Job for Large {
            const NAME: &'static str = "test.large";
            const RETRY: Retry = Errand::RETRY;
            type Context = ();
            async fn run(self, (): &(), _attempt: u32) -> Result<(), JobFault> {
                Ok(())
            }
        }
        let (world, _) = world();
        let refused: Result<_, DbError> = db
            .write(async move |tx: &mut Writer| {
                enqueue(tx, &world, &Large("x".repeat(jobs::PAYLOAD_BYTES_MAX)), world.now(), None).await
            })
            .await;
        assert!(matches!(refused, Err(DbError::Check { .. })));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_periodic_job_begins_once_per_period_over_all_nodes(db: Db) {
        let (one, clock) = world();
        let (other, other_clock) = world_seeded(1);
        let seen = Seen::new();
        let node = |world: &World| {
            worker(&db, world, &seen)
                .every(Duration::from_secs(600), |_| Errand { number: 7, way: Way::Well })
        };
        let (here, there) = (node(&one), node(&other));
        for round in 1..=3 {
            due(&here).await;
            due(&there).await;
            due(&here).await;
            assert_eq!(seen.runs(7), round);
            clock.advance(Duration::from_secs(600));
            other_clock.advance(Duration::from_secs(600));
        }
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_killed_worker_s_job_is_taken_over_after_its_lease(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        let job = ask(&db, &world, 1, Way::Vanishing { attempts: 1 }).await;
        let mut killed = JoinSet::new();
        killed.spawn(worker(&db, &world, &seen).run(CancellationToken::new()));
        seen.until(|seen| seen.runs(1) == 1).await;
        killed.shutdown().await;
        let taker = worker(&db, &world, &seen);
        due(&taker).await;
        assert_eq!((seen.runs(1), row(&db, job).await), (1, is("running", 1, None)), "the lease still holds");
        clock.advance(Duration::from_secs(30));
        due(&taker).await;
        assert_eq!((seen.runs(1), row(&db, job).await), (2, is("done", 2, None)));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_worker_that_was_thought_dead_cannot_change_the_outcome(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        let job = ask(&db, &world, 1, Way::Gated).await;
        let stop = CancellationToken::new();
        let mut late = JoinSet::new();
        late.spawn(worker(&db, &world, &seen).run(stop.clone()));
        seen.until(|seen| seen.runs(1) == 1).await;
        // the late worker is told to stop first, so that it does not take its own job over
        stop.cancel();
        clock.advance(Duration::from_secs(31));
        let second = worker(&db, &world, &seen);
        let overtaking = async {
            seen.until(|seen| seen.runs(1) == 2).await;
            seen.gate.add_permits(2);
        };
        tokio::join!(due(&second), overtaking);
        assert!(late.join_next().await.unwrap().is_ok());
        assert_eq!(row(&db, job).await, is("done", 2, None), "the late worker's failure is not written down");
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_job_that_kills_its_worker_every_time_ends_up_dead(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        let job = ask(&db, &world, 1, Way::Vanishing { attempts: 9 }).await;
        for run in 1..=3 {
            let mut killed = JoinSet::new();
            killed.spawn(worker(&db, &world, &seen).run(CancellationToken::new()));
            seen.until(|seen| seen.runs(1) == run).await;
            killed.shutdown().await;
            clock.advance(Duration::from_secs(30));
        }
        due(&worker(&db, &world, &seen)).await;
        assert_eq!(seen.runs(1), 3);
        assert_eq!(row(&db, job).await, is("dead", 4, Some("the worker vanished during the last attempt")));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn no_more_jobs_run_at_once_than_were_allowed(db: Db) {
        let (world, _) = world();
        let seen = Seen::new();
        for number in 0..6 {
            ask(&db, &world, number, Way::Gated).await;
        }
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(worker(&db, &world, &seen).concurrency(2).run(stop.clone()));
        let begun = |seen: &Seen| seen.runs.lock().unwrap().len();
        for most in [2, 4, 6] {
            seen.until(|seen| begun(seen) == most).await;
            seen.gate.add_permits(2);
        }
        stop.cancel();
        assert!(running.join_next().await.unwrap().is_ok());
        assert_eq!(seen.most.load(SeqCst), 2);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn many_workers_run_every_job_once(db: Db) {
        let (world, _) = world();
        let seen = Seen::new();
        for number in 0..60 {
            ask(&db, &world, number, Way::Well).await;
        }
        let stop = CancellationToken::new();
        let mut workers = JoinSet::new();
        for seed in 1..=4 {
            workers.spawn(worker(&db, &world_seeded(seed).0, &seen).run(stop.clone()));
        }
        seen.until(|seen| seen.runs.lock().unwrap().len() == 60).await;
        stop.cancel();
        while workers.join_next().await.is_some() {}
        assert!((0..60).all(|number| seen.runs(number) == 1));
        let sql = "SELECT COUNT(*) FROM job WHERE name = 'test.errand' AND state = 'done' AND attempts = 1";
        let (done,): (i64,) = db.read().await.unwrap().one(sql, binds![]).await.unwrap();
        assert_eq!(done, 60);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn finished_rows_and_old_events_are_let_go(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        let worker = worker(&db, &world, &seen);
        let (done, dead) = (ask(&db, &world, 1, Way::Well).await, ask(&db, &world, 2, Way::Fatally).await);
        let later = world.now() + Duration::from_secs(200 * 86_400);
        let waiting = ask_at(&db, &world, Errand { number: 3, way: Way::Well }, later, None).await;
        let owned = world.clone();
        let told: Result<(), DbError> = db
            .write(async move |tx: &mut Writer| {
                let organisation = Id::from_bytes([1; 16]);
                let data = serde_json::json!({ "integration": "integration-1" });
                let event = Event { organisation, name: "connection.linked", subject: "x".to_owned(), data };
                publish(tx, &owned, &event).await
            })
            .await;
        told.unwrap();
        due(&worker).await;
        let left = async || {
            let sql =
                "SELECT (SELECT COUNT(*) FROM job WHERE id IN ($1, $2, $3)), (SELECT COUNT(*) FROM event)";
            db.read().await.unwrap().one::<(i64, i64)>(sql, binds![done, dead, waiting]).await.unwrap()
        };
        for (days, jobs_and_events) in [(6, (3, 1)), (2, (2, 1)), (83, (1, 0))] {
            clock.advance(Duration::from_secs(days * 86_400));
            due(&worker).await;
            assert_eq!(left().await, jobs_and_events, "after {days} more days");
        }
        assert_eq!(row(&db, waiting).await, is("ready", 0, None));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn an_event_is_told_if_and_only_if_it_happened(db: Db) {
        let (world, _) = world();
        for happens in [false, true] {
            let owned = world.clone();
            let outcome: Result<(), DbError> = db
                .write(async move |tx: &mut Writer| {
                    let data = serde_json::json!({ "scopes": "sleep" });
                    let organisation = Id::from_bytes([1; 16]);
                    let event =
                        Event { organisation, name: "connection.linked", subject: "x".to_owned(), data };
                    publish(tx, &owned, &event).await?;
                    if happens { Ok(()) } else { Err(DbError::Conflict) }
                })
                .await;
            assert_eq!(outcome.is_ok(), happens);
        }
        let sql = "SELECT name, subject, data, at FROM event";
        let told: (String, String, String, Timestamp) =
            db.read().await.unwrap().one(sql, binds![]).await.unwrap();
        let (name, subject, data, at) = told;
        assert_eq!(
            (name.as_str(), subject.as_str(), data.as_str()),
            ("connection.linked", "x", r#"{"scopes":"sleep"}"#)
        );
        assert_eq!(at, world.now());
    },
    migrations = [MIGRATIONS]
);
