//! The examples of published guides: how many have errors, so that no change finds more of them unseen.

use std::collections::BTreeMap;

use fhirpath::document::Format;
use kernel::Timestamp;
use validator::{
    Codes, Finding, Library, Package, Severity, Validator,
    check::Request,
    package::{Examples, Limits},
};

use crate::data;

/// urls of other servers that end otherwise than the resource's id, a unit that is no vital sign's.
const US_CORE_FAULTY: usize = 3;
/// Relative references among entries whose fullUrls are UUIDs.
const IPS_FAULTY: usize = 4;
/// Made from XML by a tool that wrote decimals as strings and left `fhir_comments`.
const UK_CORE_FAULTY: usize = 135;

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

/// How many examples of the last package have errors; each error is told.
fn faulty(names: &[&str]) -> Option<(usize, usize)> {
    let library = library(names)?;
    let validator = Validator::new(&library, Box::new(Codes::new(&library)));
    let package = library.packages().last()?;
    let (mut all, mut faulty) = (0, 0);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for example in package.examples() {
        let found = errors(&validator, &example.json());
        all += 1;
        faulty += usize::from(!found.is_empty());
        for finding in &found {
            *kinds.entry(finding.message_id()).or_default() += 1;
            eprintln!("{} {}: {}", example.name, finding.expression, finding.text());
        }
    }
    eprintln!("{names:?}: {faulty} of {all} have errors: {kinds:?}");
    Some((all, faulty))
}

#[test]
fn of_us_core() {
    let Some((all, faulty)) = faulty(&["us_core_610"]) else { return };
    assert!(all > 150 && faulty <= US_CORE_FAULTY, "{faulty} of {all}");
}

#[test]
fn of_ips() {
    let Some((all, faulty)) = faulty(&["ips_v110"]) else { return };
    assert!(all > 30 && faulty <= IPS_FAULTY, "{faulty} of {all}");
}

#[test]
fn of_uk_core() {
    let Some((all, faulty)) = faulty(&["fhir.r4.ukcore-2025-06-20-differential"]) else { return };
    assert!(all > 200 && faulty <= UK_CORE_FAULTY, "{faulty} of {all}");
}
