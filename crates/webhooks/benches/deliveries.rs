//! Deliveries per second, and what 500 endpoints that never answer cost those that do. `cargo bench -p webhooks --bench deliveries [-- sqlite|postgres]`;
//! PostgreSQL too where `TEST_DATABASE_URL` names a server. See `benches/README.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::{
    future::pending,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::{Router, routing::post};
use futures_util::future::BoxFuture;
use kernel::{Event, Id, Organisation, Secret, SystemClock, World};
use outbound::{Outbound, SystemLookup};
use serde_json::json;
use store::{Db, DbError, Writer};
use tokio::task::JoinSet;
use vault::{RootKeySource, Vault};
use web::{Shutdown, Tasks};
use webhooks::{
    By, Parts, Webhooks,
    delivery::Pace,
    event::EventType,
    inbound::{Became, Heard, Recipe, Recipes},
};

const ORGANISATION: Id<Organisation> = Id::from_bytes([1; 16]);
/// What endpoints that answer are told of.
const HAPPENED: &str = "bench.happened";
/// What endpoints that never answer are told of.
const LOST: &str = "bench.lost";
const TYPES: &[EventType] = &[
    EventType { name: HAPPENED, description: "something", data: "{}" },
    EventType { name: LOST, description: "something that nobody takes", data: "{}" },
];
/// Runs of each variant; the median is told.
const RUNS: usize = 3;
const EVENTS: usize = 5_000;
const WRITERS: usize = 32;
const LIVE: usize = 4;
const DEAD: usize = 500;
/// Events that wait for each endpoint that never answers.
const WAITING: usize = 20;
/// How long those are called before it is measured what they cost: so long that all have failed once and some wait to be tried again.
const FAILING_FOR: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

struct Nothing;

impl Recipes for Nothing {
    fn of(&self, _: &str) -> Option<Recipe> {
        None
    }
}

impl Heard for Nothing {
    fn hear<'a>(&'a self, _: Id<Organisation>, _: &'a str, _: Became) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let sets = [audit::MIGRATIONS, jobs::MIGRATIONS, vault::MIGRATIONS, webhooks::MIGRATIONS];
    for engine in [testkit::engine::SQLITE, testkit::engine::POSTGRES] {
        if asked.is_empty() || asked.iter().any(|word| word == engine.name()) {
            testkit::engine::measured(engine, Path::new(env!("CARGO_TARGET_TMPDIR")), &sets, measure);
        }
    }
}

/// Where endpoints are, and how many calls those that answer have taken.
async fn receiver() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&taken);
    let take = move || {
        count.fetch_add(1, Relaxed);
        async { "taken" }
    };
    let app = Router::new()
        .route("/live", post(take))
        .route("/dead", post(|| async { pending::<&'static str>().await }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, taken)
}

async fn measure(db: Db) {
    let world = World::new(SystemClock, crypto::SystemEntropy);
    let key = Secret::new(crypto::b64::encode_standard(crypto::sha256(b"a benchmark")));
    let vault = Vault::unlock(&db, &RootKeySource::Env(key), &world).await.unwrap();
    let (address, taken) = receiver().await;
    let (tasks, shutdown) = (Tasks::new(), Shutdown::new());
    let webhooks = Webhooks::new(Parts {
        db: db.clone(),
        vault,
        world: world.clone(),
        outbound: Outbound::new([address.to_string().parse().unwrap()].into(), Arc::new(SystemLookup))
            .unwrap(),
        event_types: TYPES,
        recipes: Arc::new(Nothing),
        heard: Arc::new(Nothing),
        pace: Pace::default(),
        tasks: tasks.clone(),
        shutdown: shutdown.clone(),
    });
    webhooks.begin();
    endpoints(&webhooks, (address, "/live", HAPPENED), LIVE).await;
    let alone = rounds(&db, &world, &taken).await;
    println!("  deliveries to {LIVE} endpoints: {:.0}/s (rounds {alone:.0?})", median(&alone));
    endpoints(&webhooks, (address, "/dead", LOST), DEAD).await;
    publish(&db, &world, LOST, WAITING).await;
    tokio::time::sleep(FAILING_FOR).await;
    let beside = rounds(&db, &world, &taken).await;
    let cost = 100.0 - 100.0 * median(&beside) / median(&alone);
    println!(
        "  the same beside {DEAD} that never answer, with {WAITING} events waiting for each: {:.0}/s (rounds {beside:.0?}), {cost:.1} % fewer",
        median(&beside)
    );
    shutdown.begin();
    tasks.finish(Duration::from_secs(30)).await;
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

async fn rounds(db: &Db, world: &World, taken: &AtomicUsize) -> Vec<f64> {
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        rates.push(rate(EVENTS * LIVE, deliveries(db, world, taken).await));
    }
    rates
}

fn rate(count: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

async fn endpoints(webhooks: &Webhooks, (address, path, told): (SocketAddr, &str, &str), count: usize) {
    let by = By::system(ORGANISATION);
    for nth in 0..count {
        let name = format!("{path} {nth}");
        let document = json!({"name": name, "url": format!("http://{address}{path}"), "event_types": [told]});
        webhooks.declare(&by, &document).await.unwrap();
    }
}

/// So many events, each in a transaction of its own, by several writers.
async fn publish(db: &Db, world: &World, name: &'static str, events: usize) {
    let (left, mut writers) = (Arc::new(AtomicUsize::new(events)), JoinSet::new());
    for _ in 0..WRITERS {
        let (db, world, left) = (db.clone(), world.clone(), Arc::clone(&left));
        writers.spawn(async move {
            while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                let world = world.clone();
                let unit = async move |tx: &mut Writer| -> Result<(), DbError> {
                    let data = json!({"integration": "alpha", "records": 17});
                    let subject = "a-subject".to_owned();
                    let event = Event { organisation: ORGANISATION, name, subject, data };
                    jobs::publish(tx, &world, &event).await
                };
                db.write(unit).await.unwrap();
            }
        });
    }
    writers.join_all().await;
}

/// Events are written and told at the same time; how long it takes until the live ones have taken them all and the database says so.
async fn deliveries(db: &Db, world: &World, taken: &AtomicUsize) -> Duration {
    let before = taken.load(Relaxed);
    let began = Instant::now();
    publish(db, world, HAPPENED, EVENTS).await;
    while taken.load(Relaxed) - before < EVENTS * LIVE {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    while waiting(db).await > 0 {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    began.elapsed()
}

async fn waiting(db: &Db) -> i64 {
    let sql = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'pending' AND event_name = $1";
    db.read().await.unwrap().one::<(i64,)>(sql, store::binds![HAPPENED]).await.unwrap().0
}
