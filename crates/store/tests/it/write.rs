//! Units of work, reads and scans.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kernel::Timestamp;
use store::{Composed, Db, DbError, Engine, ROWS_MAX, Reader, StoreConfig, Value, Writer, binds, dialect};
use testkit::{
    engine::{POSTGRES, on, with_url},
    on_each_engine,
};

use crate::schema::{
    MIGRATIONS, PersonRow, bump, count, insert_organisation, insert_person, organisation_id, person,
    person_by_id,
};

/// A domain's fault, as callers have one.
#[derive(Debug, PartialEq)]
enum HireFault {
    TooYoung,
    Store(DbError),
}
impl From<DbError> for HireFault {
    fn from(fault: DbError) -> Self {
        Self::Store(fault)
    }
}

async fn with_clinic(db: &Db) {
    db.write(async |tx: &mut Writer| insert_organisation(tx, 1).await).await.unwrap();
}

async fn add(db: &Db, row: PersonRow) -> Result<PersonRow, DbError> {
    db.write(async move |tx| insert_person(tx, &row).await).await
}

on_each_engine!(
    async fn what_is_written_is_read_back_exactly(db: Db) {
        with_clinic(&db).await;
        let full = PersonRow {
            handle: "Zoë 🩺 ' \" % \\".into(),
            age: Some(i64::MAX),
            photo: Some((0..=255).collect()),
            is_active: false,
            made_at: Timestamp::from_micros(-1),
            ..person(1)
        };
        let empty = PersonRow { handle: String::new(), photo: Some(Vec::new()), ..person(2) };
        for row in [full, empty, person(3)] {
            assert_eq!(add(&db, row.clone()).await.unwrap(), row);
            assert_eq!(person_by_id(&mut db.read().await.unwrap(), row.id).await.unwrap(), Some(row));
        }
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_unit_is_all_or_nothing(db: Db) {
        with_clinic(&db).await;
        let refused: Result<(), HireFault> = db
            .write(async |tx: &mut Writer| {
                insert_person(tx, &person(1)).await?;
                Err(HireFault::TooYoung)
            })
            .await;
        assert_eq!(refused, Err(HireFault::TooYoung));
        let failed: Result<(), HireFault> = db
            .write(async |tx: &mut Writer| {
                insert_person(tx, &person(1)).await?;
                insert_person(tx, &PersonRow { handle: "other".into(), ..person(1) }).await?;
                Ok(())
            })
            .await;
        assert_eq!(failed, Err(HireFault::Store(DbError::Unique { constraint: "person_pkey".into() })));
        let mut reader = db.read().await.unwrap();
        assert_eq!(person_by_id(&mut reader, person(1).id).await.unwrap(), None);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_unit_reads_what_it_wrote_and_others_do_not_yet(db: Db) {
        with_clinic(&db).await;
        let outside = db.clone();
        let seen = db
            .write(async move |tx: &mut Writer| {
                insert_person(tx, &person(1)).await?;
                person_by_id(tx, person(1).id).await
            })
            .await;
        assert_eq!(seen.unwrap(), Some(person(1)));
        assert_eq!(
            person_by_id(&mut outside.read().await.unwrap(), person(1).id).await.unwrap(),
            Some(person(1))
        );
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn constraints_have_the_same_names_on_both(db: Db) {
        with_clinic(&db).await;
        add(&db, PersonRow { age: Some(40), ..person(1) }).await.unwrap();
        let twice = add(&db, PersonRow { handle: person(1).handle, ..person(2) }).await.unwrap_err();
        assert!(twice.is_unique("person_organisation_id_handle_key"), "{twice:?}");
        let same_age = add(&db, PersonRow { age: Some(40), ..person(3) }).await.unwrap_err();
        assert!(same_age.is_unique("person_one_per_age"), "{same_age:?}");
        let nobody =
            add(&db, PersonRow { organisation_id: organisation_id(9), ..person(4) }).await.unwrap_err();
        assert!(matches!(nobody, DbError::Foreign { .. }), "{nobody:?}");
        let unborn = add(&db, PersonRow { age: Some(-1), ..person(5) }).await.unwrap_err();
        assert!(matches!(unborn, DbError::Check { .. }), "{unborn:?}");
        let nameless = db
            .execute("INSERT INTO organisation (id, name) VALUES ($1, $2)", binds![[7_u8; 16], Value::Null]);
        let nameless = nameless.await.unwrap_err();
        assert!(matches!(nameless, DbError::Check { .. }), "{nameless:?}");
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_trigger_refuses_in_its_own_words(db: Db) {
        db.execute("INSERT INTO record (id, body) VALUES ($1, $2)", binds![[1_u8; 16], "a"]).await.unwrap();
        let changed = db.execute("UPDATE record SET body = $1", binds!["b"]).await;
        assert_eq!(changed, Err(DbError::Refused { why: "a record is never changed".into() }));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn faults_do_not_tell_values(db: Db) {
        with_clinic(&db).await;
        let canary = "canary-hunter2";
        add(&db, PersonRow { handle: canary.into(), ..person(1) }).await.unwrap();
        let mut faults =
            vec![add(&db, PersonRow { handle: canary.into(), ..person(2) }).await.map(drop).unwrap_err()];
        for (sql, binds) in [
            ("SELECT age FROM person WHERE age = $1", binds![canary]),
            ("SELECT CAST($1 AS BIGINT) FROM person WHERE handle = 'nobody' OR $2 = 'x'", binds![canary]),
            (
                "INSERT INTO person (id, organisation_id, handle, made_at) VALUES ($1, $2, $3, $4)",
                binds![[3_u8; 16], organisation_id(7), canary, 0_i64],
            ),
            ("INSERT INTO organisation (id, name) VALUES ($1, $2)", binds![canary, Value::Null]),
        ] {
            if let Err(fault) = db.execute(sql, binds).await {
                faults.push(fault);
            }
        }
        assert!(faults.len() >= 4, "{faults:?}");
        for fault in faults {
            assert!(!format!("{fault} {fault:?}").contains(canary), "{fault}");
        }
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn one_and_optional_count_rows(db: Db) {
        let mut reader = db.read().await.unwrap();
        let several = "SELECT 1 UNION ALL SELECT 2";
        assert!(matches!(reader.one::<(i64,)>(several, binds![]).await, Err(DbError::ManyRows { .. })));
        assert!(matches!(reader.optional::<(i64,)>(several, binds![]).await, Err(DbError::ManyRows { .. })));
        let none = "SELECT n FROM counter WHERE name = $1";
        assert!(matches!(reader.one::<(i64,)>(none, binds!["x"]).await, Err(DbError::NoRow { .. })));
        assert_eq!(reader.optional::<(i64,)>(none, binds!["x"]).await, Ok(None));
        assert_eq!(reader.all::<(i64,)>(several, binds![]).await.unwrap().len(), 2);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_list_without_end_is_a_fault(db: Db) {
        let endless = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= {ROWS_MAX}) SELECT i FROM n"
        );
        let endless: &'static str = endless.leak();
        let all = db.scan(async move |tx: &mut Reader| tx.all::<(i64,)>(endless, binds![]).await).await;
        assert!(matches!(all, Err(DbError::ManyRows { .. })));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn parameters_may_repeat_and_stand_in_any_order(db: Db) {
        let mut reader = db.read().await.unwrap();
        let sql = "SELECT CAST($3 AS TEXT), CAST($1 AS BIGINT) + CAST($1 AS BIGINT), CAST($2 AS TEXT)";
        let row: (String, i64, String) = reader.one(sql, binds![21_i64, "b", "c"]).await.unwrap();
        assert_eq!(row, ("c".into(), 42, "b".into()));
        for binds in [binds![21_i64, "b"], binds![21_i64, "b", "c", "d"]] {
            let wrong = reader.one::<(String, i64, String)>(sql, binds).await;
            assert!(matches!(wrong, Err(DbError::Bind { .. })), "{:?}", wrong.err());
        }
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn text_with_a_nul_is_refused(db: Db) {
        let wrong =
            db.execute("INSERT INTO record (id, body) VALUES ($1, $2)", binds![[1_u8; 16], "a\0b"]).await;
        assert!(matches!(wrong, Err(DbError::Bind { .. })), "{wrong:?}");
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_wrong_column_is_named(db: Db) {
        let mut reader = db.read().await.unwrap();
        let wrong = reader.one::<(i64,)>("SELECT 'x' AS y", binds![]).await;
        assert!(matches!(wrong, Err(DbError::Column { .. })), "{wrong:?}");
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_unit_that_ignores_a_failed_statement_is_not_kept(db: Db) {
        with_clinic(&db).await;
        let shrugged: Result<(), DbError> = db
            .write(async |tx: &mut Writer| {
                bump(tx, "shrug").await?;
                drop(insert_organisation(tx, 1).await);
                Ok(())
            })
            .await;
        assert!(matches!(shrugged, Err(DbError::Doomed { .. })), "{shrugged:?}");
        assert_eq!(count(&mut db.read().await.unwrap(), "shrug").await, Ok(0));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_panic_fails_only_its_unit(db: Db) {
        let panicked: Result<(), DbError> = db
            .write(async |tx: &mut Writer| {
                bump(tx, "panic").await?;
                panic!("on purpose")
            })
            .await;
        assert_eq!(panicked, Err(DbError::Panicked));
        let scanned: Result<(), DbError> = db.scan(async |_: &mut Reader| panic!("on purpose")).await;
        assert_eq!(scanned, Err(DbError::Panicked));
        assert_eq!(db.write(async |tx: &mut Writer| bump(tx, "panic").await).await, Ok(1));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn many_at_once_each_count(db: Db) {
        const WRITERS: usize = 64;
        const EACH: usize = 5;
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..WRITERS {
            let db = db.clone();
            writers.spawn(async move {
                for _ in 0..EACH {
                    // Read, then write: lost updates would show.
                    db.write(async |tx: &mut Writer| {
                        let n = count(tx, "many").await?;
                        tx.execute(
                            "INSERT INTO counter (name, part, n) VALUES ('many', 0, $1)
                             ON CONFLICT (name, part) DO UPDATE SET n = $1",
                            binds![n + 1],
                        )
                        .await
                    })
                    .await
                    .unwrap();
                }
            });
        }
        writers.join_all().await;
        assert_eq!(count(&mut db.read().await.unwrap(), "many").await, Ok((WRITERS * EACH) as i64));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn one_statement_is_a_unit_of_its_own(db: Db) {
        with_clinic(&db).await;
        let rename = "UPDATE organisation SET name = $1 WHERE id = $2";
        assert_eq!(db.execute(rename, binds!["Surgery", organisation_id(1)]).await, Ok(1));
        assert_eq!(db.execute(rename, binds!["Surgery", organisation_id(2)]).await, Ok(0));
        let claimed: Vec<(String,)> = db
            .execute_returning(
                dialect! {
                    sqlite: "UPDATE organisation SET name = $1 WHERE id IN (SELECT id FROM organisation LIMIT 1) RETURNING name",
                    postgres: "UPDATE organisation SET name = $1 WHERE id IN
                               (SELECT id FROM organisation LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING name",
                },
                binds!["Claimed"],
            )
            .await
            .unwrap();
        assert_eq!(claimed, [("Claimed".into(),)]);
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_scan_sees_what_is_committed(db: Db) {
        with_clinic(&db).await;
        for number in 1..=5 {
            add(&db, person(number)).await.unwrap();
        }
        let handles = db
            .scan(async |tx: &mut Reader| {
                tx.all::<(String,)>(
                    "SELECT handle FROM person WHERE handle > $1 ORDER BY handle",
                    binds!["person-2"],
                )
                .await
            })
            .await
            .unwrap();
        assert_eq!(handles.len(), 3);
    },
    migrations = [MIGRATIONS]
);

fn a_reader_waits_no_longer_than_it_may(engine: Engine) {
    with_url(engine, async |url| {
        let config =
            StoreConfig { connections_max: 1, wait_max: Duration::from_millis(20), ..StoreConfig::new(url) };
        let db = Db::open(&config).await.unwrap();
        let held = db.read().await.unwrap();
        assert!(matches!(db.read().await.map(drop), Err(DbError::Busy { limit: "connections_max" })));
        drop(held);
        assert!(db.read().await.is_ok());
    });
}

#[test]
fn a_reader_waits_no_longer_than_it_may_sqlite() {
    a_reader_waits_no_longer_than_it_may(Engine::Sqlite);
}

#[test]
fn a_reader_waits_no_longer_than_it_may_postgres() {
    a_reader_waits_no_longer_than_it_may(Engine::Postgres);
}

on_each_engine!(
    async fn numbers_drawn_in_turn_grow_in_the_order_of_commits(db: Db) {
        db.write(async |tx: &mut Writer| {
            tx.execute("INSERT INTO counter (name, part, n) VALUES ('drawn', 0, 0)", vec![]).await
        })
        .await
        .unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..32_u8 {
            let db = db.clone();
            tasks.spawn(async move {
                db.write_in_turn(7, async move |tx: &mut Writer| {
                    // What is decided by a read would be undone for a conflict, again and again, without the turn.
                    let sql = "SELECT n FROM counter WHERE name = 'drawn' AND part = 0";
                    let (n,) = tx.one::<(i64,)>(sql, vec![]).await?;
                    let sql = "UPDATE counter SET n = $1 WHERE name = 'drawn' AND part = 0";
                    tx.execute(sql, binds![n + 1]).await?;
                    let sql = "INSERT INTO record (id, body) SELECT $1, COUNT(*) || '' FROM record";
                    tx.execute(sql, binds![[task; 16]]).await?;
                    Ok::<_, DbError>(n)
                })
                .await
                .unwrap()
            });
        }
        let mut drawn = tasks.join_all().await;
        drawn.sort_unstable();
        assert_eq!(drawn, (0..32).collect::<Vec<_>>());
        let sql = "SELECT COUNT(DISTINCT body) FROM record";
        assert_eq!(db.read().await.unwrap().one::<(i64,)>(sql, vec![]).await.unwrap(), (32,));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn of_units_that_share_a_turn_each_is_kept_or_undone_by_itself(db: Db) {
        let known = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..90_i64 {
            let (db, known) = (db.clone(), Arc::clone(&known));
            tasks.spawn(async move {
                let written = db.write_in_turn(7, async move |tx: &mut Writer| {
                    let mut insert = Composed::new("INSERT INTO counter (name, part, n) VALUES (");
                    insert.bind("turn").text(", ").bind(&task).text(", ").bind(&0_i64).text(")");
                    let mut again = insert.clone();
                    again.again(
                        [Value::Text("turn".into()), Value::Int(task + 1000), Value::Int(1)].into_iter(),
                    );
                    let all = if task % 6 == 1 { vec![insert.clone(), insert] } else { vec![insert, again] };
                    let known = Arc::clone(&known);
                    tx.once_committed(move || {
                        known.fetch_add(1, Ordering::SeqCst);
                    });
                    match task % 6 {
                        // Nothing is asked of the database.
                        3 => return Ok(task),
                        4 => return Err(DbError::Closed),
                        5 => tx.execute("DELETE FROM what_there_is_not", vec![]).await.map(drop)?,
                        _ => tx.execute_all(&all).await?,
                    }
                    if task % 6 == 2 { Err(DbError::Closed) } else { Ok(task) }
                });
                (task, written.await)
            });
        }
        for (task, written) in tasks.join_all().await {
            match task % 6 {
                0 | 3 => assert_eq!(written, Ok(task)),
                1 => assert!(matches!(written, Err(DbError::Unique { .. })), "{written:?}"),
                5 => assert!(matches!(&written, Err(fault) if *fault != DbError::Closed), "{written:?}"),
                _ => assert_eq!(written, Err(DbError::Closed)),
            }
        }
        let sql = "SELECT COUNT(*), COUNT(DISTINCT part) FROM counter WHERE name = 'turn'";
        let counted = db.read().await.unwrap().one::<(i64, i64)>(sql, vec![]).await;
        assert_eq!((counted, known.load(Ordering::SeqCst)), (Ok((30, 30)), 30));
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_statement_is_put_together_of_text_and_values(db: Db) {
        let inserted = db
            .write(async |tx: &mut Writer| {
                let mut statement = Composed::new("INSERT INTO counter (name, part, n) VALUES ");
                for part in 0..5_i64 {
                    statement.text(if part == 0 { "(" } else { ", (" }).bind("it's $1").text(", ");
                    statement.bind(&part).text(", ").value(store::Value::Int(part * part)).text(")");
                }
                assert_eq!(statement.binds(), 15);
                tx.execute_composed(&statement).await
            })
            .await;
        assert_eq!(inserted, Ok::<u64, DbError>(5));
        let mut search = Composed::new("SELECT n FROM counter AS ");
        search.name("c", 1).text(" WHERE name = ").bind("it's $1").text(" AND part IN (");
        search.bind(&2_i64).text(", ").bind(&4_i64).text(") ORDER BY n DESC");
        let found = db.read().await.unwrap().all_composed::<(i64,)>(&search).await.unwrap();
        assert_eq!(found, [(16,), (4,)]);
    },
    migrations = [MIGRATIONS]
);

#[test]
fn statements_that_come_again_are_kept_prepared_and_others_are_not() {
    on(POSTGRES, &[MIGRATIONS], async |db| {
        // One connection alone, so that what it keeps can be asked of it.
        let mut reader = db.read().await.unwrap();
        let asking = |column: usize, value: i64| {
            let mut statement = Composed::new("SELECT ");
            statement.bind(&value).text(" AS ").name("again", column);
            statement
        };
        let kept = "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement LIKE '%AS again%' \
                    AND statement NOT LIKE '%pg_prepared%'";
        for round in 0..5 {
            let answer = reader.all_composed::<(i64,)>(&asking(1, round)).await.unwrap();
            assert_eq!(answer, [(round,)]);
        }
        assert_eq!(reader.one::<(i64,)>(kept, vec![]).await, Ok((1,)));
        // Hundreds of others, each often enough to be kept: the oldest are let go.
        for column in 2..400 {
            for round in 0..4 {
                let answer = reader.all_composed::<(i64,)>(&asking(column, round)).await;
                assert_eq!(answer, Ok(vec![(round,)]));
            }
        }
        let (count,) = reader.one::<(i64,)>(kept, vec![]).await.unwrap();
        assert!((1..=128).contains(&count), "{count}");
        // A value of another type under the same text, and one that is null.
        let mut text = Composed::new("SELECT ");
        text.bind("a word").text(" AS again1");
        let mut null = Composed::new("SELECT CAST(");
        null.value(Value::Null).text(" AS BIGINT) AS again1");
        for _ in 0..5 {
            assert_eq!(reader.all_composed::<(String,)>(&text).await, Ok(vec![(String::from("a word"),)]));
            assert_eq!(reader.all_composed::<(Option<i64>,)>(&null).await, Ok(vec![(None,)]));
        }
    });
}

on_each_engine!(
    async fn reads_of_a_snapshot_agree(db: Db) {
        let sql = "SELECT COUNT(*) FROM counter";
        let seen = {
            let other = db.clone();
            db.snapshot(async move |reader: &mut Reader| {
                let before = reader.one::<(i64,)>(sql, vec![]).await?;
                // Not awaited here: the unit that writes has threads of its own.
                let (done, written) = std::sync::mpsc::channel();
                let other = other.clone();
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    let insert = "INSERT INTO counter (name, part, n) VALUES ('new', 1, 1)";
                    runtime.block_on(other.execute(insert, vec![])).unwrap();
                    done.send(()).unwrap();
                });
                written.recv().unwrap();
                Ok::<_, DbError>((before, reader.one::<(i64,)>(sql, vec![]).await?))
            })
            .await
            .unwrap()
        };
        assert_eq!(seen, ((0,), (0,)));
        assert_eq!(db.read().await.unwrap().one::<(i64,)>(sql, vec![]).await.unwrap(), (1,));
        let failed = db.snapshot(async |_: &mut Reader| Err::<(), _>(DbError::Closed)).await;
        assert_eq!(failed, Err(DbError::Closed));
        assert!(db.snapshot(async |_: &mut Reader| Ok::<_, DbError>(())).await.is_ok());
    },
    migrations = [MIGRATIONS]
);

on_each_engine!(
    async fn a_closed_database_says_so(db: Db) {
        db.write_lazy("INSERT INTO record (id, body) VALUES ($1, $2)", binds![[1_u8; 16], "late"]);
        db.clone().close().await;
        let written = db.write(async |tx: &mut Writer| bump(tx, "x").await).await;
        assert_eq!(written, Err(DbError::Closed));
        assert!(matches!(db.read().await.map(drop), Err(DbError::Closed)));
        assert_eq!(db.scan(async |_: &mut Reader| Ok::<(), DbError>(())).await, Err(DbError::Closed));
    },
    migrations = [MIGRATIONS]
);

/// Handlers are spawned by the HTTP server: what they await must be `Send`.
#[test]
fn reads_and_writes_can_be_awaited_in_a_handler() {
    fn is_send<T: Send>(_: T) {}
    fn handler(db: Db) {
        is_send(async move {
            let mut reader = db.read().await?;
            person_by_id(&mut reader, person(1).id).await?;
            let row = person(1);
            db.scan(async |tx: &mut Reader| person_by_id(tx, person(1).id).await).await?;
            db.write(async move |tx| -> Result<_, HireFault> { Ok(insert_person(tx, &row).await?) }).await?;
            assert_eq!(db.engine(), Engine::Sqlite);
            Ok::<_, HireFault>(())
        });
    }
    let _: fn(Db) = handler;
}
