//! Workers beside each other, one after the other, and dying.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use jobs::MIGRATIONS;
use store::{Db, binds};
use testkit::{on_each_engine, world, world_seeded};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Seen, Way, ask, due, is, row, worker};

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
    async fn a_worker_that_is_alone_waits_for_no_lease(db: Db) {
        let (world, _) = world();
        let seen = Seen::new();
        let job = ask(&db, &world, 1, Way::Vanishing { attempts: 1 }).await;
        let mut running = JoinSet::new();
        running.spawn(worker(&db, &world, &seen).run(CancellationToken::new()));
        seen.until(|seen| seen.runs(1) == 1).await;
        running.shutdown().await;
        let stop = CancellationToken::new();
        running.spawn(worker(&db, &world, &seen).alone().run(stop.clone()));
        // The clock stands still: a lease would hold for ever.
        seen.until(|seen| seen.runs(1) == 2).await;
        stop.cancel();
        assert!(running.join_next().await.unwrap().is_ok());
        assert_eq!(row(&db, job).await, is("done", 2, None));
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
