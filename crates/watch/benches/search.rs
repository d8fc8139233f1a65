//! Searching a long log: `cargo bench -p watch --bench search -- 10000000 [sqlite|postgres]`. On SQLite, and on PostgreSQL where `TEST_DATABASE_URL` says
//! where. See `benches/README.md`.
//!
//! Lines are said as they are in a deployment, so the first number is how fast they are written.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench tells what it has measured, and ends where it cannot go on"
)]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Extension, Router, body::Body, http::Request};
use futures_util::future::{BoxFuture, ready};
use kernel::{Caller, Grant, Id, Integration, Organisation, Role};
use store::{Db, Engine};
use testkit::engine::{POSTGRES, SQLITE, measured};
use tower::ServiceExt as _;
use watch::{About, Integrations, Line, Log, Parts, PortFault, Standing, Watch, What, line::Numbers};
use web::{AuthFault, Authenticate, Dialect, Manners, Metrics, Networks, Presented, Shutdown, Tasks};

const OURS: Id<Integration> = Id::from_bytes([0xa1; 16]);
const ORGANISATION: Id<Organisation> = Id::from_bytes([1; 16]);
const LOGS: &str = "/api/v1/integrations/int_a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1/logs";
/// Lines where nobody says how many.
const LINES: u64 = 1_000_000;
/// Lines that are said before it is waited for them.
const AT_ONCE: u64 = 8_192;
/// The days that they are spread over.
const DAYS: u64 = 90;
const SEARCHES: usize = 200;

struct One;

impl Integrations for One {
    fn about(&self, _: Id<Integration>) -> BoxFuture<'_, Result<Option<About>, PortFault>> {
        Box::pin(ready(Ok(Some(About { organisation: ORGANISATION, studies: Vec::new() }))))
    }
    fn of(&self, _: Id<Organisation>) -> BoxFuture<'_, Result<Vec<Standing>, PortFault>> {
        Box::pin(ready(Ok(Vec::new())))
    }
}

struct Everybody;

impl Authenticate for Everybody {
    fn authenticate<'a>(&'a self, _: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        let caller = Caller {
            organisation: ORGANISATION,
            client: Id::from_bytes([50; 16]),
            person: None,
            scopes: "integration:read".parse().unwrap(),
            grants: [Grant::whole(Role::OrgAdmin)].into_iter().collect(),
            token: Id::from_bytes([1; 16]),
        };
        Box::pin(ready(Ok(caller)))
    }
}

/// What happens, and now and then what somebody looks for.
fn line(nth: u64) -> Line {
    let run: Id<kernel::Job> = Id::from_bytes((u128::from(nth / 500) + 1).to_be_bytes());
    let of = |what| Line::of(OURS, what).about(run).took(Duration::from_millis(nth % 400));
    match nth % 1_000 {
        0 => of(What::SyncFailed).because("the server does not know our credential"),
        1..=9 => of(What::SyncPaused).because("the server has trouble of its own"),
        10..=49 => of(What::CallFailed).because("the other side does not answer"),
        50..=99 => of(What::SyncCompleted),
        100..=599 => of(What::CallAnswered).answered(200),
        _ => of(What::PageStored).with(Numbers { records_processed: Some(100), ..Numbers::default() }),
    }
}

fn app(db: &Db, log: &Log, world: &kernel::World, shutdown: &Shutdown) -> Router {
    let watch = Watch::new(Parts {
        db: db.clone(),
        log_db: db.clone(),
        world: world.clone(),
        integrations: Arc::new(One),
        log: log.clone(),
        kept: Duration::from_hours(24 * 400),
        mailer: None,
        shutdown: shutdown.clone(),
    });
    let (api, _) = watch::routes(watch).split_for_parts();
    let authenticate: Arc<dyn Authenticate> = Arc::new(Everybody);
    let manners = Manners {
        world: world.clone(),
        public_url: "https://hilum.example".parse().unwrap(),
        trusted_proxies: Networks::default(),
        client_certificates: web::ClientCertificates::default(),
        metrics: Metrics::new(),
        numbered: &[],
        body_bytes_max: web::BODY_BYTES_MAX,
    };
    manners.around(web::family(Dialect::Int, api).layer(Extension(authenticate)))
}

async fn measure(db: Db, lines: u64, engine: Engine) {
    let (world, clock) = testkit::world();
    let (tasks, shutdown) = (Tasks::new(), Shutdown::new());
    let log = watch::open_log(&db, &world, &tasks, &shutdown);
    let step = Duration::from_secs(DAYS * 86_400) / u32::try_from(lines).unwrap();
    let began = Instant::now();
    for nth in 0..lines {
        clock.advance(step);
        log.note(line(nth));
        if nth % AT_ONCE == AT_ONCE - 1 {
            log.flush().await;
        }
    }
    log.flush().await;
    let took = began.elapsed();
    println!("{}: {lines} lines written in {took:?}, {:.0} a second", engine.name(), rate(lines, took));
    assert_eq!(log.dropped(), 0);
    let app = app(&db, &log, &world, &shutdown);
    let middle = kernel::Clock::now(&clock) - Duration::from_secs(DAYS * 43_200);
    for (name, query) in [
        ("newest", String::new()),
        ("a thousand", "limit=1000".to_owned()),
        ("errors", "log_level=error".to_owned()),
        ("words, seldom", "q=credential".to_owned()),
        ("words, often", "q=page&limit=1000".to_owned()),
        ("words, nowhere", "q=weather".to_owned()),
        ("one sync", "q=sync_00000000000000000000000000000101".to_owned()),
        ("words up to an instant", format!("q=trouble&end_date={middle}")),
        ("debug of half the time", format!("log_level=debug&start_date={middle}")),
    ] {
        let mut times = Vec::new();
        for _ in 0..SEARCHES {
            let request = Request::get(format!("{LOGS}?{query}")).header("authorization", "Bearer x");
            let began = Instant::now();
            let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), 200, "{name}");
            axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            times.push(began.elapsed());
        }
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        println!("{}: {name}: p50 {:?}, p95 {:?}", engine.name(), at(50), at(95));
    }
    shutdown.begin();
    tasks.finish(Duration::from_secs(30)).await;
}

fn rate(lines: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(lines).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

fn main() {
    let lines = std::env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(LINES);
    let sets = [audit::MIGRATIONS, jobs::MIGRATIONS, watch::MIGRATIONS, watch::LOG_MIGRATIONS];
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |name: &str| asked.iter().any(|word| word == name);
    for engine in [SQLITE, POSTGRES] {
        if is_asked(engine.name()) || !(is_asked("sqlite") || is_asked("postgres")) {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
            measured(engine, folder, &sets, async |db| measure(db, lines, engine).await);
        }
    }
}
