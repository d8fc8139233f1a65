//! Records of sites beside other FHIR servers: the same material and questions by the same driver, HTTP to HTTP, turn by turn in
//! one run. See `README.md`.
//!
//! `cargo bench -p hilum --bench records [-- import|ask|large|validated] [sqlite|postgres|helios|hapi]`, or `-- compare [Patient …]`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::time::{Duration, Instant};

mod compare;
#[path = "../connection.rs"]
mod connection;
mod database;
#[path = "../authorization/drive.rs"]
mod drive;
mod hapi;
mod helios;
mod hilum;
mod import;
#[path = "../machine.rs"]
mod machine;
mod material;
mod place;
mod question;
mod server;

use crate::{
    drive::{CONNECTIONS, Measured},
    hilum::Validation,
    import::{Imported, import},
    material::Sent,
    question::{Known, Question},
    server::Server,
};

const ROUNDS: usize = 3;
/// Of an import by one client; one more by several follows.
const IMPORTS: usize = 1;
const CLIENTS: [usize; 3] = [1, 16, CONNECTIONS];
const IMPORTERS: usize = 4;
const WARM_UP: Duration = Duration::from_millis(150);
const COUNTED: Duration = Duration::from_millis(600);
const LARGE_ENTRIES: usize = 27_000;

/// What the command line asks for.
struct Asked(Vec<String>);

impl Asked {
    fn wants(&self, part: &str, of: &[&str]) -> bool {
        let mut named = self.0.iter().filter(|word| of.contains(&word.as_str())).peekable();
        named.peek().is_none() || named.any(|word| word == part)
    }

    fn part(&self, part: &str) -> bool {
        self.wants(part, &["import", "ask", "large", "validated"])
    }

    fn server(&self, name: &str) -> bool {
        self.wants(name, &["sqlite", "postgres", "helios", "hapi"])
    }
}

fn main() {
    let asked = Asked(std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect());
    let Some((shared, patients)) = material::bundles() else {
        println!("SKIPPED: HILUM_DATA names no folder with fhir/synthea");
        return;
    };
    if let Some((_, types)) = asked.0.split_first().filter(|(first, _)| *first == "compare") {
        compare::compare(types);
        return;
    }
    machine::describe();
    if asked.part("import") || asked.part("ask") {
        let servers = start(&asked, Validation::Off);
        loaded(&servers, &shared, &patients);
        if asked.part("ask") {
            ask(&servers);
        }
    }
    if asked.part("large") {
        large(&asked, &shared, &patients);
    }
    if asked.part("validated") {
        println!("\nWith every write validated:");
        let servers = start(&asked, Validation::Told);
        loaded(&servers, &shared, &patients);
    }
    machine::describe();
}

fn start(asked: &Asked, validation: Validation) -> Vec<Server> {
    let mut servers = Vec::new();
    if asked.server("sqlite") {
        servers.push(hilum::on_sqlite(validation));
    }
    if asked.server("postgres") {
        servers.extend(hilum::on_postgres(validation));
    }
    if asked.server("helios") {
        servers.extend(helios::start(validation));
    }
    if asked.server("hapi") {
        servers.extend(hapi::start(validation));
    }
    servers
}

/// The material into each, some rounds: what is there afterwards is the same for all.
fn loaded(servers: &[Server], shared: &[Sent], patients: &[Sent]) {
    let mut rates: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); servers.len()];
    let (mut resources, mut bytes) = (shared.iter().map(|sent| sent.entries).sum::<usize>(), Vec::new());
    println!("\nimport, a transaction a patient, resources:    per second   per CPU second");
    for round in 0..=IMPORTS {
        for (nth, server) in servers.iter().enumerate() {
            if round == 0 {
                import(server, shared, 1);
            }
            let clients = if round < IMPORTS { 1 } else { IMPORTERS };
            let took = import(server, patients, clients);
            tell(server.name, &format!("{clients} client(s)"), &took);
            if round < IMPORTS {
                rates[nth].0.push(took.per_second());
                rates[nth].1.push(took.per_cpu_second());
            }
        }
        resources += patients.iter().map(|sent| sent.entries).sum::<usize>();
    }
    bytes.extend(servers.iter().map(|server| server.bytes() as f64 / resources as f64));
    println!(
        "| {resources} records | resources/s | per CPU second | bytes a record | resident MB | durable |"
    );
    println!("|---|---|---|---|---|---|");
    for ((server, (wall, cpu)), bytes) in servers.iter().zip(rates).zip(bytes) {
        println!(
            "| {} | {:.0} | {:.0} | {bytes:.0} | {:.0} | {} |",
            server.name,
            machine::median(wall),
            machine::median(cpu),
            server.rss_mb(),
            if server.is_durable() { "yes" } else { "no" },
        );
    }
}

fn tell(name: &str, what: &str, took: &Imported) {
    println!("{name:22} {what:20} {:13.0} {:16.0}", took.per_second(), took.per_cpu_second());
}

/// Each question at each server, by 1, 16 and 64 clients, some rounds.
fn ask(servers: &[Server]) {
    let of_all: Vec<Vec<Question>> =
        servers.iter().map(|server| Known::of(&server.place).questions(server)).collect();
    let Some(first) = of_all.first() else { return };
    println!(
        "\n| | clients | server | per second | per CPU second | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|"
    );
    for nth in 0..first.len() {
        for clients in CLIENTS {
            let mut rounds: Vec<Vec<Measured>> = servers.iter().map(|_| Vec::new()).collect();
            for _ in 0..ROUNDS {
                for ((server, questions), measured) in servers.iter().zip(&of_all).zip(&mut rounds) {
                    let turns = (0..clients).map(|client| questions[nth].turn(client)).collect();
                    measured.push(drive::run(&server.place, turns, WARM_UP, COUNTED));
                }
            }
            for (server, rounds) in servers.iter().zip(rounds) {
                let of = |figure: fn(&Measured) -> f64| machine::median(rounds.iter().map(figure).collect());
                println!(
                    "| {} | {clients} | {} | {:.0} | {:.0} | {:.2} | {:.2} |",
                    first[nth].name,
                    server.name,
                    of(|it| it.per_second),
                    of(|it| it.per_cpu_second),
                    of(|it| it.p50_ms),
                    of(|it| it.p99_ms),
                );
            }
        }
    }
    for server in servers {
        println!("{}: {:.0} MB resident after all that", server.name, server.rss_mb());
    }
}

/// One transaction that is very large, once.
fn large(asked: &Asked, shared: &[Sent], patients: &[Sent]) {
    let bundle = [material::large(patients, LARGE_ENTRIES)];
    println!("\none Bundle of {LARGE_ENTRIES} entries, {:.0} MB:", bundle[0].text.len() as f64 / 1e6);
    for server in start(asked, Validation::Off) {
        import(&server, shared, 1);
        let began = Instant::now();
        let took = import(&server, &bundle, 1);
        println!(
            "{}: {:.1} s, {:.0} resources/s, {:.0} per CPU second, {:.0} MB resident after it",
            server.name,
            began.elapsed().as_secs_f64(),
            took.per_second(),
            took.per_cpu_second(),
            server.rss_mb()
        );
    }
}
