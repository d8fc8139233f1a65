//! Asking for work and telling of events, in the transaction of the cause.

use jobs::{Job, JobFault, MIGRATIONS, Retry, enqueue, publish};
use kernel::{Event, Id, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Db, DbError, Writer, binds};
use testkit::{on_each_engine, world};

use crate::{Errand, Seen, Way, ask_at, due, worker};

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
