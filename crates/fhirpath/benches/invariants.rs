//! What R4's own invariants cost, each on every element that it is told of, over the examples of IPS, US Core and UK Core and
//! some of the core package: `cargo bench -p fhirpath --bench invariants`. Tells the slowest; needs the packages that the tests need.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first fault, tells its figures, and finds its material by the environment"
)]

use std::{
    collections::{BTreeMap, HashMap},
    hint::black_box,
    io::Read,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::{Duration, Instant},
};

use fhirpath::{
    document::{Document, DocumentLimits, Element},
    evaluate::{Context, Evaluator},
    model::{Definitions, Model, TypeId},
    path::Program,
};
use kernel::Timestamp;

const CORE: &str = "hl7.fhir.r4.core-4.0.1-reconstructed.tgz";
const EXAMPLES: &[&str] = &["ips_v110.tgz", "us_core_610.tgz", "fhir.r4.ukcore-2025-06-20-differential.tgz"];
/// Every so many resources of the core package are examples too: it has what no guide has, definitions and value sets.
const ONE_OF: usize = 40;
/// How many of the slowest are told.
const SLOWEST: usize = 10;
/// How often all is run; the fastest run is told, since neighbours only ever make it slower.
const RUNS: u32 = 7;

fn main() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var("HILUM_DATA").map_or_else(|_| beside(), PathBuf::from).join("fhir/packages");
    if !folder.is_dir() {
        println!("SKIPPED invariants: there is no test material at {}", folder.display());
        return;
    }
    let core = entries(&folder.join(CORE));
    let mut model = Definitions::new();
    let mut constraints: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (_, bytes) in core.iter().filter(|(name, _)| name.contains("/StructureDefinition-")) {
        let document = Document::from_json(bytes, &DocumentLimits::default()).unwrap();
        model.add(document.root()).unwrap();
        note(document.root(), &mut constraints);
    }
    let programs: BTreeMap<&str, Program> = constraints
        .values()
        .flatten()
        .map(|(_, text)| (text.as_str(), Program::compile(text, &model).unwrap()))
        .collect();
    let numbers: HashMap<&str, usize> = programs.keys().enumerate().map(|(at, text)| (*text, at)).collect();
    let by_number: Vec<&Program> = programs.values().collect();

    let mut examples: Vec<Vec<u8>> = core.into_iter().step_by(ONE_OF).map(|(_, bytes)| bytes).collect();
    for package in EXAMPLES {
        let found = entries(&folder.join(package)).into_iter();
        examples.extend(found.filter(|(name, _)| name.contains("example")).map(|(_, bytes)| bytes));
    }
    let limits = DocumentLimits::default();
    let documents: Vec<Document<'_>> =
        examples.iter().filter_map(|bytes| Document::from_json(bytes, &limits).ok()).collect();
    let documents: Vec<&Document<'_>> =
        documents.iter().filter(|document| document.root().resource_type().is_some()).collect();

    // What a validator asks: of each element what its own definition and its type say.
    let mut asked: Vec<(usize, usize, Element<'_>)> = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        let mut targets = Vec::new();
        elements(&model, document.root(), None, "", &mut |element, keys| {
            let mut told: Vec<usize> = keys
                .iter()
                .filter_map(|key| constraints.get(*key))
                .flatten()
                .map(|(_, text)| numbers[text.as_str()])
                .collect();
            told.sort_unstable();
            told.dedup();
            targets.extend(told.into_iter().map(|number| (at, number, element)));
        });
        asked.extend(targets);
    }
    report(&model, &by_number, &documents, asked);
}

