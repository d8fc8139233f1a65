//! Our side, in this process.

use std::{
    fs,
    hint::black_box,
    process::Command,
    time::{Duration, Instant},
};

use fhirpath::document::Format;
use kernel::Timestamp;
use validator::{Codes, Library, Outcome, Package, Validator, check::Request};

use crate::material::{self, Set};

/// How this program is called to tell what our side takes of memory in a process of its own.
pub const MEMORY: &str = "memory-of-own";

/// How long one validation took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// The thread, on the processor.
    pub ran: Duration,
    /// The clock on the wall.
    pub wall: Duration,
    pub findings: usize,
}

/// Packages from their archives, for as long as this program runs.
pub fn load(set: &Set) -> Validator<'static> {
    let packages = set.iter().map(|name| Package::read(&material::package(name)).unwrap());
    let library: &'static Library = Box::leak(Box::new(Library::new(packages)));
    Validator::new(library, Box::new(Codes::new(library)))
}

pub fn check(validator: &Validator<'_>, bytes: &[u8]) -> Outcome {
    let request = Request { profiles: &[], now: Timestamp::from_seconds(1_760_000_000) };
    validator.validate_bytes(bytes, Format::Json, &request)
}

/// Validated again and again for a while, once at least.
pub fn time(validator: &Validator<'_>, bytes: &[u8], during: Duration) -> Took {
    let (wall, start) = (Instant::now(), ran());
    let (mut count, mut findings) = (0, 0);
    while count == 0 || ran() < start + during {
        // Asking for the time costs more than the smallest validation.
        let calls = if bytes.len() < 10_000 { 256 } else { 1 };
        for _ in 0..calls {
            findings = black_box(check(validator, black_box(bytes))).findings.len();
        }
        count += calls;
    }
    Took { ran: (ran() - start) / count, wall: wall.elapsed() / count, findings }
}

/// How long this thread ran, so that neighbours are not counted.
fn ran() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

/// What a process has resident.
pub fn resident_bytes(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// What is resident after the packages are loaded and a message was validated, asked of a process that did nothing else.
pub fn memory() -> u64 {
    let told = Command::new(std::env::current_exe().unwrap()).arg(MEMORY).output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().parse().unwrap()
}

/// That process.
pub fn tell_memory(set: &Set, bytes: &[u8]) {
    let validator = load(set);
    check(&validator, bytes);
    println!("{}", resident_bytes("self"));
}
