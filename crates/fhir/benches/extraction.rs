//! What it found on one core to know what a record can be found by, all parameters of its type: `cargo bench -p fhir --bench extraction`,
//! over synthetic patients. Where the system tells it, the time that the thread ran is counted, so that neighbours do not.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::{
    collections::BTreeMap,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::{Duration, Instant},
};

use fhir::{
    index::extract,
    parameter::{Registry, ResourceType},
    query::{Alone, Handling, Reading, holds, read_test},
};
use fhirpath::document::{Document, DocumentLimits, Element};
use kernel::Timestamp;

/// Runs of each; the median is told.
const RUNS: usize = 7;
/// Every so many Bundles are read.
const ONE_OF: usize = 4;
/// Rounds of a comparison, which is short.
const ROUNDS: u32 = 50;

/// How many records there were, and what they are found by.
#[derive(Default)]
struct Found {
    records: usize,
    entries: usize,
}

fn main() {
    let Some(data) = data() else { return };
    let registry = Registry::r4();
    let start = ran();
    ResourceType::all().for_each(|of| {
        let json = format!(r#"{{"resourceType":"{of}"}}"#);
        let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
        black_box(extract(document.root(), &registry));
    });
    println!("plans of all types: {:.1} ms", (ran() - start).as_secs_f64() * 1e3);
    let bundles = bundles(&data);
    let bytes: usize = bundles.iter().map(Vec::len).sum();
    let start = ran();
    let limits = DocumentLimits::default();
    let documents: Vec<_> =
        bundles.iter().map(|bytes| Document::from_json(bytes, &limits).unwrap()).collect();
    println!("read {bytes} bytes: {:.1} ms", (ran() - start).as_secs_f64() * 1e3);
    let records: Vec<Element<'_>> = documents.iter().flat_map(records_of).collect();

    let mut runs: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = ran();
            for record in &records {
                black_box(extract(*record, &registry));
            }
            ran() - start
        })
        .collect();
    runs.sort_unstable();
    let median = runs.get(RUNS / 2).copied().unwrap_or_default();
    let count = records.len() as f64;
    println!("{} records: {:.1} us each", records.len(), median.as_secs_f64() * 1e6 / count);
    by_type(&records, &registry);

    let reading =
        Reading { registry: &registry, now: Timestamp::from_seconds(0), handling: Handling::Strict };
    let patient = ResourceType::named("Patient").unwrap();
    let test = read_test("family", "smith", &[patient], &reading).unwrap();
    let all: Vec<_> = records.iter().filter_map(|record| extract(*record, &registry)).collect();
    let start = ran();
    let held = (0..ROUNDS)
        .map(|_| all.iter().filter(|own| holds(&test, own, &Alone).unwrap()).count())
        .sum::<usize>();
    let nanos = (ran() - start).as_secs_f64() * 1e9 / count / f64::from(ROUNDS);
    println!("holds: {nanos:.0} ns each, {} do", held / ROUNDS as usize);
}

fn by_type(records: &[Element<'_>], registry: &Registry) {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for record in records {
        let entries = extract(*record, registry).unwrap();
        let one = found.entry(entries.resource_type.to_string()).or_default();
        one.records += 1;
        one.entries += entries.entries.len();
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, one)| std::cmp::Reverse(one.records));
    for (of, one) in found {
        let records = one.records as f64;
        println!("  {of:24} {:6} records {:6.1} entries each", one.records, one.entries as f64 / records);
    }
}

fn records_of<'d>(document: &'d Document<'_>) -> Vec<Element<'d>> {
    let entries = document.root().children().filter(|child| child.name() == "entry");
    entries.filter_map(|entry| entry.child("resource")).collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "benchmarks find their material by the environment, as `./test` sets it"
)]
fn data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var("HILUM_DATA").map_or_else(|_| beside(), PathBuf::from);
    if folder.join("fhir/synthea").is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: there is no test material at {}", folder.display());
    None
}

fn bundles(data: &Path) -> Vec<Vec<u8>> {
    let folder = std::fs::read_dir(data.join("fhir/synthea")).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bz2"));
    paths.sort();
    let read = |path: &PathBuf| Command::new("bzip2").arg("-dc").arg(path).output().unwrap().stdout;
    paths.iter().step_by(ONE_OF).map(read).collect()
}

/// How long this thread ran; on systems that do not tell, how long the benchmark has.
fn ran() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
