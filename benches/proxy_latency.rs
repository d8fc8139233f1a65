//! What the proxy adds to a call: the same third party called directly and through Hilum, turn by turn in one run, and
//! whether anybody waits for the database. See `README.md`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::Connection as Database;

mod connection;
mod deployment;
mod load;
mod machine;
mod person;
mod third_party;

use crate::{
    connection::Connection,
    deployment::{Deployment, Running, call},
    load::{CONNECTIONS, Measured, Schedule, Target},
    third_party::{ACCESS_TOKEN, API_PATH, ThirdParty},
};

const ROUNDS: usize = 5;
const PER_SECOND: u32 = 2_000;
const OPEN: Schedule = Schedule::Open { per_second: PER_SECOND };
const WARM_UP: Duration = Duration::from_secs(3);
const COUNTED: Duration = Duration::from_secs(10);
const CLOSED_WARM_UP: Duration = Duration::from_secs(1);
const CLOSED_COUNTED: Duration = Duration::from_secs(5);
/// How long nobody can write into the database. SQLite lets a writer wait longer than that.
const LOCKED: Duration = Duration::from_millis(1_500);
/// For what was written lazily to be there.
const WRITTEN_MAX: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(200);
const AIM_P50_MS: f64 = 0.5;
const AIM_P99_MS: f64 = 3.0;
/// Clock ticks of `/proc/<pid>/stat` a second, on every Linux that we know of.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    if third_party::played() {
        return;
    }
    let party = ThirdParty::start();
    let deployment = Deployment::arrange(&party);
    let running = deployment.start();
    let proxied = deployment.call_of_linked_person();
    let body = body_of(party.port, &call(API_PATH, party.port, ACCESS_TOKEN));
    let target = |port, request| Arc::new(Target { port, request, body: body.clone() });
    let direct = target(party.port, call(API_PATH, party.port, ACCESS_TOKEN));
    let through = target(deployment.port, proxied);

    machine::describe();
    println!("Hilum was ready after {:?}.", running.ready_after);
    println!(
        "One call: GET, {} bytes of JSON. {CONNECTIONS} keep-alive connections on loopback.",
        body.len()
    );
    let mut calls = open(&direct, &through, &running);
    calls += closed(&direct, &through, &running);
    calls += locked(&deployment, &through);
    written(&deployment, calls);
    running.stop();
}

fn body_of(port: u16, request: &[u8]) -> Vec<u8> {
    let mut connection = Connection::open(port).unwrap();
    let answer = connection.exchange(request).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body.to_vec()
}

/// The same rate of calls, directly and through Hilum. Tells how many went through Hilum.
fn open(direct: &Arc<Target>, through: &Arc<Target>, hilum: &Running) -> u64 {
    println!(
        "\nOpen model: {PER_SECOND} calls/s for {COUNTED:?}, after {WARM_UP:?} of warm-up. Latencies in ms."
    );
    println!("         directly               through Hilum          added            CPU of Hilum");
    println!("round    p50     p99  calls/s    p50     p99  calls/s    p50     p99    µs a call");
    let (mut rounds, mut calls) = (Vec::new(), 0);
    for nth in 1..=ROUNDS {
        let one = load::run(direct, OPEN, WARM_UP, COUNTED);
        let before = cpu_s(hilum);
        let other = load::run(through, OPEN, WARM_UP, COUNTED);
        let cpu_us = (cpu_s(hilum) - before) * 1e6 / other.all as f64;
        let ([p50, p99], [hilum_p50, hilum_p99]) = (quantiles(&one), quantiles(&other));
        let (rate, hilum_rate) = (one.per_second, other.per_second);
        rounds.push([
            p50,
            p99,
            rate,
            hilum_p50,
            hilum_p99,
            hilum_rate,
            hilum_p50 - p50,
            hilum_p99 - p99,
            cpu_us,
        ]);
        calls += other.all;
        tell_open(&nth.to_string(), rounds.last().unwrap());
    }
    let medians = medians(&rounds);
    tell_open("median", &medians);
    let [.., added_p50, added_p99, _] = medians;
    judge("added p50", added_p50, AIM_P50_MS);
    judge("added p99", added_p99, AIM_P99_MS);
    calls
}

