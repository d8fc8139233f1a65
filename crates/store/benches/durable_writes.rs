//! Durable small transactions per second on SQLite: the store with 1, 16 and 64 writers, beside plain `rusqlite` with one
//! transaction at a time, in the same run and on the same disk. See `benches/README.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};
use store::{Db, DbError, Migration, MigrationSet, StoreConfig, StoreUrl, Writer, binds};

/// Runs of each variant; the median is told.
const RUNS: usize = 5;
/// How long one run writes.
const RUN_TIME: Duration = Duration::from_secs(2);
const BODY_BYTES: usize = 1_000;
const TABLE: &str =
    "CREATE TABLE item (id BLOB PRIMARY KEY, body BLOB NOT NULL, at INTEGER NOT NULL) STRICT;";
const INSERT: &str = "INSERT INTO item (id, body, at) VALUES ($1, $2, $3)";
const MIGRATIONS: MigrationSet =
    MigrationSet { crate_name: "bench", files: &[Migration { name: "0001_item", sql: TABLE }] };

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!(
        "durable transactions of one 1 kB row, SQLite WAL, synchronous=FULL; median of {RUNS} runs of {RUN_TIME:?}"
    );
    println!("{:>8}  {:>22}  {:>14}  {:>8}", "writers", "one at a time (tx/s)", "store (tx/s)", "times");
    for writers in [1, 16, 64] {
        let (mut plain, mut grouped) = (Vec::new(), Vec::new());
        // Turn by turn, so that both see the same neighbours.
        for _ in 0..RUNS {
            plain.push(in_folder(|folder| one_at_a_time(folder, writers)));
            grouped.push(in_folder(|folder| runtime.block_on(through_the_store(folder, writers))));
        }
        let (plain, grouped) = (median(plain), median(grouped));
        println!("{writers:>8}  {plain:>22.0}  {grouped:>14.0}  {:>8.1}", grouped / plain);
    }
    println!(
        "keyed read: {:.1} µs",
        median((0..RUNS).map(|_| in_folder(|folder| runtime.block_on(read(folder)))).collect())
    );
}

fn in_folder<T>(run: impl FnOnce(&Path) -> T) -> T {
    // Beside the build, not in /tmp: that may be memory, where every write is "durable" at once.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    run(folder.path())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn id(writer: usize, number: u64) -> [u8; 16] {
    (u128::from(number) << 64 | writer as u128).to_be_bytes()
}

/// The baseline: threads share one connection behind a lock, each transaction is committed by itself.
fn one_at_a_time(folder: &Path, writers: usize) -> f64 {
    let connection = Connection::open(folder.join("plain.db")).unwrap();
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA mmap_size = 268435456;";
    connection.execute_batch(settings).unwrap();
    connection.execute_batch(TABLE).unwrap();
    let connection = Arc::new(Mutex::new(connection));
    let began = Instant::now();
    let threads: Vec<_> = (0..writers)
        .map(|writer| {
            let connection = Arc::clone(&connection);
            std::thread::spawn(move || {
                let mut written = 0_u64;
                while began.elapsed() < RUN_TIME {
                    let mut connection = connection.lock().unwrap();
                    let tx = connection.transaction().unwrap();
                    let row = params![id(writer, written), [7_u8; BODY_BYTES], 0];
                    tx.prepare_cached(INSERT).unwrap().execute(row).unwrap();
                    tx.commit().unwrap();
                    written += 1;
                }
                written
            })
        })
        .collect();
    let written: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    written as f64 / began.elapsed().as_secs_f64()
}

async fn through_the_store(folder: &Path, writers: usize) -> f64 {
    let db = open(folder).await;
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let db = db.clone();
        tasks.spawn(async move {
            let mut written = 0_u64;
            while began.elapsed() < RUN_TIME {
                insert(&db, id(writer, written)).await.unwrap();
                written += 1;
            }
            written
        });
    }
    let written: u64 = tasks.join_all().await.into_iter().sum();
    let rate = written as f64 / began.elapsed().as_secs_f64();
    db.close().await;
    rate
}

async fn open(folder: &Path) -> Db {
    let db = Db::open(&StoreConfig::new(StoreUrl::sqlite(folder.join("store.db")))).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db
}

async fn insert(db: &Db, id: [u8; 16]) -> Result<u64, DbError> {
    db.write(async move |tx: &mut Writer| tx.execute(INSERT, binds![id, [7_u8; BODY_BYTES], 0_i64]).await)
        .await
}

/// Microseconds for one row by its key, connection borrowed and given back each time.
async fn read(folder: &Path) -> f64 {
    const READS: u32 = 100_000;
    let db = open(folder).await;
    for number in 0..100 {
        insert(&db, id(0, number)).await.unwrap();
    }
    let began = Instant::now();
    for number in 0..READS {
        let mut reader = db.read().await.unwrap();
        let key = binds![id(0, u64::from(number % 100))];
        reader.one::<(Vec<u8>,)>("SELECT body FROM item WHERE id = $1", key).await.unwrap();
    }
    let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(READS);
    db.close().await;
    each
}
