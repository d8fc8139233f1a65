//! The authorization server beside npm oidc-provider: the same calls by the same driver, turn by turn in one run, counted per
//! second of processor time that the server spends. See `README.md`.
//!
//! `cargo bench -p hilum --bench authorization [-- rates|many|nodes]`

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::time::Duration;

#[path = "../connection.rs"]
mod connection;
mod drive;
#[path = "../machine.rs"]
mod machine;
mod many;
mod nodes;
mod place;
mod server;
mod turns;

use crate::{
    drive::{CONNECTIONS, Measured, Turn},
    place::{Place, Wire},
    server::{Deployment, PeerGrants, Running, start_peer},
    turns::{Browser, HILUM, PEER},
};

const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_millis(500);
const COUNTED: Duration = Duration::from_millis(1_500);
const CLIENTS: u32 = 100_000;
const GRANTS: u32 = 1_000_000;
const STARTS: usize = 5;
const IDLE: Duration = Duration::from_secs(3);
const AIM_RESTART_MS: f64 = 1_000.0;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| asked.is_empty() || asked.iter().any(|word| word == part);
    machine::describe();
    if wants("rates") {
        Wire::BOTH.into_iter().for_each(rates);
    }
    if wants("many") {
        many();
    }
    if wants("nodes") {
        nodes::measure();
    }
}

/// What can be asked of a server, one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    ClientCredentials,
    Introspection,
    Refresh,
    CodeFlow,
    Page,
}

impl Load {
    const ALL: [Self; 5] =
        [Self::ClientCredentials, Self::Introspection, Self::Refresh, Self::CodeFlow, Self::Page];

    /// What it is called, and what is aimed at: per second of processor time, and times the peer.
    fn aim(self) -> (&'static str, Option<(f64, f64)>) {
        match self {
            Self::ClientCredentials => ("client_credentials, ES256", Some((15_000.0, 10.0))),
            Self::Introspection => ("introspection", Some((40_000.0, 10.0))),
            Self::Refresh => ("refresh, rotating", None),
            Self::CodeFlow => ("authorization code flow (2 calls)", None),
            Self::Page => ("signed-in page", None),
        }
    }
}

/// What turns need that was made beforehand.
struct Made {
    refresh: Vec<String>,
    access: Vec<String>,
    cookies: String,
}

fn rates(wire: Wire) {
    let deployment = Deployment::arrange(None);
    let ours = deployment.start(wire);
    let (peer, PeerGrants { refresh, access }) = start_peer(&deployment, wire, CONNECTIONS * (ROUNDS + 1));
    let (browser, _) = Browser::signed_in(&peer.place, PEER, "openid");
    let mut theirs = Made { refresh, access, cookies: browser.cookie_field() };
    let mut own = make_ours(&ours.place);

    println!("\n{}, {CONNECTIONS} keep-alive connections, closed model, {COUNTED:?} a round.", wire.scheme());
    println!(
        "                                              per CPU second       per second      p50 ms       p99 ms"
    );
    for load in Load::ALL {
        let (name, aim) = load.aim();
        let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
        for round in 1..=ROUNDS {
            let measured = measure(&ours, turns_of(load, &ours.place, HILUM, &mut own));
            tell(&format!("{name} {round} Hilum"), &measured);
            of_ours.push(measured.per_cpu_second);
            if load != Load::Page {
                let measured = measure(&peer, turns_of(load, &peer.place, PEER, &mut theirs));
                tell(&format!("{name} {round} peer"), &measured);
                of_theirs.push(measured.per_cpu_second);
            }
        }
        let median = machine::median(of_ours);
        if of_theirs.is_empty() {
            println!("{name}: median {median:.0} per CPU second");
            continue;
        }
        let peer = machine::median(of_theirs);
        let times = median / peer;
        print!("{name}: median {median:.0} per CPU second, the peer {peer:.0}: {times:.1} times");
        match aim {
            Some((rate, ratio)) if median >= rate && times >= ratio => {
                println!("; aim {rate:.0} and {ratio:.0} times: reached")
            }
            Some((rate, ratio)) => println!("; aim {rate:.0} and {ratio:.0} times: missed"),
            None => println!(),
        }
    }
    println!("memory after all that: Hilum {:.0} MB, the peer {:.0} MB", ours.rss_mb(), peer.rss_mb());
    ours.stop();
}

