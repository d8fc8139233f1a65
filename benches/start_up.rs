//! From its start to its readiness, and the memory of a Hilum that has nothing to do. See `README.md`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::time::Duration;

mod connection;
mod deployment;
mod machine;
mod person;
mod third_party;

use crate::{
    connection::Connection,
    deployment::{Deployment, Running},
    third_party::ThirdParty,
};

const STARTS: usize = 5;
/// Calls through the proxy before memory is looked at again.
const CALLS: usize = 1_000;
const IDLE: Duration = Duration::from_secs(5);
const AIM_READY_MS: f64 = 300.0;
const AIM_IDLE_MB: f64 = 60.0;

fn main() {
    if third_party::played() {
        return;
    }
    let party = ThirdParty::start();
    let deployment = Deployment::arrange(&party);
    machine::describe();

    // The first start brings the program into the page cache, and links the account that is used below.
    let first = deployment.start();
    let proxied = deployment.call_of_linked_person();
    std::thread::sleep(IDLE);
    let after_sign_in = Memory::of(&first);
    first.stop();

    println!("\n       ready     when ready     {CALLS} calls and {IDLE:?} later");
    println!("start     ms   RSS MB  PSS MB   RSS MB  PSS MB");
    let starts: Vec<[f64; 5]> = (1..=STARTS)
        .map(|nth| {
            let running = deployment.start();
            let ready = Memory::of(&running);
            make_calls(deployment.port, &proxied);
            std::thread::sleep(IDLE);
            let idle = Memory::of(&running);
            let figures = [
                running.ready_after.as_secs_f64() * 1e3,
                ready.rss_mb,
                ready.pss_mb,
                idle.rss_mb,
                idle.pss_mb,
            ];
            running.stop();
            tell(&nth.to_string(), &figures);
            figures
        })
        .collect();
    let column = |nth: usize| starts.iter().map(move |figures| figures[nth]);
    let medians: [f64; 5] = std::array::from_fn(|nth| machine::median(column(nth).collect()));
    tell("median", &medians);
    let shortest = column(0).fold(f64::INFINITY, f64::min);
    let longest = column(0).fold(0.0, f64::max);
    println!("start to ready: {shortest:.0} to {longest:.0} ms");
    judge("start to ready", medians[0], AIM_READY_MS, "ms");
    judge("idle memory after the calls (RSS)", medians[3], AIM_IDLE_MB, "MB");
    let Memory { rss_mb, pss_mb } = after_sign_in;
    println!(
        "{IDLE:?} after a sign-in with a password and a linking: RSS {rss_mb:.1} MB, PSS {pss_mb:.1} MB"
    );
}

fn make_calls(port: u16, proxied: &[u8]) {
    let mut connection = Connection::open(port).unwrap();
    for _ in 0..CALLS {
        let answer = connection.exchange(proxied).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// What a process holds: resident, and its share where pages are shared.
struct Memory {
    rss_mb: f64,
    pss_mb: f64,
}

impl Memory {
    /// From `/proc/<pid>/smaps_rollup`, in millions of bytes.
    fn of(running: &Running) -> Self {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", running.pid())).unwrap();
        let mb = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
            kib * 1024.0 / 1e6
        };
        Self { rss_mb: mb("Rss:"), pss_mb: mb("Pss:") }
    }
}

fn tell(name: &str, [ready_ms, rss, pss, idle_rss, idle_pss]: &[f64; 5]) {
    println!("{name:6} {ready_ms:4.0}   {rss:6.1}  {pss:6.1}   {idle_rss:6.1}  {idle_pss:6.1}");
}

fn judge(what: &str, figure: f64, aim: f64, unit: &str) {
    let verdict = if figure <= aim { "reached" } else { "missed" };
    println!("{what} {figure:.1} {unit}, aim {aim} {unit}: {verdict}");
}
