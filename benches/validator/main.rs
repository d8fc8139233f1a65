//! Our validator beside HL7's: the same files against the same packages in one run, turn by turn, terminology off, both warm. See
//! `../README.md`.
//!
//! `cargo bench -p validator --bench peer [-- times|start|memory|outcomes]`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

mod java;
mod material;
mod outcomes;
mod own;

use std::time::{Duration, Instant};

use validator::Validator;

use crate::{
    java::Peer,
    material::{Input, REGIONAL, US_CORE},
    own::Took,
};

/// Turns of each; the medians are told.
const ROUNDS: usize = 5;
/// How long the peer's compiler is given for each file.
const WARM_UP: Duration = Duration::from_secs(10);
/// How long one turn takes on the processor, if a single validation does not take longer.
const TURN: Duration = Duration::from_millis(500);
/// A file that the peer takes longer than this for is validated once by it, and with no warming up of its own.
const SLOW: Duration = Duration::from_secs(5);

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| asked.is_empty() || asked.iter().any(|word| word == part);
    let inputs = material::inputs();
    if asked.iter().any(|word| word == own::MEMORY) {
        return own::tell_memory(REGIONAL, &inputs[2].bytes);
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    println!("Load average before: {}.", load.split(' ').next().unwrap());
    let class_path = java::class_path();
    if let (Some(path), true) = (&class_path, asked.iter().any(|word| word == "outcomes")) {
        outcomes::write(path);
    }
    if wants("times") {
        times(class_path.as_deref(), &inputs);
    }
    if wants("start") {
        start(class_path.as_deref(), &inputs[0]);
    }
    if wants("memory") {
        memory(class_path.as_deref(), &inputs[2]);
    }
}

fn times(class_path: Option<&str>, inputs: &[Input]) {
    let own = own::load(US_CORE);
    let mut peer = class_path.map(|path| Peer::start(path, US_CORE));
    println!("| | bytes | findings own, peer | own CPU | peer CPU | times | own wall | peer wall | times |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for input in inputs {
        let (ours, theirs) = turns(&own, peer.as_mut(), input);
        let (found, theirs_found) = (ours[0].findings, theirs.first().map(|took| took.findings));
        let theirs_found = theirs_found.map_or_else(String::new, |count| format!(", {count}"));
        let columns = [|took: &Took| took.ran, |took: &Took| took.wall].map(|part| {
            let (ours, theirs) = (median(&ours, part), median(&theirs, part));
            let times = theirs.as_secs_f64() / ours.as_secs_f64();
            format!("{ours:.1?} | {theirs:.1?} | {times:.0}")
        });
        println!(
            "| {} | {} | {found}{theirs_found} | {} |",
            input.name,
            input.bytes.len(),
            columns.join(" | ")
        );
    }
}

/// Both in turn, so that whatever else the machine does is done to both.
fn turns(own: &Validator<'_>, mut peer: Option<&mut Peer>, input: &Input) -> (Vec<Took>, Vec<Took>) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    own::time(own, &input.bytes, TURN);
    let first = peer.as_mut().map(|peer| peer.time(&input.file, Duration::ZERO));
    let is_slow = first.is_some_and(|first| first.ran > SLOW);
    if let (Some(peer), false) = (peer.as_mut(), is_slow) {
        peer.time(&input.file, WARM_UP);
    }
    for _ in 0..ROUNDS {
        ours.push(own::time(own, &input.bytes, TURN));
        if let (Some(peer), false) = (peer.as_mut(), is_slow) {
            theirs.push(peer.time(&input.file, TURN));
        }
    }
    theirs.extend(first.filter(|_| is_slow));
    (ours, theirs)
}

fn median(all: &[Took], part: fn(&Took) -> Duration) -> Duration {
    let mut all: Vec<Duration> = all.iter().map(part).collect();
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// From archives, or from the folder of unpacked packages that the peer wants, to the first outcome.
fn start(class_path: Option<&str>, input: &Input) {
    for (name, set) in [("US Core", US_CORE), ("the regional guide", REGIONAL)] {
        let mut own: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                own::check(&own::load(set), &input.bytes);
                start.elapsed()
            })
            .collect();
        own.sort();
        println!("{name}: packages to the first outcome: own {:.2?} (median of {ROUNDS})", own[ROUNDS / 2]);
        if let Some(path) = class_path {
            let mut peer = Peer::start(path, set);
            let first = Instant::now();
            peer.check(&input.file);
            println!(
                "{name}: packages to the first outcome: peer {:.2?} (once)",
                peer.started + first.elapsed()
            );
        }
    }
}

/// With everything loaded that the regional guide stands on, after a message was validated.
fn memory(class_path: Option<&str>, message: &Input) {
    println!("resident with the regional guide: own {:.1} MB", own::memory() as f64 / 1e6);
    if let Some(path) = class_path {
        let mut peer = Peer::start(path, REGIONAL);
        peer.check(&message.file);
        let (heap, resident) = peer.memory();
        println!(
            "resident with the regional guide: peer {:.0} MB, of which {:.0} MB of its heap are in use",
            resident as f64 / 1e6,
            heap as f64 / 1e6
        );
    }
}
