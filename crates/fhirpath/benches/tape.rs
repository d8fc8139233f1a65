//! How fast documents are read and expressions run on one core: `cargo bench -p fhirpath`. Where the system tells it, the time
//! that the thread ran is counted, so that neighbours do not.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first fault and tells its figures"
)]

use std::{
    hint::black_box,
    path::Path,
    sync::LazyLock,
    time::{Duration, Instant},
};

use fhirpath::{
    document::{Document, DocumentLimits},
    evaluate::{Context, Evaluator},
    model::NoModel,
    path::Program,
};
use kernel::Timestamp;

/// Runs of each; the median is told.
const RUNS: usize = 9;
/// How long one run takes.
const RUN_TIME: Duration = Duration::from_millis(200);

const EXPRESSIONS: &[&str] = &["name.exists()", "name.given", "name.where(use='official').given.first()"];

fn main() {
    let fixture = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/r4").join(name)).unwrap()
    };
    let limits = DocumentLimits::default();
    let small = fixture("patient-example.json");
    let entry = String::from_utf8(small.clone()).unwrap();
    let entries = vec![format!("{{\"resource\":{entry}}}"); 1000].join(",");
    let large =
        format!("{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{entries}]}}").into_bytes();
    for (name, bytes) in [("patient-example.json", &small), ("a Bundle of 1000 of them", &large)] {
        let time = median(|| {
            black_box(Document::from_json(black_box(bytes), &limits).unwrap());
        });
        println!(
            "read {name} ({} bytes): {time:.0} ns, {:.0} MB/s",
            bytes.len(),
            bytes.len() as f64 * 1000.0 / time
        );
    }
    let xml = fixture("patient-example.xml");
    let time = median(|| {
        black_box(Document::from_xml(black_box(&xml), &limits, &NoModel).unwrap());
    });
    println!(
        "read patient-example.xml ({} bytes): {time:.0} ns, {:.0} MB/s",
        xml.len(),
        xml.len() as f64 * 1000.0 / time
    );

    let document = Document::from_json(&small, &limits).unwrap();
    let mut evaluator = Evaluator::new(Context::new(&NoModel, Timestamp::from_seconds(0)));
    for expression in EXPRESSIONS {
        let program = Program::compile(expression, &NoModel).unwrap();
        let time = median(|| {
            black_box(evaluator.evaluate(black_box(&program), document.root().into()).unwrap().len());
        });
        println!("run {expression}: {time:.0} ns");
    }
}

/// Nanoseconds of one call.
fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let (start, mut calls) = (ran(), 0u32);
            while ran() < start + RUN_TIME {
                for _ in 0..512 {
                    work();
                    calls += 1;
                    if calls < 64 && ran() > start + RUN_TIME {
                        break;
                    }
                }
            }
            (ran() - start).as_secs_f64() * 1e9 / f64::from(calls)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(RUNS / 2).copied().unwrap_or_default()
}

/// How long this thread ran; on systems that do not tell, how long the benchmark has.
fn ran() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
