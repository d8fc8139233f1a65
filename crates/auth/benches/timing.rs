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

/// Tries of each kind.
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
    let url: StoreUrl = format!("sqlite:{}", folder.path().join("timing.db").display()).parse().unwrap();
    let db = Db::open(&StoreConfig::new(url)).await.unwrap();
    db.migrate(&[vault::MIGRATIONS, audit::MIGRATIONS, jobs::MIGRATIONS, auth::MIGRATIONS]).await.unwrap();
    let house = open(db).await;
    let sign_in = compare(&["no account", "wrong password", "switched off"], async |kind| {
        let email = ["nobody@example.org", "mira@example.org", "noor@example.org"][kind];
        signs_in(&house, email).await
    });
    let sign_in = sign_in.await;
    let client = compare(&["no client", "wrong secret"], async |kind| {
        let unknown = format!("{}.nobody", "a".repeat(32));
        authenticates(&house, if kind == 0 { &unknown } else { &house.client_id }).await
    });
    let client = client.await;
    sign_in && client
}

/// Whether the medians are as good as one; tells them.
async fn compare(kinds: &[&str], mut one: impl AsyncFnMut(usize) -> Duration) -> bool {
    let mut samples = vec![Vec::with_capacity(SAMPLES); kinds.len()];
    for round in 0..SAMPLES {
        // Turn by turn, each kind as often first as last, so that all see the same neighbours.
        for turn in 0..kinds.len() {
            let kind = (round + turn) % kinds.len();
            samples[kind].push(one(kind).await);
        }
    }
    let medians: Vec<f64> = samples.iter_mut().map(|times| median(times)).collect();
    let (least, most) = medians.iter().fold((f64::MAX, 0_f64), |(a, b), m| (a.min(*m), b.max(*m)));
    for (kind, median) in kinds.iter().zip(&medians) {
        println!("{kind:>16}  {median:>10.3} ms");
    }
    let apart = most / least - 1.0;
    println!("{:>16}  {:>10.2} %", "apart", apart * 100.0);
    apart <= APART_MAX
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1_000.0
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
    let outbound = Outbound::new(Vec::new(), Arc::new(SystemLookup)).unwrap();
    let config = Config::new("http://127.0.0.1:8080".parse().unwrap());
    let auth = Auth::open(Parts { db, vault, world, outbound, config }).await.unwrap();
    let organisation = Id::from_bytes([7; 16]);
    let named = Named { id: Some(organisation), slug: "northwind".into(), name: "Northwind".into() };
    let acting = Acting::system(organisation);
    organisation::create(&auth, &acting, &named).await.unwrap();
    for (name, roles) in [("ada", vec![Role::Administrator]), ("mira", vec![]), ("noor", vec![])] {
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
