//! Examples of published guides and messages of a regional engine, beside what HL7's validator finds in the same files: no error that it
//! does not give.

use std::collections::BTreeMap;

use fhirpath::document::Format;
use kernel::Timestamp;
use validator::{
    Codes, Finding, Library, Package, Severity, Validator,
    check::Request,
    package::{Examples, Limits},
};

use crate::{
    data,
    peer::{self, Fault},
};

/// Everything that the regional guide stands on.
const REGIONAL: [&str; 5] = [
    "fhir.r4.ukcore-2025-06-20-differential",
    "hl7.fhir.uv.genomics-reporting-3.0.0-rebuilt",
    "hl7.fhir.eu.laboratory-0.1.1-rebuilt",
    "hl7.fhir.uv.sdc-2022-03-01-rebuilt",
    "fhir.nwgenomics.nhs.uk-0.0.7-rebuilt",
];

/// What of the other's errors is found here too, of how many.
#[derive(Debug, Default, PartialEq, Eq)]
struct Share {
    found: usize,
    all: usize,
}

impl Share {
    fn count(&mut self, is_found: bool) {
        self.all += 1;
        self.found += usize::from(is_found);
    }
}

#[derive(Debug, Default)]
struct Compared {
    files: usize,
    /// Errors about codes aside.
    structure: Share,
    codes: Share,
    /// Of the errors of both, how many stand at the same line and column, and have the same message id.
    placed: Share,
    named: Share,
    /// Errors of ours that the other does not give.
    extra: Vec<String>,
}

fn read(name: &str) -> Option<Package> {
    let bytes = data::bytes(&format!("packages/{name}.tgz"))?;
    Some(Package::read_within(&bytes, &Limits::default(), Examples::Kept).unwrap())
}

fn library(names: &[&str]) -> Option<Library> {
    let base = [data::CORE, "hl7.terminology.r4-7.0.1", "hl7.fhir.uv.extensions.r4-5.2.0"];
    let packages: Option<Vec<Package>> = base.iter().chain(names).map(|name| read(name)).collect();
    packages.map(Library::new)
}

fn errors(validator: &Validator<'_>, bytes: &[u8]) -> Vec<Finding> {
    let request = Request { profiles: &[], now: Timestamp::from_seconds(1_760_000_000) };
    let outcome = validator.validate_bytes(bytes, Format::Json, &request);
    outcome.findings.into_iter().filter(|finding| finding.severity >= Severity::Error).collect()
}

/// Errors meet by expression, each with one of the other's; the same message before another.
fn compare(file: &str, theirs: &[Fault], ours: Vec<Finding>, compared: &mut Compared) {
    compared.files += 1;
    let mut ours: Vec<Option<Finding>> = ours.into_iter().map(Some).collect();
    let mut met: Vec<bool> = vec![false; theirs.len()];
    for same_message in [true, false] {
        for (error, met) in theirs.iter().zip(&mut met).filter(|(_, met)| !**met) {
            let is_it = |own: &Finding| {
                own.expression == error.expression && (!same_message || own.message_id() == error.message_id)
            };
            if let Some(own) = ours.iter_mut().find(|own| own.as_ref().is_some_and(is_it)) {
                let own = own.take().unwrap();
                *met = true;
                compared.placed.count((own.line, own.column) == (error.line, error.column));
                compared.named.count(own.message_id() == error.message_id);
                if own.message_id() != error.message_id {
                    eprintln!("{file} ~ {} {} ({})", error.expression, error.message_id, own.message_id());
                }
            }
        }
    }
    for (error, met) in theirs.iter().zip(met) {
        let share = if error.is_of_codes() { &mut compared.codes } else { &mut compared.structure };
        share.count(met);
        if !met {
            eprintln!("{file} − {} {}", error.expression, error.message_id);
        }
    }
    // With a server it tells twice what it tells once without.
    let is_told = |own: &Finding| {
        own.message_id() == "UNABLE_TO_INFER_CODESYSTEM"
            && theirs.iter().any(|error| error.expression == own.expression && error.is_of_codes())
    };
    for own in ours.into_iter().flatten().filter(|own| !is_told(own)) {
        compared.extra.push(format!("{file} + {} {}: {}", own.expression, own.message_id(), own.text()));
    }
}

