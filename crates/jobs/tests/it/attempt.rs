//! What becomes of a job by how its attempts end.

use std::time::Duration;

use jobs::MIGRATIONS;
use store::{Db, binds};
use testkit::{on_each_engine, world};

use crate::{Errand, Seen, Way, ask, ask_at, due, is, row, worker};

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
