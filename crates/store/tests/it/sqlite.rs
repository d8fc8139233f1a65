//! What only the embedded engine does: groups, the writer thread, the file.

use std::{os::unix::fs::PermissionsExt, sync::mpsc, time::Duration};

use store::{Db, DbError, Engine, Reader, StoreConfig, StoreUrl, Writer, binds};
use testkit::engine::with_url;

use crate::schema::{MIGRATIONS, bump, count, insert_organisation};

fn on_sqlite(case: impl AsyncFnOnce(Db)) {
    with_url(Engine::Sqlite, async |url| {
        let db = Db::open(&StoreConfig::new(url)).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        case(db).await;
    });
}

/// Keep the writer busy, so that whatever is queued meanwhile becomes one group.
struct Plug {
    release: mpsc::Sender<()>,
    done: tokio::task::JoinHandle<Result<(), DbError>>,
}

impl Plug {
    async fn insert(db: &Db) -> Self {
        let (release, wait) = mpsc::channel();
        let (began, begun) = tokio::sync::oneshot::channel();
        let began = std::cell::Cell::new(Some(began));
        let db = db.clone();
        let done = tokio::spawn(async move {
            db.write(async move |_: &mut Writer| {
                if let Some(began) = began.take() {
                    began.send(()).unwrap();
                }
                wait.recv().unwrap();
                Ok(())
            })
            .await
        });
        begun.await.unwrap();
        Self { release, done }
    }

    async fn pull(self) {
        self.release.send(()).unwrap();
        self.done.await.unwrap().unwrap();
    }
}

#[test]
fn awaiting_anything_else_fails_that_unit_alone() {
    on_sqlite(async |db| {
        let plug = Plug::insert(&db).await;
        let wrong = db.write(async |tx: &mut Writer| {
            bump(tx, "wrong").await?;
            tokio::task::yield_now().await;
            Ok::<_, DbError>(())
        });
        let right = db.write(async |tx: &mut Writer| bump(tx, "right").await);
        let (wrong, right, ()) = tokio::join!(wrong, right, plug.pull());
        assert_eq!(wrong, Err(DbError::Awaited));
        assert_eq!(right, Ok(1));
        assert_eq!(count(&mut db.read().await.unwrap(), "wrong").await, Ok(0));
        let scanned = db.scan(async |_: &mut Reader| {
            std::future::pending::<()>().await;
            Ok::<_, DbError>(())
        });
        assert_eq!(scanned.await, Err(DbError::Awaited));
    });
}

#[test]
fn a_failing_unit_does_not_hurt_its_group() {
    on_sqlite(async |db| {
        let plug = Plug::insert(&db).await;
        let organisation =
            |number| db.write(async move |tx: &mut Writer| insert_organisation(tx, number).await);
        let panics = db.write(async |tx: &mut Writer| {
            bump(tx, "panics").await?;
            if count(tx, "panics").await? > 0 { panic!("on purpose") } else { Ok::<(), DbError>(()) }
        });
        let (one, again, two, panics, ()) =
            tokio::join!(organisation(1), organisation(1), organisation(2), panics, plug.pull());
        assert_eq!((one, two, panics), (Ok(1), Ok(1), Err(DbError::Panicked)));
        assert!(again.unwrap_err().is_unique("organisation_pkey"));
        let mut reader = db.read().await.unwrap();
        assert_eq!(reader.one::<(i64,)>("SELECT count(*) FROM organisation", binds![]).await, Ok((2,)));
        assert_eq!(count(&mut reader, "panics").await, Ok(0));
    });
}

#[test]
fn a_failing_commit_acknowledges_nobody() {
    on_sqlite(async |db| {
        let plug = Plug::insert(&db).await;
        let kept = db.write(async |tx: &mut Writer| bump(tx, "before").await);
        // What the engine does by itself when the disk is full or fails: the whole transaction is gone.
        let ends = db.write(async |tx: &mut Writer| tx.execute("ROLLBACK", binds![]).await);
        let after = db.write(async |tx: &mut Writer| bump(tx, "after").await);
        let (kept, ends, after, ()) = tokio::join!(kept, ends, after, plug.pull());
        for result in [kept.map(drop), ends.map(drop), after.map(drop)] {
            assert!(matches!(result, Err(DbError::Commit { .. })), "{result:?}");
        }
        assert_eq!(count(&mut db.read().await.unwrap(), "before").await, Ok(0));
        assert_eq!(db.write(async |tx: &mut Writer| bump(tx, "later").await).await, Ok(1));
    });
}