/// Files by name, each as the other has seen it.
fn compared(names: &[&str], facts: &str, files: &BTreeMap<String, Vec<u8>>, library: &Library) -> Compared {
    let validator = Validator::new(library, Box::new(Codes::new(library)));
    let facts = peer::faults(facts);
    let mut compared = Compared::default();
    for (name, theirs) in &facts {
        let bytes = files.get(*name).unwrap_or_else(|| panic!("{name} is not there"));
        compare(name, theirs, errors(&validator, bytes), &mut compared);
    }
    assert_eq!(files.len(), facts.len(), "{names:?}");
    compared.extra.sort();
    eprintln!("{names:?}: {compared:#?}");
    compared
}

fn of_guide(name: &str, facts: &str) -> Option<Compared> {
    let library = library(&[name])?;
    let files = library.packages().last()?.examples();
    let files = files.map(|own| (own.name.rsplit('/').next().unwrap_or_default().to_owned(), own.json()));
    Some(compared(&[name], facts, &files.collect(), &library))
}

fn of_folders(folders: &[&str], facts: &str) -> Option<Compared> {
    let library = library(&REGIONAL)?;
    let mut files = BTreeMap::new();
    for folder in folders {
        for entry in std::fs::read_dir(data::root().join("exchange").join(folder)).ok()? {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    Some(compared(folders, facts, &files, &library))
}

/// What is aimed at, and what was reached and is kept: errors of the other that are found here too, aside from those about codes.
fn kept(compared: &Compared, found: usize) {
    assert_eq!(compared.extra, [""; 0], "errors that HL7's validator does not give");
    assert!(compared.structure.found >= found, "{:?}, and {found} before", compared.structure);
}

#[test]
fn of_us_core() {
    let Some(compared) = of_guide("us_core_610", include_str!("peer/us-core.txt")) else { return };
    kept(&compared, 2);
}

#[test]
fn of_ips() {
    let Some(compared) = of_guide("ips_v110", include_str!("peer/ips.txt")) else { return };
    kept(&compared, 83);
}

#[test]
fn of_uk_core() {
    let name = "fhir.r4.ukcore-2025-06-20-differential";
    let Some(compared) = of_guide(name, include_str!("peer/uk-core.txt")) else { return };
    kept(&compared, 300);
}

#[test]
fn of_the_regional_guide() {
    let folders = ["regional-guide-examples"];
    let Some(compared) = of_folders(&folders, include_str!("peer/regional-examples.txt")) else { return };
    kept(&compared, 58);
}

#[test]
fn messages_of_the_regional_engine() {
    let folders = ["v2-to-fhir/O21", "v2-to-fhir/R01", "v2-to-fhir/R32"];
    let Some(compared) = of_folders(&folders, include_str!("peer/regional-messages.txt")) else { return };
    kept(&compared, 18);
}

/// HL7's command line looks at no reference that leads elsewhere; what a url says of its target is looked at here.
const OF_REFERENCES: &str = "Reference_REF_BadTargetType2";
/// All examples of R4 up to a size, but for the specification's own definitions of types, once `cargo bench -p validator --bench peer -- outcomes` has fetched them and asked the other.
#[test]
fn of_r4() {
    let made = concat!(env!("CARGO_TARGET_TMPDIR"), "/validator-peer");
    let Some(library) = library(&[]) else { return };
    let Ok(facts) = std::fs::read_to_string(format!("{made}/r4-core.txt")) else {
        eprintln!("SKIPPED: {made}/r4-core.txt is not there");
        return;
    };
    let facts = peer::faults(&facts);
    let validator = Validator::new(&library, Box::new(Codes::new(&library)));
    let mut compared = Compared::default();
    for (name, theirs) in &facts {
        let bytes = std::fs::read(format!("{made}/r4-examples/{name}")).unwrap();
        if serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["resourceType"]
            == "StructureDefinition"
        {
            continue;
        }
        let mut ours = errors(&validator, &bytes);
        ours.retain(|own| own.message_id() != OF_REFERENCES);
        compare(name, theirs, ours, &mut compared);
    }
    compared.extra.sort();
    eprintln!("R4: {compared:#?}");
    kept(&compared, 1591);
}