/// One session; a grant for each connection and round, and as many access tokens.
fn make_ours(place: &Place) -> Made {
    let (browser, code) = Browser::signed_in(place, HILUM, "openid offline_access");
    let mut refresh = vec![browser.redeem(HILUM, &code, "refresh_token")];
    let cookies = browser.cookie_field();
    let mut connection = place.connect();
    let mut grant = turns::grant(place, HILUM, &cookies);
    while refresh.len() < CONNECTIONS * (ROUNDS + 1) {
        refresh.push(grant(&mut connection));
    }
    let ask = place.request("POST", HILUM.token, &turns::basic(), &[("grant_type", "client_credentials")]);
    let access = (0..CONNECTIONS).map(|_| turns::member(&mut connection, &ask, "access_token")).collect();
    Made { refresh, access, cookies }
}

fn turns_of(load: Load, place: &Place, paths: turns::Paths, made: &mut Made) -> Vec<Turn> {
    (0..CONNECTIONS)
        .map(|nth| match load {
            Load::ClientCredentials => turns::client_credentials(place, paths),
            Load::Introspection => turns::introspection(place, paths, &made.access[nth % made.access.len()]),
            Load::Refresh => turns::refresh(place, paths, made.refresh.pop().unwrap()),
            Load::CodeFlow => turns::code_flow(place, paths, &made.cookies),
            Load::Page => turns::same(place.request("GET", "/integrations/", &made.cookies, &[]), "</html>"),
        })
        .collect()
}

fn measure(running: &Running, turns: Vec<Turn>) -> Measured {
    drive::run(&running.place, turns, WARM_UP, COUNTED)
}

fn tell(name: &str, Measured { per_cpu_second, per_second, p50_ms, p99_ms }: &Measured) {
    println!("{name:46} {per_cpu_second:13.0} {per_second:16.0} {p50_ms:11.3} {p99_ms:12.3}");
}

/// Memory, and how soon it is ready again, with many clients and live grants.
fn many() {
    let deployment = Deployment::arrange(None);
    let first = deployment.start(Wire::Clear);
    let empty_mb = first.rss_mb();
    let (browser, code) = Browser::signed_in(&first.place, HILUM, "openid offline_access");
    let refresh = browser.redeem(HILUM, &code, "refresh_token");
    first.stop();
    many::fill(&deployment.path("hilum.db"), CLIENTS, GRANTS);
    let file_mb = std::fs::metadata(deployment.path("hilum.db")).unwrap().len() as f64 / 1e6;
    println!("\n{CLIENTS} clients and {GRANTS} live grants on SQLite, a file of {file_mb:.0} MB:");
    let mut token = refresh;
    let mut ready = Vec::new();
    for nth in 1..=STARTS {
        let running = deployment.start(Wire::Clear);
        ready.push(running.ready_after.as_secs_f64() * 1e3);
        let ready_mb = running.rss_mb();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let request = running.place.request("POST", HILUM.token, &turns::basic(), &form);
        token = turns::member(&mut running.place.connect(), &request, "refresh_token");
        let turns = (0..CONNECTIONS).map(|_| turns::client_credentials(&running.place, HILUM)).collect();
        let measured = drive::run(&running.place, turns, WARM_UP, COUNTED);
        std::thread::sleep(IDLE);
        println!(
            "start {nth}: ready after {:.0} ms, {ready_mb:.1} MB then ({empty_mb:.1} MB without them); after {:.0} tokens a second {:.1} MB, {:.1} of them its own and the others mapped files",
            running.ready_after.as_secs_f64() * 1e3,
            measured.per_second,
            running.rss_mb(),
            running.own_mb()
        );
        running.stop();
    }
    let median = machine::median(ready);
    let verdict = if median < AIM_RESTART_MS { "reached" } else { "missed" };
    println!("restart to ready: median {median:.0} ms, aim < {AIM_RESTART_MS:.0} ms: {verdict}");
}
