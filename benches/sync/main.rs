//! A FHIR server's records come into a site: by a sync, beside a plain client that reads the same pages and sends each as a transaction to the same Hilum. Turn
//! by turn, each into an empty site. `cargo bench -p hilum --bench sync [-- sqlite|postgres]`; see `../README.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

#[path = "../connection.rs"]
#[expect(dead_code, reason = "other benchmarks look at the head of an answer")]
mod connection;
#[path = "../records/database.rs"]
#[expect(dead_code, reason = "that other benchmark asks a database for more")]
mod database;
#[path = "../machine.rs"]
mod machine;
mod plain;
mod source;
mod target;

use std::time::Duration;

use crate::{
    source::{RECORDS, Source},
    target::Target,
};

const ROUNDS: usize = 3;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let source = Source::open();
    machine::describe();
    println!("{RECORDS} resources, pages of {}; resources a second", source::PAGE);
    for engine in ["sqlite", "postgres"] {
        if asked.is_empty() || asked.iter().any(|word| word == engine) {
            measure(engine, &source);
        }
    }
}

fn measure(engine: &str, source: &Source) {
    let (mut syncs, mut plains) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let Some(target) = Target::empty(engine, source.port) else { return };
        plains.push(rate(plain::bring(source, &target)));
        drop(target);
        let Some(target) = Target::empty(engine, source.port) else { return };
        syncs.push(rate(target.sync(source)));
        assert_eq!(target.sync_again(), 0, "the second run finds nothing that has changed");
    }
    println!("{engine}: a plain client {plains:.0?}, a sync {syncs:.0?}");
    let (sync, plain) = (machine::median(syncs), machine::median(plains));
    println!("{engine}: medians: a plain client {plain:.0}, a sync {sync:.0}: {:.2} times", sync / plain);
}

fn rate(took: Duration) -> f64 {
    RECORDS as f64 / took.as_secs_f64()
}
