//! Deliveries per second, and what 500 endpoints that never answer cost those that do. `cargo bench -p webhooks --bench deliveries [-- sqlite|postgres]`;
//! PostgreSQL too where `TEST_DATABASE_URL` names a server: 6 minutes for each engine. See `benches/README.md`.

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
/// Runs of each variant, turn by turn, each on a database of its own; the medians are told.
const RUNS: usize = 3;
/// How long it is published and told in a run: longer than a call that is not answered takes, so that each run has its share of these.
const WINDOW: Duration = Duration::from_secs(25);
/// Deliveries that wait at the most, beyond which no events are published.
const AHEAD: usize = 8_000;
const WRITERS: usize = 32;
const LIVE: usize = 4;
const DEAD: usize = 500;
/// Events that wait for each endpoint that never answers.
const WAITING: usize = 20;
/// How long those are called before it is measured what they cost: so long that all have failed once and some wait to be tried again. Where
/// there are none it is waited as long, for a database is vacuumed by its age.
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
            let (mut alone, mut beside) = (Vec::new(), Vec::new());
            for _ in 0..RUNS {
                for (dead, rates) in [(0, &mut alone), (DEAD, &mut beside)] {
                    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
                    testkit::engine::measured(engine, folder, &sets, async |db| {
                        rates.push(measure(db, dead).await);
                    });
                }
            }
            tell(&alone, &beside);
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

fn tell(alone: &[f64], beside: &[f64]) {
    let (Some(without), Some(with)) = (median(alone), median(beside)) else { return };
    println!("  deliveries to {LIVE} endpoints: {without:.0}/s (runs {alone:.0?})");
    println!(
        "  the same beside {DEAD} that never answer, with {WAITING} events waiting for each: {with:.0}/s (runs {beside:.0?}), {:.1} % fewer",
        100.0 - 100.0 * with / without
    );
}

async fn measure(db: Db, dead: usize) -> f64 {
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
    if dead > 0 {
        endpoints(&webhooks, (address, "/dead", LOST), dead).await;
        for _ in 0..WAITING {
            publish(&db, &world, LOST).await;
        }
    }
    tokio::time::sleep(FAILING_FOR).await;
    let rate = deliveries(&db, &world, &taken).await;
    shutdown.begin();
    tasks.finish(Duration::from_secs(30)).await;
    rate
}

fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

async fn endpoints(webhooks: &Webhooks, (address, path, told): (SocketAddr, &str, &str), count: usize) {
    let by = By::system(ORGANISATION);
    for nth in 0..count {
        let name = format!("{path} {nth}");
        let document = json!({"name": name, "url": format!("http://{address}{path}"), "event_types": [told]});
        webhooks.declare(&by, &document).await.unwrap();
    }
}

async fn publish(db: &Db, world: &World, name: &'static str) {
    let world = world.clone();
    let unit = async move |tx: &mut Writer| -> Result<(), DbError> {
        let data = json!({"integration": "alpha", "records": 17});
        let event = Event { organisation: ORGANISATION, name, subject: "a-subject".to_owned(), data };
        jobs::publish(tx, &world, &event).await
    };
    db.write(unit).await.unwrap();
}

/// Events are written, each in a transaction of its own, and told at the same time; how many deliveries a second the live ones have taken, up
/// to where the database says so of all.
async fn deliveries(db: &Db, world: &World, taken: &Arc<AtomicUsize>) -> f64 {
    let (began, published, mut writers) = (Instant::now(), Arc::<AtomicUsize>::default(), JoinSet::new());
    for _ in 0..WRITERS {
        let (db, world, published, taken) =
            (db.clone(), world.clone(), Arc::clone(&published), Arc::clone(taken));
        writers.spawn(async move {
            while began.elapsed() < WINDOW {
                if published.load(Relaxed) * LIVE > taken.load(Relaxed) + AHEAD {
                    tokio::time::sleep(LOOK_EVERY / 10).await;
                    continue;
                }
                publish(&db, &world, HAPPENED).await;
                published.fetch_add(1, Relaxed);
            }
        });
    }
    writers.join_all().await;
    let all = published.load(Relaxed) * LIVE;
    while taken.load(Relaxed) < all || is_waiting(db).await {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    f64::from(u32::try_from(all).unwrap_or(u32::MAX)) / began.elapsed().as_secs_f64()
}

/// Whether something waits for one of those that answer.
async fn is_waiting(db: &Db) -> bool {
    let sql = "SELECT e.id FROM webhook_endpoint AS e WHERE e.url LIKE '%/live' AND EXISTS \
               (SELECT 1 FROM webhook_delivery AS d WHERE d.endpoint_id = e.id AND d.state = 'pending') LIMIT 1";
    let found = db.read().await.unwrap().optional::<(Vec<u8>,)>(sql, store::binds![]).await;
    found.unwrap().is_some()
}