fn report(
    model: &Definitions,
    programs: &[&Program],
    documents: &[&Document<'_>],
    mut asked: Vec<(usize, usize, Element<'_>)>,
) {
    let bytes: usize = documents.iter().map(|document| document.source().len()).sum();
    let mut run = Evaluator::new(Context::new(model, Timestamp::from_seconds(0)));
    let mut faults = 0;
    let mut all = Duration::MAX;
    for _ in 0..RUNS {
        faults = 0;
        let start = ran();
        for (_, number, element) in &asked {
            let answer = run.holds(black_box(programs[*number]), (*element).into());
            faults += usize::from(black_box(answer).is_err());
        }
        all = all.min(ran() - start);
    }
    println!(
        "{} invariants, {} resources of {bytes} bytes, {} evaluations, {faults} undecided",
        programs.len(),
        documents.len(),
        asked.len()
    );
    let each = |time: Duration, count: usize| time.as_nanos() as f64 / count.max(1) as f64;
    println!(
        "all of them: {:.1} µs for a resource, {:.0} ns for an evaluation",
        each(all, documents.len()) / 1000.0,
        each(all, asked.len())
    );
    asked.sort_by_key(|(document, number, _)| (*number, *document));
    let mut slowest = Vec::new();
    for group in asked.chunk_by(|a, b| a.1 == b.1) {
        let program = programs[group[0].1];
        let mut best = Duration::MAX;
        for _ in 0..RUNS {
            let start = Instant::now();
            for (_, _, element) in group {
                let _ = black_box(run.holds(black_box(program), (*element).into()));
            }
            best = best.min(start.elapsed());
        }
        slowest.push((best, group.len(), program.as_str()));
    }
    slowest.sort_by_key(|(time, ..)| std::cmp::Reverse(*time));
    println!("those that cost most together:");
    for (time, count, text) in slowest.iter().take(SLOWEST) {
        println!("{:8.0} µs {count:7} times {:6.0} ns  {text}", time.as_micros(), each(*time, *count));
    }
    slowest.sort_by(|a, b| each(b.0, b.1).total_cmp(&each(a.0, a.1)));
    println!("those that cost most alone:");
    for (time, count, text) in slowest.iter().take(SLOWEST) {
        println!("{:8.0} µs {count:7} times {:6.0} ns  {text}", time.as_micros(), each(*time, *count));
    }
}

/// How long this thread ran; on systems that do not tell, how long the benchmark has.
fn ran() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Path of the element, then its invariants.
fn note(definition: Element<'_>, constraints: &mut BTreeMap<String, Vec<(String, String)>>) {
    let text = |of: Element<'_>, name: &str| {
        of.child(name).and_then(|child| child.text()).map(|text| text.into_owned()).unwrap_or_default()
    };
    if text(definition, "derivation") == "constraint" {
        return;
    }
    let Some(snapshot) = definition.child("snapshot") else { return };
    for element in snapshot.children().filter(|child| child.name() == "element") {
        let own = constraints.entry(text(element, "path")).or_default();
        for constraint in element.children().filter(|child| child.name() == "constraint") {
            let expression = text(constraint, "expression");
            if !expression.is_empty() {
                own.push((text(constraint, "key"), expression));
            }
        }
    }
}

/// Every element with the paths that define it: its own in its parent's type, and its type.
fn elements<'d>(
    model: &Definitions,
    element: Element<'d>,
    type_id: Option<TypeId>,
    path: &str,
    tell: &mut impl FnMut(Element<'d>, &[&str]),
) {
    let own = element.resource_type().and_then(|name| model.type_named(&name)).or(type_id);
    let Some(own) = own else { return };
    let type_name = model.type_name(own);
    tell(element, &[path, type_name]);
    for child in element.children() {
        let Some(found) = model.element(own, child.name()) else { continue };
        elements(model, child, Some(found.type_id), &format!("{type_name}.{}", child.name()), tell);
    }
}

/// The JSON files of a package: tar's records of 512 bytes, a name, a size in octal, the bytes.
fn entries(package: &Path) -> Vec<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(package).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    let text = |field: &[u8]| String::from_utf8_lossy(field).trim_end_matches(['\0', ' ']).to_owned();
    let (mut at, mut found) = (0, Vec::new());
    while let Some(header) = bytes.get(at..at + 512).filter(|header| header[0] != 0) {
        let size = usize::from_str_radix(&text(&header[124..136]), 8).unwrap();
        let name = text(&header[..100]);
        at += 512;
        if header[156] == b'0' && name.ends_with(".json") && !name.contains("/.") {
            found.push((name, bytes[at..at + size].to_vec()));
        }
        at += size.div_ceil(512) * 512;
    }
    found
}
