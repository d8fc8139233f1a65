//! Periodic jobs and letting go of old rows.

use std::time::Duration;

use jobs::{MIGRATIONS, publish};
use kernel::{Event, Id, World};
use store::{Db, DbError, Writer, binds};
use testkit::{on_each_engine, world, world_seeded};

use crate::{Errand, Seen, Way, ask, ask_at, due, is, row, worker};

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
