//! Work that is steered: ended, held back, let run again, and how far it is.

use std::{sync::Arc, time::Duration};

use jobs::{
    Attempt, Cancelled, Job, JobFault, MIGRATIONS, Progress, Retry, State, Stop, Work, Worker, cancel,
    dead_letters, enqueue_of, find, hold, release, replay,
};
use kernel::{Id, Organisation, World};
use serde::{Deserialize, Serialize};
use store::{Db, DbError, Writer};
use testkit::{on_each_engine, world};
use tokio::{
    sync::{Mutex, Notify, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{Seen, Way, ask, due, worker};

/// Takes a step whenever it is let, says so, and ends with the third.
#[derive(Serialize, Deserialize)]
struct Steps {}

/// Which attempt, and what ended it before its time.
type Ended = (u32, Option<Stop>);

#[derive(Clone)]
struct Hall {
    db: Db,
    gate: Arc<Semaphore>,
    ended: Arc<Mutex<Vec<Ended>>>,
    stepped: Arc<Notify>,
}

impl Job for Steps {
    const NAME: &'static str = "test.steps";
    const RETRY: Retry = Retry { attempts_max: 2, first_s: 10, max_s: 10, jitter_percent: 0 };
    type Context = (Hall, Attempt);

    async fn run(self, (hall, attempt): &Self::Context, number: u32) -> Result<(), JobFault> {
        assert_eq!(number, attempt.number());
        for step in 1..=3 {
            hall.gate.acquire().await.unwrap().forget();
            let own = attempt.clone();
            let progress = Progress { done: step, of: Some(3) };
            let went = match attempt.goes_on().await {
                Ok(()) => hall.db.write(async move |tx: &mut Writer| own.progress(tx, progress).await).await,
                Err(stop) => Err(stop),
            };
            hall.stepped.notify_one();
            if let Err(stop) = went {
                hall.ended.lock().await.push((number, Some(stop.clone())));
                return Err(stop.into());
            }
        }
        hall.ended.lock().await.push((number, None));
        Ok(())
    }
}

fn owner(nth: u8) -> Id<Organisation> {
    Id::from_bytes([nth; 16])
}

fn hall(db: &Db) -> Hall {
    let gate = Arc::new(Semaphore::new(0));
    Hall { db: db.clone(), gate, ended: Arc::default(), stepped: Arc::default() }
}

fn walker(hall: &Hall, world: &World) -> Worker {
    let own = hall.clone();
    let worker = Worker::new(hall.db.clone(), world.clone());
    worker.register_each::<Steps>(move |attempt| (own.clone(), attempt))
}

async fn begin(db: &Db, world: &World) -> Id<kernel::Job> {
    let world = world.clone();
    let asked =
        db.write(async move |tx: &mut Writer| enqueue_of(tx, &world, owner(1), &Steps {}, world.now()).await);
    asked.await.unwrap_or_else(|error: DbError| panic!("{error}"))
}

async fn work(db: &Db, id: Id<kernel::Job>) -> Work {
    find(&mut db.read().await.unwrap(), id).await.unwrap().unwrap()
}

/// Does something to a job in a unit of its own.
macro_rules! done {
    ($db:ident, |$tx:ident| $what:expr) => {
        $db.write(async move |$tx: &mut Writer| $what.await)
            .await
            .unwrap_or_else(|error: DbError| panic!("{error}"))
    };
}

on_each_engine!(
    async fn a_running_job_that_is_cancelled_ends_between_two_steps(db: Db) {
        let (world, _) = world();
        let hall = hall(&db);
        let id = begin(&db, &world).await;
        let mut running = JoinSet::new();
        let stop = CancellationToken::new();
        running.spawn(walker(&hall, &world).run(stop.clone()));
        hall.gate.add_permits(1);
        hall.stepped.notified().await;
        assert_eq!(work(&db, id).await.progress, Some(Progress { done: 1, of: Some(3) }));
        let now = world.now();
        assert_eq!(done!(db, |tx| cancel(tx, id, now)), Cancelled::Soon);
        hall.gate.add_permits(2);
        hall.stepped.notified().await;
        stop.cancel();
        assert!(running.join_next().await.unwrap().is_ok());
        let ended = work(&db, id).await;
        assert_eq!((ended.state, ended.attempts), (State::Cancelled, 1));
        assert_eq!(ended.progress, Some(Progress { done: 1, of: Some(3) }), "the step after was not taken");
        assert_eq!(*hall.ended.lock().await, [(1, Some(Stop::Cancelled))]);
        assert_eq!(done!(db, |tx| cancel(tx, id, now)), Cancelled::NotOpen);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_cancelled_job_whose_worker_has_died_ends_with_its_lease(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        let job = ask(&db, &world, 1, Way::Vanishing { attempts: 1 }).await;
        let mut killed = JoinSet::new();
        killed.spawn(worker(&db, &world, &seen).run(CancellationToken::new()));
        seen.until(|seen| seen.runs(1) == 1).await;
        killed.shutdown().await;
        let now = world.now();
        assert_eq!(done!(db, |tx| cancel(tx, job, now)), Cancelled::Soon);
        clock.advance(Duration::from_secs(30));
        due(&worker(&db, &world, &seen)).await;
        assert_eq!((seen.runs(1), work(&db, job).await.state), (1, State::Cancelled));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn what_a_worker_that_was_thought_dead_says_of_its_progress_counts_for_nothing(db: Db) {
        let (world, clock) = world();
        let hall = hall(&db);
        let id = begin(&db, &world).await;
        // It takes one job, and looks for no other one before that has ended.
        let (mut late, own) = (JoinSet::new(), walker(&hall, &world));
        late.spawn(async move { own.run_due().await });
        hall.gate.add_permits(1);
        hall.stepped.notified().await;
        clock.advance(Duration::from_secs(31));
        let second = hall_of(&hall);
        second.gate.add_permits(3);
        assert!(due(&walker(&second, &world)).await > 0);
        assert_eq!(*second.ended.lock().await, [(2, None)]);
        hall.gate.add_permits(1);
        assert!(late.join_next().await.unwrap().is_ok());
        assert_eq!(*hall.ended.lock().await, [(1, Some(Stop::Lost))]);
        let ended = work(&db, id).await;
        assert_eq!((ended.state, ended.progress), (State::Done, Some(Progress { done: 3, of: Some(3) })));
    },
    migrations = [MIGRATIONS]
);

/// Another process in the same database.
fn hall_of(other: &Hall) -> Hall {
    hall(&other.db)
}

on_each_engine!(
    async fn a_waiting_job_is_cancelled_or_held_back_at_once(db: Db) {
        let (world, _) = world();
        let seen = Seen::new();
        let (first, second) = (ask(&db, &world, 1, Way::Well).await, ask(&db, &world, 2, Way::Well).await);
        let now = world.now();
        assert_eq!(done!(db, |tx| cancel(tx, first, now)), Cancelled::Now);
        assert!(done!(db, |tx| hold(tx, second)) && !done!(db, |tx| hold(tx, second)));
        due(&worker(&db, &world, &seen)).await;
        assert_eq!((seen.runs(1), seen.runs(2)), (0, 0));
        assert_eq!(work(&db, second).await.state, State::Paused);
        assert!(done!(db, |tx| release(tx, second)) && !done!(db, |tx| release(tx, second)));
        due(&worker(&db, &world, &seen)).await;
        assert_eq!((seen.runs(1), seen.runs(2)), (0, 1));
        assert_eq!(work(&db, first).await.state, State::Cancelled);
        assert_eq!(done!(db, |tx| cancel(tx, second, now)), Cancelled::NotOpen);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_dead_letter_is_its_owner_s_and_runs_again_as_the_same_job(db: Db) {
        let (world, _) = world();
        let hall = hall(&db);
        let id = begin(&db, &world).await;
        assert!(!done!(db, |tx| replay(tx, id, jobs_at())), "it has not failed");
        db.execute("UPDATE job SET payload = '7' WHERE name = 'test.steps'", vec![]).await.unwrap();
        due(&walker(&hall, &world)).await;
        let mut reader = db.read().await.unwrap();
        let dead = dead_letters(&mut reader, owner(1), None, 10).await.unwrap();
        assert_eq!(dead.iter().map(|work| work.id).collect::<Vec<_>>(), [id]);
        let why = dead.first().and_then(|dead| dead.last_error.as_deref());
        assert_eq!(why, Some("the payload does not fit"));
        assert!(dead_letters(&mut reader, owner(2), None, 10).await.unwrap().is_empty());
        assert!(dead_letters(&mut reader, owner(1), Some(id), 10).await.unwrap().is_empty());
        drop(reader);
        db.execute("UPDATE job SET payload = '{}' WHERE name = 'test.steps'", vec![]).await.unwrap();
        let now = world.now();
        assert!(done!(db, |tx| replay(tx, id, now)) && !done!(db, |tx| replay(tx, id, now)));
        hall.gate.add_permits(3);
        due(&walker(&hall, &world)).await;
        let ended = work(&db, id).await;
        assert_eq!((ended.state, ended.attempts, ended.replays), (State::Done, 1, 1));
    },
    migrations = [MIGRATIONS]
);

fn jobs_at() -> kernel::Timestamp {
    kernel::Timestamp::from_seconds(0)
}
