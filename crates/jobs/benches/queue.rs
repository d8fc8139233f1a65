//! Events per second that are durable when they are acknowledged, each in a transaction of its own; and jobs: how many a worker runs each second, and how
//! soon one begins that is asked for. `cargo bench -p jobs --bench queue [-- sqlite|postgres]`; see `benches/README.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use jobs::{Job, JobFault, MIGRATIONS, Retry, Worker, enqueue, publish};
use kernel::{Event, Id, Organisation, SystemClock, World};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Db, DbError, Writer};
use tokio::{sync::Notify, task::JoinSet, time::interval};
use tokio_util::sync::CancellationToken;

const ORGANISATION: Id<Organisation> = Id::from_bytes([1; 16]);
/// Runs of each variant; the median is told.
const RUNS: usize = 5;
/// How long events are written in one run.
const RUN_TIME: Duration = Duration::from_secs(3);
const WRITERS: [usize; 3] = [1, 16, 64];
/// Jobs that wait when the worker begins.
const BACKLOG: usize = 10_000;
/// Jobs that are asked for each second while the worker runs, and for how long.
const ASKED_PER_SECOND: usize = 1_000;
const ASKED_FOR: usize = 10;
/// Jobs that are asked for at one beat.
const AT_ONCE: usize = 10;

/// Other kinds: a deployment's worker knows some forty, and looks after all of them.
const NAMES: [&str; 40] = [
    "bench.a0", "bench.a1", "bench.a2", "bench.a3", "bench.a4", "bench.a5", "bench.a6", "bench.a7",
    "bench.a8", "bench.a9", "bench.b0", "bench.b1", "bench.b2", "bench.b3", "bench.b4", "bench.b5",
    "bench.b6", "bench.b7", "bench.b8", "bench.b9", "bench.c0", "bench.c1", "bench.c2", "bench.c3",
    "bench.c4", "bench.c5", "bench.c6", "bench.c7", "bench.c8", "bench.c9", "bench.d0", "bench.d1",
    "bench.d2", "bench.d3", "bench.d4", "bench.d5", "bench.d6", "bench.d7", "bench.d8", "bench.d9",
];

#[derive(Serialize, Deserialize)]
struct Other<const NTH: usize> {}

impl<const NTH: usize> Job for Other<NTH> {
    const NAME: &'static str = NAMES[NTH];
    const RETRY: Retry = Retry { attempts_max: 1, first_s: 1, max_s: 1, jitter_percent: 0 };
    type Context = ();

    async fn run(self, (): &(), _attempt: u32) -> Result<(), JobFault> {
        Ok(())
    }
}

macro_rules! knowing {
    ($worker:expr, $($nth:literal)*) => { $worker$(.register::<Other<$nth>>(()))* };
}

/// What is measured: it does nothing but say that it has begun.
#[derive(Serialize, Deserialize)]
struct Errand {
    /// When it was asked for, in microseconds since the benchmark began.
    asked_us: u64,
}

/// What the jobs of a run have said.
#[derive(Clone)]
struct Said {
    epoch: Instant,
    waits: Arc<Mutex<Vec<Duration>>>,
    all: Arc<Notify>,
    expected: usize,
}

impl Said {
    fn expecting(epoch: Instant, expected: usize) -> Self {
        Self { epoch, waits: Arc::default(), all: Arc::default(), expected }
    }

    fn asked(&self) -> Errand {
        Errand { asked_us: u64::try_from(self.epoch.elapsed().as_micros()).unwrap() }
    }
}

impl Job for Errand {
    const NAME: &'static str = "bench.errand";
    const RETRY: Retry = Retry { attempts_max: 1, first_s: 1, max_s: 1, jitter_percent: 0 };
    type Context = Said;

    async fn run(self, said: &Said, _attempt: u32) -> Result<(), JobFault> {
        let waited = said.epoch.elapsed().saturating_sub(Duration::from_micros(self.asked_us));
        let mut waits = said.waits.lock().unwrap();
        waits.push(waited);
        if waits.len() == said.expected {
            said.all.notify_one();
        }
        Ok(())
    }
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for engine in [testkit::engine::SQLITE, testkit::engine::POSTGRES] {
        if asked.is_empty() || asked.iter().any(|word| word == engine.name()) {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
            testkit::engine::measured(engine, folder, &[MIGRATIONS], measure);
        }
    }
}