fn tell_open(
    name: &str,
    [p50, p99, rate, hilum_p50, hilum_p99, hilum_rate, added_p50, added_p99, cpu]: &[f64; 9],
) {
    println!(
        "{name:6}  {p50:5.3}  {p99:6.3}  {rate:7.0}  {hilum_p50:5.3}  {hilum_p99:6.3}  {hilum_rate:7.0}  \
         {added_p50:5.3}  {added_p99:6.3}  {cpu:11.0}"
    );
}

fn judge(what: &str, ms: f64, aim_ms: f64) {
    let verdict = if ms <= aim_ms { "reached" } else { "missed" };
    println!("{what} {ms:.3} ms, aim {aim_ms} ms: {verdict}");
}

/// As many calls as there can be. Tells how many went through Hilum.
fn closed(direct: &Arc<Target>, through: &Arc<Target>, hilum: &Running) -> u64 {
    println!(
        "\nClosed model: each call follows the answer before it, {CLOSED_COUNTED:?} after {CLOSED_WARM_UP:?}."
    );
    println!("       directly  through Hilum                  cores used");
    println!("round   calls/s        calls/s  p50 ms  p99 ms    by Hilum");
    let (mut rounds, mut calls) = (Vec::new(), 0);
    for nth in 1..=ROUNDS {
        let one = load::run(direct, Schedule::Closed, CLOSED_WARM_UP, CLOSED_COUNTED);
        let (before, began) = (cpu_s(hilum), Instant::now());
        let other = load::run(through, Schedule::Closed, CLOSED_WARM_UP, CLOSED_COUNTED);
        let cores = (cpu_s(hilum) - before) / began.elapsed().as_secs_f64();
        let [p50, p99] = quantiles(&other);
        rounds.push([one.per_second, other.per_second, p50, p99, cores]);
        calls += other.all;
        tell_closed(&nth.to_string(), rounds.last().unwrap());
    }
    tell_closed("median", &medians(&rounds));
    calls
}

fn tell_closed(name: &str, [direct, through, p50, p99, cores]: &[f64; 5]) {
    println!("{name:6}  {direct:7.0}  {through:13.0}  {p50:6.2}  {p99:6.2}  {cores:10.2}");
}

/// Calls while somebody else holds the database's only right to write: a call that waited for a write would wait for that.
/// Tells how many calls.
fn locked(deployment: &Deployment, through: &Arc<Target>) -> u64 {
    let database = Database::open(deployment.database()).unwrap();
    database.busy_timeout(WRITTEN_MAX).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let measured = load::run(through, OPEN, Duration::ZERO, LOCKED);
    database.execute_batch("ROLLBACK").unwrap();
    let ([p50, p99], longest, calls) = (quantiles(&measured), measured.quantile_ms(1.0), measured.all);
    println!("\nWhile nobody can write into the database for {LOCKED:?}:");
    println!("{calls} calls, p50 {p50:.3} ms, p99 {p99:.3} ms, the longest {longest:.3} ms");
    calls
}

/// What the calls have left in the audit trail.
fn written(deployment: &Deployment, calls: u64) {
    let database = Database::open(deployment.database()).unwrap();
    let count = || -> i64 {
        let sql = "SELECT COUNT(*) FROM audit_event WHERE act = 'connection.proxied'";
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let (began, calls) = (Instant::now(), i64::try_from(calls).unwrap());
    while count() < calls && began.elapsed() < WRITTEN_MAX {
        std::thread::sleep(LOOK_EVERY);
    }
    println!("In the audit trail in the end: {} rows of {calls} calls", count());
}

fn quantiles(measured: &Measured) -> [f64; 2] {
    [measured.quantile_ms(0.5), measured.quantile_ms(0.99)]
}

/// Column by column.
fn medians<const N: usize>(rounds: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|column| machine::median(rounds.iter().map(|round| round[column]).collect()))
}

/// The processor time that Hilum has taken so far, in seconds.
fn cpu_s(hilum: &Running) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", hilum.pid())).unwrap();
    // proc_pid_stat(5): after the name in brackets, user and system time are the 12th and 13th field.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).map(|text| text.parse::<f64>().unwrap()).sum();
    ticks / TICKS_PER_SECOND
}
