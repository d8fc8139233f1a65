//! How soon another node knows that a token was revoked.

use std::time::{Duration, Instant};

use crate::{
    connection::Connection,
    drive::quantile,
    place::{Place, Wire},
    server::Deployment,
    turns::{HILUM, basic, member},
};

const SAMPLES: usize = 200;
const PATIENCE: Duration = Duration::from_secs(10);
const AIM_P99_MS: f64 = 1_000.0;
/// Where a server is whose user may create databases; the same as for the tests.
const SERVER: &str = "TEST_DATABASE_URL";

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is told by its environment where the database server is, as the tests are"
)]
pub fn measure() {
    let Ok(server) = std::env::var(SERVER) else {
        println!("\nRevocation on a second node: left out, since {SERVER} is not set.");
        return;
    };
    let deployment = Deployment::arrange(Some(fresh_database(&server)));
    let (here, there) = (deployment.start(Wire::Clear), deployment.start_beside());
    let (mut at_here, mut at_there) = (here.place.connect(), there.place.connect());
    let mut seen: Vec<f64> =
        (0..SAMPLES).map(|_| one(&here.place, &there.place, &mut at_here, &mut at_there)).collect();
    seen.sort_by(f64::total_cmp);
    let (p50, p99, most) = (quantile(&seen, 0.5), quantile(&seen, 0.99), quantile(&seen, 1.0));
    let verdict = if p99 < AIM_P99_MS { "reached" } else { "missed" };
    println!(
        "\nRevocation on a second node (PostgreSQL), from the answer here to the first refusal there, {SAMPLES} times:\n\
         p50 {p50:.1} ms, p99 {p99:.1} ms, most {most:.1} ms; aim p99 < {AIM_P99_MS:.0} ms: {verdict}"
    );
    here.stop();
    there.stop();
}

fn one(here: &Place, there: &Place, at_here: &mut Connection, at_there: &mut Connection) -> f64 {
    let ask = here.request("POST", HILUM.token, &basic(), &[("grant_type", "client_credentials")]);
    let token = member(at_here, &ask, "access_token");
    let look = there.request("POST", HILUM.introspect, &basic(), &[("token", &token)]);
    assert!(is_active(at_there, &look), "a token of one node is good at the other");
    let revoke = here.request("POST", "/oauth2/revocation", &basic(), &[("token", &token)]);
    assert_eq!(at_here.exchange(&revoke).unwrap().status, 200);
    let answered = Instant::now();
    while is_active(at_there, &look) {
        assert!(answered.elapsed() < PATIENCE, "the other node never heard of it");
    }
    answered.elapsed().as_secs_f64() * 1e3
}

fn is_active(connection: &mut Connection, look: &[u8]) -> bool {
    let answer = connection.exchange(look).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told: serde_json::Value = serde_json::from_slice(answer.body).unwrap();
    told["active"].as_bool().unwrap()
}

fn fresh_database(server: &str) -> String {
    let name = format!("bench_{}", std::process::id());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await.unwrap();
        let (created, _) = tokio::join!(
            async {
                let created = client.batch_execute(&format!("CREATE DATABASE {name}")).await;
                drop(client);
                created
            },
            connection
        );
        created.unwrap();
    });
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(&name);
    url.into()
}
