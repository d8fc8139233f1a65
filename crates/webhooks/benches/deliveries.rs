//! Events per second that are durable, deliveries per second, and what 500 endpoints that never answer cost those that do.
//! `cargo bench -p webhooks --bench deliveries`; PostgreSQL too where `TEST_DATABASE_URL` names a server.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::{
    future::pending,
    net::SocketAddr,
    sync::Arc,
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
const TYPES: &[EventType] = &[EventType { name: "bench.happened", description: "something" }];
const EVENTS: usize = 10_000;
const WRITERS: usize = 32;
const LIVE: usize = 4;
const DEAD: usize = 500;

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
    for engine in [testkit::engine::SQLITE, testkit::engine::POSTGRES] {
        let sets = [audit::MIGRATIONS, jobs::MIGRATIONS, vault::MIGRATIONS, webhooks::MIGRATIONS];
        testkit::engine::on(engine, &sets, measure);
    }
}

async fn receiver() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .route("/live", post(|| async { "taken" }))
        .route("/dead", post(|| async { pending::<&'static str>().await }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn measure(db: Db) {
    let world = World::new(SystemClock, crypto::SystemEntropy);
    let key = Secret::new(crypto::b64::encode_standard(crypto::sha256(b"a benchmark")));
    let vault = Vault::unlock(&db, &RootKeySource::Env(key), &world).await.unwrap();
    let address = receiver().await;
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
        tasks,
        shutdown: shutdown.clone(),
    });
    println!("{}", db.engine().name());
    let ingest = publish(&db, &world, EVENTS).await;
    println!("  events that are durable: {:.0}/s", rate(EVENTS, ingest));
    webhooks.follow().await.unwrap();
    webhooks.begin();
    endpoints(&webhooks, address, "/live", LIVE).await;
    let alone = deliveries(&db, &world).await;
    println!("  deliveries to {LIVE} endpoints: {:.0}/s", rate(EVENTS * LIVE, alone));
    endpoints(&webhooks, address, "/dead", DEAD).await;
    let beside = deliveries(&db, &world).await;
    println!("  the same beside {DEAD} that never answer: {:.0}/s", rate(EVENTS * LIVE, beside));
    shutdown.begin();
}

fn rate(count: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

async fn endpoints(webhooks: &Webhooks, address: SocketAddr, path: &str, count: usize) {
    let by = By::system(ORGANISATION);
    for nth in 0..count {
        let document = json!({"name": format!("{path} {nth}"), "url": format!("http://{address}{path}")});
        webhooks.declare(&by, &document).await.unwrap();
    }
}

async fn publish(db: &Db, world: &World, events: usize) -> Duration {
    let (began, mut writers) = (Instant::now(), JoinSet::new());
    for _ in 0..WRITERS {
        let (db, world) = (db.clone(), world.clone());
        writers.spawn(async move {
            for _ in 0..events / WRITERS {
                let world = world.clone();
                let unit = async move |tx: &mut Writer| -> Result<(), DbError> {
                    let data = json!({"integration": "alpha", "records": 17});
                    let event = Event {
                        organisation: ORGANISATION,
                        name: "bench.happened",
                        subject: "a-subject".to_owned(),
                        data,
                    };
                    jobs::publish(tx, &world, &event).await
                };
                db.write(unit).await.unwrap();
            }
        });
    }
    while writers.join_next().await.is_some() {}
    began.elapsed()
}

/// Events are written and told at the same time; how long it takes until the live ones have taken them all.
async fn deliveries(db: &Db, world: &World) -> Duration {
    let before = delivered(db).await;
    let began = Instant::now();
    publish(db, world, EVENTS).await;
    let events = i64::try_from(EVENTS / WRITERS * WRITERS * LIVE).unwrap();
    while delivered(db).await - before < events {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

async fn delivered(db: &Db) -> i64 {
    let sql = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'";
    db.read().await.unwrap().one::<(i64,)>(sql, store::binds![]).await.unwrap().0
}
