//! What happens again and again, over all nodes once.

use std::time::Duration;

use jobs::{MIGRATIONS, Schedule, Worker, pause, resume, schedule, scheduled, unschedule};
use kernel::{Id, Integration, Organisation, World};
use store::{Db, DbError, Writer};
use testkit::{on_each_engine, world, world_seeded};

use crate::{Errand, Seen, Way, due, worker};

const SUBJECT: Id<Integration> = Id::from_bytes([7; 16]);

async fn keep(db: &Db, world: &World, text: &'static str) {
    let world = world.clone();
    let kept = db.write(async move |tx: &mut Writer| {
        let owner: Id<Organisation> = Id::from_bytes([1; 16]);
        let (errand, when): (_, Schedule) = (Errand { number: 1, way: Way::Well }, text.parse().unwrap());
        schedule(tx, (owner, SUBJECT), (&errand, &when), world.now()).await
    });
    kept.await.unwrap_or_else(|error: DbError| panic!("{error}"));
}

async fn all_due(workers: &[Worker]) {
    for worker in workers {
        due(worker).await;
    }
}

on_each_engine!(
    async fn a_schedule_begins_one_job_each_time_over_all_nodes(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        keep(&db, &world, "every 4 hours").await;
        let other = kernel::World::new(clock.clone(), testkit::SeededEntropy::new(5));
        let workers = [worker(&db, &world, &seen), worker(&db, &other, &seen)];
        all_due(&workers).await;
        assert_eq!(seen.runs(1), 0);
        for runs in 1..=3 {
            clock.advance(Duration::from_secs(4 * 3_600));
            let (one, two) = tokio::join!(workers[0].run_due(), workers[1].run_due());
            assert!(one.is_ok() && two.is_ok());
            all_due(&workers).await;
            assert_eq!(seen.runs(1), runs);
        }
        // Slept through for a day: that is one.
        clock.advance(Duration::from_secs(24 * 3_600));
        all_due(&workers).await;
        assert_eq!(seen.runs(1), 4);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_paused_schedule_begins_nothing_and_goes_on_from_now(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        keep(&db, &world, "daily at 09:00 UTC").await;
        let node = worker(&db, &world, &seen);
        let now = world.now();
        let paused = async move |tx: &mut Writer| pause::<Errand, _>(tx, SUBJECT, now).await;
        assert!(db.write::<bool, DbError, _>(paused).await.unwrap());
        assert!(!db.write::<bool, DbError, _>(paused).await.unwrap());
        clock.advance(Duration::from_secs(3 * 86_400));
        due(&node).await;
        assert_eq!(seen.runs(1), 0);
        let now = world.now();
        let resumed = async move |tx: &mut Writer| resume::<Errand, _>(tx, SUBJECT, now).await;
        assert!(db.write::<bool, DbError, _>(resumed).await.unwrap());
        due(&node).await;
        assert_eq!(seen.runs(1), 0, "what was left out stays left out");
        let kept = scheduled::<Errand, _>(&mut db.read().await.unwrap(), SUBJECT).await.unwrap().unwrap();
        assert_eq!(kept.next_at.unwrap().to_string(), "2026-01-08T09:00:00.000000Z");
        clock.advance(Duration::from_secs(3_600));
        due(&node).await;
        assert_eq!(seen.runs(1), 1);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_schedule_that_is_changed_or_taken_away_is_no_more(db: Db) {
        let (world, clock) = world();
        let seen = Seen::new();
        let node = worker(&db, &world, &seen);
        keep(&db, &world, "hourly").await;
        keep(&db, &world, "manual").await;
        clock.advance(Duration::from_secs(86_400));
        due(&node).await;
        assert_eq!(seen.runs(1), 0);
        keep(&db, &world, "hourly").await;
        let gone = async move |tx: &mut Writer| unschedule::<Errand, _>(tx, SUBJECT).await;
        assert!(db.write::<bool, DbError, _>(gone).await.unwrap());
        assert!(!db.write::<bool, DbError, _>(gone).await.unwrap());
        clock.advance(Duration::from_secs(86_400));
        due(&node).await;
        assert_eq!(seen.runs(1), 0);
        assert!(scheduled::<Errand, _>(&mut db.read().await.unwrap(), SUBJECT).await.unwrap().is_none());
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_schedule_of_work_that_this_node_does_not_know_waits_for_one_that_does(db: Db) {
        let (world, clock) = world();
        keep(&db, &world, "hourly").await;
        clock.advance(Duration::from_secs(3_600));
        let stranger = Worker::new(db.clone(), world_seeded(9).0);
        stranger.run_due().await.unwrap();
        let seen = Seen::new();
        due(&worker(&db, &world, &seen)).await;
        assert_eq!(seen.runs(1), 1);
    },
    migrations = [MIGRATIONS]
);
