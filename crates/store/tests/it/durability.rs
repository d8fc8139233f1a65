//! kill -9: whatever was acknowledged is there afterwards. And a control, which shows that the test can tell.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use store::{Db, DbError, Durability, Engine, Reader, StoreConfig, StoreUrl, Writer, binds};
use testkit::engine::with_url;

use crate::schema::MIGRATIONS;

/// Set for the process that writes: the file to write to.
const WRITER_FILE: &str = "STORE_TEST_WRITER_FILE";
/// Writers in that process, so that commits are shared.
const WRITERS: u64 = 16;
/// Acknowledgements that are awaited before the kill.
const ACKNOWLEDGED_MIN: usize = 400;
const INSERT: &str = "INSERT INTO counter (name, part, n) VALUES ('w', $1, 0)";

#[derive(Clone, Copy, PartialEq)]
enum Acknowledged {
    AfterCommit,
    AtEnqueue,
}

/// What the other process does until it is killed: write, and say so when it is acknowledged.
fn write_for_ever(file: &Path, acknowledged: Acknowledged) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let db = Db::open(&StoreConfig::new(StoreUrl::sqlite(file.to_owned()))).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let db = db.clone();
            writers.spawn(async move {
                for number in (writer..).step_by(16) {
                    let number = i64::try_from(number).unwrap();
                    match acknowledged {
                        Acknowledged::AtEnqueue => db.write_lazy(INSERT, binds![number]),
                        Acknowledged::AfterCommit => {
                            db.write(async move |tx: &mut Writer| {
                                tx.execute(INSERT, binds![number]).await.map(drop)
                            })
                            .await
                            .unwrap_or_else(|fault: DbError| panic!("{fault}"));
                        }
                    }
                    println!("ack {number}");
                    tokio::task::yield_now().await;
                }
            });
        }
        writers.join_all().await;
    });
}

/// The numbers that were acknowledged by a process that was killed, and are not in the file.
fn lost(test: &str, acknowledged: Acknowledged) -> usize {
    if let Some(file) = std::env::var_os(WRITER_FILE) {
        write_for_ever(Path::new(&file), acknowledged);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(WRITER_FILE, &file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let parse = |line: String| line.strip_prefix("ack ").and_then(|number| number.parse::<i64>().ok());
    let mut acks: HashSet<i64> = lines.by_ref().filter_map(parse).take(ACKNOWLEDGED_MIN).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    acks.extend(lines.filter_map(parse));
    assert!(acks.len() >= ACKNOWLEDGED_MIN);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kept: HashSet<i64> = runtime.block_on(async {
        let db = Db::open(&StoreConfig::new(StoreUrl::sqlite(file))).await.unwrap();
        let all = async |tx: &mut Reader| tx.all::<(i64,)>("SELECT part FROM counter", binds![]).await;
        db.scan(all)
            .await
            .unwrap_or_else(|fault: DbError| panic!("{fault}"))
            .into_iter()
            .map(|(n,)| n)
            .collect()
    });
    acks.difference(&kept).count()
}

#[test]
fn acknowledged_writes_survive_a_kill() {
    for _ in 0..3 {
        assert_eq!(lost("durability::acknowledged_writes_survive_a_kill", Acknowledged::AfterCommit), 0);
    }
}

#[test]
fn what_is_acknowledged_early_does_not() {
    assert!(lost("durability::what_is_acknowledged_early_does_not", Acknowledged::AtEnqueue) > 0);
}

/// What the engine says about a connection that writes.
async fn setting(url: &StoreUrl, durability: Durability, sql: &'static str) -> String {
    let config = StoreConfig { durability, ..StoreConfig::new(url.clone()) };
    let db = Db::open(&config).await.unwrap();
    let unit = async move |tx: &mut Writer| tx.one::<(String,)>(sql, binds![]).await;
    db.write(unit).await.unwrap_or_else(|fault: DbError| panic!("{fault}")).0
}

#[test]
fn sqlite_waits_for_the_disk_as_configured() {
    with_url(Engine::Sqlite, async |url| {
        let sql = "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous";
        assert_eq!(setting(&url, Durability::Full, sql).await, "2", "FULL");
        assert_eq!(setting(&url, Durability::Relaxed, sql).await, "1", "NORMAL");
    });
}

#[test]
fn postgres_waits_for_the_disk_as_configured_and_not_as_the_server_says() {
    with_url(Engine::Postgres, async |url| {
        let sql = "SELECT current_setting('synchronous_commit')";
        for (server, full) in [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")] {
            let alter = format!(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = {server}', current_database()); END $$"
            );
            let db = Db::open(&StoreConfig::new(url.clone())).await.unwrap();
            db.execute(&*alter.leak(), binds![]).await.unwrap();
            assert_eq!(setting(&url, Durability::Full, sql).await, full);
            assert_eq!(setting(&url, Durability::Relaxed, sql).await, "off");
        }
    });
}
