//! How long packages take to the first outcome, and what they take in memory, from `.tgz` and compiled: `cargo bench -p validator --bench packages`.
//! Each figure is of a process of its own. The packages are those beside the repository.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first fault, tells its figures and finds its material through the environment"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use fhirpath::document::Format;
use kernel::Timestamp;
use sha2::{Digest, Sha256};
use validator::{
    Codes, Library, Package, Validator,
    check::Request,
    package::{ContentKey, Examples, Limits},
};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Processes for each figure; the median is told.
const RUNS: usize = 5;

const CORE: [&str; 3] =
    ["hl7.fhir.r4.core-4.0.1-reconstructed", "hl7.terminology.r4-7.0.1", "hl7.fhir.uv.extensions.r4-5.2.0"];
const US: [&str; 1] = ["us_core_610"];
const REGION: [&str; 5] = [
    "fhir.r4.ukcore-2025-06-20-differential",
    "hl7.fhir.uv.genomics-reporting-3.0.0-rebuilt",
    "hl7.fhir.eu.laboratory-0.1.1-rebuilt",
    "hl7.fhir.uv.sdc-2022-03-01-rebuilt",
    "fhir.nwgenomics.nhs.uk-0.0.7-rebuilt",
];

const US_PATIENT: &str = r#"{"resourceType":"Patient","meta":{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"]},"identifier":[{"system":"http://hospital.example.org/mrn","value":"1"}],"name":[{"family":"Shaw","given":["Amy"]}],"gender":"female"}"#;
const UK_PATIENT: &str = r#"{"resourceType":"Patient","meta":{"profile":["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"]},"identifier":[{"system":"http://hospital.example.org/mrn","value":"1"}],"name":[{"family":"Shaw","given":["Amy"]}],"gender":"female"}"#;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    match &words[..] {
        [play, folder, set, from] if play == "play" => run(Path::new(folder), set, from),
        _ => told(),
    }
}

fn told() {
    let folder = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled"));
    std::fs::create_dir_all(&folder).unwrap();
    println!(
        "{:<10}{:<22}{:>10}{:>16}{:>12}{:>16}",
        "", "", "ms", "resident MB", "most MB", "most, examples"
    );
    for set in ["us", "uk"] {
        for from in ["tgz", "tgz-compiling", "compiled"] {
            let mut runs: Vec<[f64; 5]> = (0..RUNS).map(|_| play(&folder, set, from)).collect();
            let column = |runs: &mut Vec<[f64; 5]>, at: usize| {
                runs.sort_by(|a, b| a[at].total_cmp(&b[at]));
                runs[RUNS / 2][at]
            };
            let [ms, checking, resident, most, all] = [0, 1, 2, 3, 4].map(|at| column(&mut runs, at));
            println!("{set:<10}{from:<22}{ms:>10.1}{checking:>16.1}{resident:>14.1}{most:>12.1}{all:>16.1}");
        }
    }
}

fn play(folder: &Path, set: &str, from: &str) -> [f64; 5] {
    let out =
        Command::new(std::env::current_exe().unwrap()).arg("play").arg(folder).args([set, from]).output();
    let out = out.unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let figures: Vec<f64> = text.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    figures.try_into().unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&out.stderr)))
}

/// The first outcome, then what it takes, then the examples of all the guides.
fn run(folder: &Path, set: &str, from: &str) {
    let root = std::env::var("HILUM_DATA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        |root| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(root),
    );
    let start = Instant::now();
    let (guides, patient) = if set == "us" { (&US[..], US_PATIENT) } else { (&REGION[..], UK_PATIENT) };
    let archive = |name: &str| std::fs::read(root.join(format!("fhir/packages/{name}.tgz"))).unwrap();
    let packages = CORE.iter().chain(guides).map(|name| package(&archive(name), folder, from));
    let library = Library::new(packages.collect::<Vec<_>>());
    let validator = Validator::new(&library, Box::new(Codes::new(&library)));
    let request = Request { profiles: &[], now: Timestamp::from_seconds(1_760_000_000) };
    let check = |text: &[u8]| validator.validate_bytes(text, Format::Json, &request).findings.len();
    let (packages, ms) = (start.elapsed(), |time: Duration| time.as_secs_f64() * 1e3);
    check(patient.as_bytes());
    println!("{:.3} {:.3}", ms(start.elapsed()), ms(start.elapsed() - packages));
    println!("{:.3} {:.3}", memory_mb("VmRSS:"), memory_mb("VmHWM:"));
    for name in guides {
        let package = Package::read_within(&archive(name), &Limits::default(), Examples::Kept).unwrap();
        for example in package.examples() {
            check(&example.json());
        }
    }
    println!("{:.3}", memory_mb("VmHWM:"));
}

fn package(tgz: &[u8], folder: &Path, from: &str) -> Package {
    let key: ContentKey = Sha256::digest(tgz).into();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let file = folder.join(hex);
    if from == "compiled" {
        return Package::from_bytes(std::fs::read(file).unwrap(), &key).unwrap();
    }
    let package = Package::read(tgz).unwrap();
    if from == "tgz-compiling" {
        std::fs::write(file, package.to_bytes(&key).unwrap()).unwrap();
    }
    package
}

/// In millions of bytes, as Linux tells it.
fn memory_mb(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
}
