//! How fast resources are checked on one core: `cargo bench -p validator`. The packages are those beside the repository.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first fault, tells its figures and finds its material through the environment"
)]

use std::{
    hint::black_box,
    path::PathBuf,
    sync::LazyLock,
    time::{Duration, Instant},
};

use fhirpath::document::{Document, DocumentLimits};
use kernel::Timestamp;
use validator::{Codes, Library, Package, Validator, check::Request};

/// Runs of each; the median is told.
const RUNS: usize = 9;
/// How long one run takes.
const RUN_TIME: Duration = Duration::from_millis(200);

const SIMPLE: &str = r#"{"resourceType":"Patient","id":"simple","meta":{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"]},"identifier":[{"system":"http://hospital.example.org/mrn","value":"1"}],"name":[{"family":"Shaw","given":["Amy"]}],"gender":"female"}"#;

fn main() {
    let root = std::env::var("HILUM_DATA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let read = |name: &str| std::fs::read(root.join(name)).unwrap();
    let start = Instant::now();
    let package = |name: &str| Package::read(&read(&format!("fhir/packages/{name}.tgz"))).unwrap();
    let names = [
        "hl7.fhir.r4.core-4.0.1-reconstructed",
        "hl7.terminology.r4-7.0.1",
        "hl7.fhir.uv.extensions.r4-5.2.0",
        "us_core_610",
    ];
    let library = Library::new(names.map(package));
    let validator = Validator::new(&library, Box::new(Codes::new(&library)));
    let example = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../fhirpath/tests/fixtures/r4/patient-example.json"
    ))
    .unwrap();
    check(&validator, &example);
    println!("{:<44} {:?}", "packages to the first outcome", start.elapsed());
    let message = String::from_utf8(read("exchange/v2-to-fhir/R01/LRI-GeneVariant-3.txt.json")).unwrap();
    time("simple US Core Patient", &validator, SIMPLE);
    time("patient-example, base R4", &validator, &example);
    time("the regional message", &validator, &message);
    for count in [1000, 10_000] {
        time(&format!("Bundle of {count} entries"), &validator, &bundle(count));
    }
}

/// Patients and Observations that refer to them.
fn bundle(count: usize) -> String {
    let entry = |at: usize| {
        let url = |at: usize| format!("urn:uuid:{at:08x}-2b2b-4c4c-8d8d-0123456789ab");
        let resource = if at.is_multiple_of(2) {
            r#"{"resourceType":"Patient","name":[{"family":"Shaw"}]}"#.to_owned()
        } else {
            format!(
                r#"{{"resourceType":"Observation","status":"final","code":{{"text":"a"}},"subject":{{"reference":"{}"}}}}"#,
                url(at - 1)
            )
        };
        format!(r#"{{"fullUrl":"{}","resource":{resource}}}"#, url(at))
    };
    let entries: Vec<String> = (0..count).map(entry).collect();
    format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","))
}

fn check(validator: &Validator<'_>, text: &str) -> usize {
    let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
    let request = Request { profiles: &[], now: Timestamp::from_seconds(1_760_000_000) };
    validator.validate(&document, &request).findings.len()
}

fn time(name: &str, validator: &Validator<'_>, text: &str) {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if wanted.is_some_and(|wanted| !name.contains(&wanted)) {
        return;
    }
    let findings = check(validator, text);
    let mut runs: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let (start, mut count) = (ran(), 0);
            while ran() < start + RUN_TIME {
                let calls = if text.len() < 10_000 { 256 } else { 1 };
                for _ in 0..calls {
                    black_box(check(validator, black_box(text)));
                }
                count += calls;
            }
            (ran() - start) / count
        })
        .collect();
    runs.sort();
    let median = runs.get(RUNS / 2).copied().unwrap_or_default();
    println!("{name:<44} {median:?} ({} bytes, {findings} findings)", text.len());
}

/// How long this thread ran, so that neighbours are not counted; on systems that do not tell, how long the benchmark has.
fn ran() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