#[test]
fn a_constraint_that_fails_at_commit_fails_only_its_unit() {
    on_sqlite(async |db| {
        let plug = Plug::insert(&db).await;
        let good = db.write(async |tx: &mut Writer| {
            tx.publish("good", "").await?;
            bump(tx, "good").await
        });
        let orphan = db.write(async |tx: &mut Writer| {
            tx.execute("PRAGMA defer_foreign_keys = ON", binds![]).await?;
            tx.publish("orphan", "").await?;
            let sql = "INSERT INTO person (id, organisation_id, handle, made_at) VALUES ($1, $1, 'x', 0)";
            tx.execute(sql, binds![[1_u8; 16]]).await
        });
        let mut heard = db.notify().subscribe("good");
        let mut unheard = db.notify().subscribe("orphan");
        db.write_lazy("INSERT INTO record (id, body) VALUES ($1, 'lazy')", binds![[1_u8; 16]]);
        let (good, orphan, ()) = tokio::join!(good, orphan, plug.pull());
        assert_eq!(good, Ok(1));
        assert!(matches!(orphan, Err(DbError::Foreign { .. })), "{orphan:?}");
        db.flush_lazy().await.unwrap();
        let mut reader = db.read().await.unwrap();
        let counted = reader.one::<(i64, i64)>(
            "SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM record)",
            binds![],
        );
        assert_eq!(counted.await, Ok((0, 1)));
        assert!(heard.next().await.is_some());
        db.clone().close().await;
        assert_eq!(unheard.next().await, None);
    });
}

#[test]
fn a_scan_that_takes_too_long_is_interrupted() {
    with_url(Engine::Sqlite, async |url| {
        let config = StoreConfig { statement_max: Duration::from_millis(50), ..StoreConfig::new(url) };
        let db = Db::open(&config).await.unwrap();
        let endless = async |tx: &mut Reader| {
            let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
            tx.one::<(i64,)>(sql, binds![]).await
        };
        assert_eq!(db.scan(endless).await, Err(DbError::Timeout { limit: "statement_max" }));
        // One whose caller has gone makes room as well: more of them than there are threads.
        for _ in 0..6 {
            let abandoned = db.scan(endless);
            assert!(tokio::time::timeout(Duration::from_millis(5), abandoned).await.is_err());
        }
        let quick = async |tx: &mut Reader| tx.one::<(i64,)>("SELECT 1", binds![]).await;
        assert_eq!(db.scan(quick).await, Ok((1,)));
    });
}

#[test]
fn readers_cannot_write() {
    on_sqlite(async |db| {
        let mut reader = db.read().await.unwrap();
        let written = reader
            .all::<(i64,)>("INSERT INTO counter (name, part, n) VALUES ('x', 0, 1) RETURNING n", binds![]);
        assert!(matches!(written.await, Err(DbError::Statement { .. })));
    });
}

#[test]
fn the_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/deep/hilum.db");
    let at = path.clone();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let db = Db::open(&StoreConfig::new(StoreUrl::sqlite(at))).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        db.write(async |tx: &mut Writer| bump(tx, "x").await).await.unwrap();
        for file in ["hilum.db", "hilum.db-wal", "hilum.db-shm"] {
            let mode = std::fs::metadata(path.with_file_name(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        let pragmas = "SELECT (SELECT journal_mode FROM pragma_journal_mode), (SELECT foreign_keys FROM pragma_foreign_keys)";
        let settings = db.write(async move |tx: &mut Writer| tx.one::<(String, i64)>(pragmas, binds![]).await).await;
        assert_eq!(settings, Ok(("wal".into(), 1)));
        db.close().await;
        assert!(!path.with_file_name("hilum.db-wal").exists(), "closing moves the log into the file");
    });
}

#[test]
fn a_backup_is_the_database_as_it_was() {
    on_sqlite(async |db| {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("backup.db");
        db.write(async |tx: &mut Writer| bump(tx, "backed up").await).await.unwrap();
        let busy = async {
            for _ in 0..50 {
                db.write(async |tx: &mut Writer| bump(tx, "meanwhile").await).await.unwrap();
            }
        };
        let (done, ()) = tokio::join!(db.backup_to(&to), busy);
        done.unwrap();
        assert!(
            matches!(db.backup_to(&to).await, Err(DbError::Transfer { .. })),
            "never over an existing file"
        );
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "one file, nothing beside it");
        let copy = Db::open(&StoreConfig::new(StoreUrl::sqlite(to))).await.unwrap();
        assert!(copy.migrate(&[MIGRATIONS]).await.unwrap().is_empty());
        assert_eq!(count(&mut copy.read().await.unwrap(), "backed up").await, Ok(1));
    });
}
