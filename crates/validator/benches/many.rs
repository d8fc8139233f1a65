//! NDJSON of a million resources, read, checked and told as the command does it: `cargo bench -p validator --bench many [-- RESOURCES…]`.
//! Each number of resources is a process of its own, so that what it takes in memory at most can be compared.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first fault, tells its figures and finds its material through the environment"
)]

use std::{
    convert::Infallible,
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use kernel::Timestamp;
use validator::{Codes, Library, Package, Validator, check::Request};

#[path = "../../hilum/src/validate/input.rs"]
mod input;
#[path = "../../hilum/src/validate/work.rs"]
mod work;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PACKAGES: [&str; 4] = [
    "hl7.fhir.r4.core-4.0.1-reconstructed",
    "hl7.terminology.r4-7.0.1",
    "hl7.fhir.uv.extensions.r4-5.2.0",
    "us_core_610",
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [play, file] = &words[..]
        && play == "play"
    {
        return run(Path::new(file));
    }
    let amounts: Vec<usize> = words.iter().map(|word| word.parse().unwrap()).collect();
    let amounts = if amounts.is_empty() { vec![10_000, 100_000, 1_000_000] } else { amounts };
    let file = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/many.ndjson"));
    for amount in amounts {
        let bytes = write(&file, amount);
        let out = Command::new(std::env::current_exe().unwrap()).arg("play").arg(&file).output().unwrap();
        let told = String::from_utf8(out.stdout).unwrap();
        println!("{amount:>9} resources, {:>6.1} MB: {}", bytes as f64 / 1e6, told.trim());
    }
    std::fs::remove_file(file).unwrap();
}

/// Patients, Observations of them, and one in a hundred with a fault.
fn write(file: &Path, amount: usize) -> u64 {
    let mut out = BufWriter::new(File::create(file).unwrap());
    for at in 0..amount {
        if at.is_multiple_of(2) {
            let gender = if at % 200 == 100 { "blue" } else { "female" };
            writeln!(out, r#"{{"resourceType":"Patient","id":"p{at}","meta":{{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"]}},"text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Amy Shaw {at}</div>"}},"identifier":[{{"system":"http://hospital.example.org/mrn","value":"{at}"}}],"name":[{{"family":"Shaw{at}","given":["Amy","V."]}}],"gender":"{gender}","birthDate":"19{:02}-02-20","address":[{{"line":["49 Meadow St"],"city":"Mounds","state":"OK","postalCode":"74047"}}]}}"#, at % 100).unwrap();
        } else {
            writeln!(out, r#"{{"resourceType":"Observation","id":"o{at}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"29463-7"}}],"text":"Weight"}},"subject":{{"reference":"Patient/p{}"}},"effectiveDateTime":"2026-03-0{}T10:00:00Z","valueQuantity":{{"value":{}.{},"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}}}"#, at - 1, 1 + at % 9, 40 + at % 60, at % 10).unwrap();
        }
    }
    out.flush().unwrap();
    std::fs::metadata(file).unwrap().len()
}

fn run(file: &Path) {
    let root = std::env::var("HILUM_DATA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        |root| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(root),
    );
    let read = |name: &str| {
        Package::read(&std::fs::read(root.join(format!("fhir/packages/{name}.tgz"))).unwrap()).unwrap()
    };
    let library = Library::new(PACKAGES.map(read));
    let validator = Validator::new(&library, Box::new(Codes::new(&library)));
    let request = Request { profiles: &[], now: Timestamp::from_seconds(1_760_000_000) };
    let threads = std::thread::available_parallelism().unwrap().get();
    let (mut resources, mut invalid, mut unread, mut bytes) = (0, 0, 0, 0);
    let start = Instant::now();
    let mut inputs = input::Inputs::new(&[file.to_owned()]);
    let done = work::each_batch(&validator, &request, &mut inputs, threads, |batch| {
        resources += batch.len();
        for one in &batch {
            match &one.outcome {
                Ok(outcome) => invalid += usize::from(!outcome.is_valid()),
                Err(fault) => unread += fault.to_string().len(),
            }
            bytes += one.file.len() + one.line.map_or(0, |line| line.to_string().len());
        }
        Ok::<(), Infallible>(())
    });
    let (Ok(()), took) = (done, start.elapsed());
    assert!(unread == 0 && bytes > 0);
    println!(
        "{:.1} s, {:.0} a second on {threads} cores ({invalid} of {resources} not valid), at most {:.1} MB",
        took.as_secs_f64(),
        resources as f64 / took.as_secs_f64(),
        most_mb()
    );
}

/// In millions of bytes, as Linux tells it.
fn most_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
}