async fn measure(db: Db) {
    let world = World::new(SystemClock, testkit::SeededEntropy::new(7));
    for writers in WRITERS {
        let mut rates = Vec::new();
        for _ in 0..RUNS {
            rates.push(events(&db, &world, writers).await);
        }
        println!("  durable events, {writers} writers: {:.0}/s (rounds {rates:.0?})", median(&rates));
    }
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        rates.push(backlog(&db, &world).await);
    }
    println!("  jobs of a backlog of {BACKLOG}: {:.0}/s (rounds {rates:.0?})", median(&rates));
    for _ in 0..RUNS {
        paced(&db, &world).await;
    }
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

async fn events(db: &Db, world: &World, writers: usize) -> f64 {
    let (began, mut writing) = (Instant::now(), JoinSet::new());
    for _ in 0..writers {
        let (db, world) = (db.clone(), world.clone());
        writing.spawn(async move {
            let mut written = 0_u32;
            while began.elapsed() < RUN_TIME {
                let world = world.clone();
                let unit = async move |tx: &mut Writer| -> Result<(), DbError> {
                    let event = Event {
                        organisation: ORGANISATION,
                        name: "bench.happened",
                        subject: "int_a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1".to_owned(),
                        data: json!({"integration_id": "int_a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "records": 17}),
                    };
                    publish(tx, &world, &event).await
                };
                db.write(unit).await.unwrap();
                written += 1;
            }
            written
        });
    }
    let written: u32 = writing.join_all().await.into_iter().sum();
    f64::from(written) / began.elapsed().as_secs_f64()
}

fn worker(db: &Db, world: &World, said: &Said) -> Worker {
    let worker = Worker::new(db.clone(), world.clone()).register::<Errand>(said.clone());
    knowing!(worker, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39)
}

async fn ask(db: &Db, world: &World, said: &Said, count: usize) {
    let (world, said) = (world.clone(), said.clone());
    let unit = async move |tx: &mut Writer| -> Result<(), DbError> {
        for _ in 0..count {
            enqueue(tx, &world, &said.asked(), world.now(), None).await?;
        }
        Ok(())
    };
    db.write(unit).await.unwrap();
}

/// Jobs that wait already: how many are run each second.
async fn backlog(db: &Db, world: &World) -> f64 {
    let said = Said::expecting(Instant::now(), BACKLOG);
    for _ in 0..BACKLOG / 100 {
        ask(db, world, &said, 100).await;
    }
    let (stop, mut running) = (CancellationToken::new(), JoinSet::new());
    let began = Instant::now();
    running.spawn(worker(db, world, &said).run(stop.clone()));
    said.all.notified().await;
    let took = began.elapsed();
    stop.cancel();
    running.join_all().await;
    f64::from(u32::try_from(BACKLOG).unwrap()) / took.as_secs_f64()
}

/// Jobs that are asked for at a fixed pace, whether or not those before have begun: how long after it was asked for each begins.
async fn paced(db: &Db, world: &World) {
    let said = Said::expecting(Instant::now(), ASKED_PER_SECOND * ASKED_FOR);
    let (stop, mut running) = (CancellationToken::new(), JoinSet::new());
    running.spawn(worker(db, world, &said).run(stop.clone()));
    let mut beat = interval(Duration::from_secs(1) / u32::try_from(ASKED_PER_SECOND / AT_ONCE).unwrap());
    let mut asking = JoinSet::new();
    let began = Instant::now();
    for _ in 0..ASKED_PER_SECOND * ASKED_FOR / AT_ONCE {
        beat.tick().await;
        for _ in 0..AT_ONCE {
            let (db, world, said) = (db.clone(), world.clone(), said.clone());
            asking.spawn(async move { ask(&db, &world, &said, 1).await });
        }
    }
    said.all.notified().await;
    let took = began.elapsed();
    stop.cancel();
    running.join_all().await;
    asking.join_all().await;
    let mut waits = std::mem::take(&mut *said.waits.lock().unwrap());
    waits.sort_unstable();
    let at = |percent: usize| waits[(waits.len() * percent / 100).min(waits.len() - 1)];
    println!(
        "  {ASKED_PER_SECOND} jobs asked for each second, each in a transaction, for {ASKED_FOR} s: done after {took:.2?}; begun after p50 {:.2?}, p95 {:.2?}, p99 {:.2?}, at most {:.2?}",
        at(50),
        at(95),
        at(99),
        at(100)
    );
}
