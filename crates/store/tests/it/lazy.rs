//! Writes that nobody waits for.

use std::time::{Duration, Instant};

use store::{Db, Reader, binds};
use testkit::on_each_engine;

use crate::schema::MIGRATIONS;

const INSERT: &str = "INSERT INTO record (id, body) VALUES ($1, $2)";

async fn records(db: &Db) -> i64 {
    let count = async |tx: &mut Reader| tx.one::<(i64,)>("SELECT count(*) FROM record", binds![]).await;
    db.scan(count).await.unwrap().0
}

on_each_engine!(
    async fn a_flush_makes_them_durable(db: Db) {
        for number in 0..50_u8 {
            db.write_lazy(INSERT, binds![[number; 16], "a"]);
        }
        db.flush_lazy().await.unwrap();
        assert_eq!((records(&db).await, db.lazy_dropped()), (50, 0));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn they_are_committed_without_being_asked_for(db: Db) {
        db.write_lazy(INSERT, binds![[1_u8; 16], "a"]);
        let began = Instant::now();
        while records(&db).await == 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "never committed");
        }
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_wrong_one_is_counted_and_hurts_no_other(db: Db) {
        db.write_lazy(INSERT, binds![[1_u8; 16], "a"]);
        db.write_lazy(INSERT, binds![[1_u8; 16], "the same key"]);
        db.write_lazy(INSERT, binds![[2_u8; 16], "b"]);
        db.flush_lazy().await.unwrap();
        assert_eq!((records(&db).await, db.lazy_dropped()), (2, 1));
    },
    migrations = [MIGRATIONS]
);
