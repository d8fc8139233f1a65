//! Whether the time of a refusal tells who has an account, and which clients there are: medians of 2,000 tries of each kind, made
//! in turn on one connection to nobody else, beside one another. Ends with an error where two medians are more than 5 % apart.
//! See `benches/README.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::{
    net::IpAddr,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use auth::{
    Acting, Auth, Config, Parts,
    client::{self, register::Registration},
    organisation::{self, Named},
    person::{self, NewPerson, Role},
};
use axum::{Router, body::Body};
use crypto::{b64, sha256};
use http::{Request, StatusCode, header};
use kernel::{Id, Secret};
use outbound::{Outbound, SystemLookup};
use store::{Db, StoreConfig, StoreUrl};
use testkit::MockClock;
use tower::ServiceExt;
use vault::{RootKeySource, Vault};

/// Tries of each kind, where the command line names no other number.
const SAMPLES: usize = 2_000;
/// How far apart two medians may be.
const APART_MAX: f64 = 0.05;
/// So long that no try has to wait because of those before it.
const PAUSE: Duration = Duration::from_mins(16);

struct House {
    auth: Auth,
    clock: MockClock,
    app: Router,
    client_id: String,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if runtime.block_on(measured()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn measured() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::parse(&format!("sqlite:{}", folder.path().join("timing.db").display())).unwrap();
    let db = Db::open(&StoreConfig::new(url)).await.unwrap();
    db.migrate(&[vault::MIGRATIONS, audit::MIGRATIONS, jobs::MIGRATIONS, auth::MIGRATIONS]).await.unwrap();
    let house = open(db).await;
    let tries = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(SAMPLES);
    let unknown = format!("{}.nobody", "a".repeat(32));
    let accounts = [
        ("no account", "nobody@example.org"),
        ("wrong password", "mira@example.org"),
        ("switched off", "noor@example.org"),
    ];
    let sign_in = compare(tries, &accounts, async |email| signs_in(&house, email).await).await;
    let clients = [("no client", unknown.as_str()), ("wrong secret", &house.client_id)];
    let client = compare(tries, &clients, async |client_id| authenticates(&house, client_id).await).await;
    sign_in && client
}

/// Whether the medians are as good as one; tells them.
async fn compare(tries: usize, kinds: &[(&str, &str)], mut one: impl AsyncFnMut(&str) -> Duration) -> bool {
    let mut samples: Vec<(&str, &str, Vec<Duration>)> =
        kinds.iter().map(|(name, aim)| (*name, *aim, Vec::with_capacity(tries))).collect();
    for _ in 0..tries {
        for (_, aim, times) in &mut samples {
            times.push(one(aim).await);
        }
        // Each kind is as often first as last, so that all see the same neighbours.
        samples.rotate_left(1);
    }
    let (mut least, mut most) = (f64::MAX, 0_f64);
    for (name, _, times) in &mut samples {
        times.sort_unstable();
        let median_ms = times.get(tries / 2).unwrap().as_secs_f64() * 1_000.0;
        println!("{name:>16}  {median_ms:>10.3} ms");
        (least, most) = (least.min(median_ms), most.max(median_ms));
    }
    let apart = most / least - 1.0;
    println!("{:>16}  {:>10.2} %", "apart", apart * 100.0);
    apart <= APART_MAX
}

async fn signs_in(house: &House, email: &str) -> Duration {
    house.clock.advance(PAUSE);
    let source = IpAddr::from([192, 0, 2, 1]);
    let began = Instant::now();
    let shown =
        person::authenticate_password(&house.auth, email, Secret::new("wrong".into()), source, None).await;
    let took = began.elapsed();
    assert!(matches!(shown.err(), Some(person::PersonFault::SignIn(_))));
    took
}

async fn authenticates(house: &House, client_id: &str) -> Duration {
    house.clock.advance(PAUSE);
    let basic = b64::encode_standard(format!("{client_id}:{}", "x".repeat(43)));
    let request = Request::post("/oauth2/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::AUTHORIZATION, format!("Basic {basic}"))
        .body(Body::from("grant_type=client_credentials"));
    let (app, request) = (house.app.clone(), request.unwrap());
    let began = Instant::now();
    let answer = app.oneshot(request).await.unwrap();
    let took = began.elapsed();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    took
}

async fn open(db: Db) -> House {
    let (world, clock) = testkit::world();
    let root = Secret::new(b64::encode_standard(sha256(b"a root key for benchmarks")));
    let vault = Vault::unlock(&db, &RootKeySource::Env(root), &world).await.unwrap();
    let outbound = Outbound::new(std::collections::BTreeSet::new(), Arc::new(SystemLookup)).unwrap();
    let config = Config::new("http://127.0.0.1:8080".parse().unwrap());
    let auth = Auth::open(Parts { db, vault, world, outbound, config }).await.unwrap();
    let organisation = Id::from_bytes([7; 16]);
    let named = Named { id: Some(organisation), slug: "northwind".into(), name: "Northwind".into() };
    let acting = Acting::system(organisation);
    organisation::create(&auth, &acting, &named).await.unwrap();
    for (name, roles) in [("ada", vec![Role::OrgAdmin.into()]), ("mira", vec![]), ("noor", vec![])] {
        let new = NewPerson {
            id: None,
            email: format!("{name}@example.org"),
            display_name: name.into(),
            password: Secret::new("correct horse battery staple".into()),
            roles,
        };
        let person = person::register(&auth, &acting, new).await.unwrap();
        if name == "noor" {
            person::disable(&auth, &acting, person.id).await.unwrap();
        }
    }
    let registration = Registration {
        name: "Reporting".into(),
        uri: "https://app.example".into(),
        confidentiality: "confidential".into(),
        grant_types: vec!["client_credentials".into()],
        scopes: "openid".into(),
        ..Registration::default()
    };
    let (client, _) = client::register(&auth, &acting, "reporting", &registration).await.unwrap();
    let (app, _) = auth::routes(auth.clone()).split_for_parts();
    House { auth, clock, app, client_id: client.client_id.as_str().to_owned() }
}
