//! Messages of a regional engine, with what HL7's validator found in them.

use std::path::Path;

use kernel::Timestamp;
use serde_json::Value;
use validator::{Codes, Finding, Format, Library, Package, Severity, Validator, check::Request};

use crate::data::{self, CORE};

const TERMINOLOGY: &str = "hl7.terminology.r4-7.0.1";
const EXTENSIONS: &str = "hl7.fhir.uv.extensions.r4-5.2.0";

fn packages(names: &[&str]) -> Option<Library> {
    let mut packages = Vec::new();
    for name in names {
        packages.push(Package::read(&data::bytes(&format!("packages/{name}.tgz"))?).unwrap());
    }
    Some(Library::new(packages))
}

fn errors(validator: &Validator<'_>, bytes: &[u8]) -> Vec<Finding> {
    let request = Request { profiles: &[], now: Timestamp::from_seconds(1_760_000_000) };
    let outcome = validator.validate_bytes(bytes, Format::Json, &request);
    outcome.findings.into_iter().filter(|finding| finding.severity >= Severity::Error).collect()
}

/// Everything that the regional guide stands on, in the builds at hand; its messages were checked with another build.
const REGIONAL: [&str; 8] = [
    CORE,
    TERMINOLOGY,
    EXTENSIONS,
    "fhir.r4.ukcore-2025-06-20-differential",
    "hl7.fhir.uv.genomics-reporting-3.0.0-rebuilt",
    "hl7.fhir.eu.laboratory-0.1.1-rebuilt",
    "hl7.fhir.uv.sdc-2022-03-01-rebuilt",
    "fhir.nwgenomics.nhs.uk-0.0.7-rebuilt",
];

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("SKIPPED: {} is not there", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// `expression` of each error that no terminology made, as often as it is there.
fn without_terminology(errors: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let of_codes = [
        "Terminology",
        "UNKNOWN_CODE",
        "NO_VALID_DISPLAY",
        "Display_Name",
        "UNABLE_TO_INFER",
        "Unknown_Code",
    ];
    let mut left: Vec<String> = errors
        .filter(|(id, _)| !of_codes.iter().any(|kind| id.starts_with(kind)))
        .map(|(_, expression)| expression)
        .collect();
    left.sort();
    left
}

fn expected(outcome: &Value) -> Vec<String> {
    let issues = outcome["issue"].as_array().unwrap().iter();
    let errors = issues.filter(|issue| issue["severity"] == "error" || issue["severity"] == "fatal");
    without_terminology(errors.map(|issue| {
        let extensions = issue["extension"].as_array().into_iter().flatten();
        let id = extensions.filter(|one| one["url"].as_str().unwrap().ends_with("message-id"));
        let id = id.filter_map(|one| one["valueCode"].as_str()).next().unwrap_or_default();
        (id.to_owned(), issue["expression"][0].as_str().unwrap_or_default().to_owned())
    }))
}

/// Whether an outcome names the types that a message has: `Bundle.entry[3].resource/*Specimen/…*/`. An outcome without its input counts nothing.
fn speaks_of(outcome: &Value, message: &Value) -> bool {
    let expressions =
        outcome["issue"].as_array().unwrap().iter().filter_map(|issue| issue["expression"][0].as_str());
    expressions.into_iter().all(|expression| {
        let Some((entry, rest)) =
            expression.strip_prefix("Bundle.entry[").and_then(|rest| rest.split_once("].resource/*"))
        else {
            return true;
        };
        let at: usize = entry.parse().unwrap();
        message["entry"][at]["resource"]["resourceType"].as_str() == rest.split('/').next()
    })
}

#[test]
fn an_outcome_of_another_message_is_noticed() {
    let message = serde_json::json!({"entry": [{"resource": {"resourceType": "Patient"}}]});
    let of = |expression: &str| serde_json::json!({"issue": [{"expression": [expression]}, {}]});
    assert!(speaks_of(&of("Bundle.entry[0].resource/*Patient/null*/.name"), &message));
    assert!(speaks_of(&of("Bundle.entry[0]"), &message));
    assert!(!speaks_of(&of("Bundle.entry[0].resource/*Specimen/null*/"), &message));
    assert!(!speaks_of(&of("Bundle.entry[1].resource/*Patient/null*/"), &message));
}

#[test]
fn messages_of_the_regional_engine() {
    let Some(library) = packages(&REGIONAL) else { return };
    let validator = Validator::new(&library, Box::new(Codes::new(&library)));
    let (mut all, mut reproduced, mut extra) = (0, 0, 0);
    for (file, outcome) in files(&data::root().join("exchange/validation-results")) {
        let message = file.replace(".OperationOutcome.json", ".json");
        let folders = ["R01", "O21", "R32"].map(|kind| data::root().join("exchange/v2-to-fhir").join(kind));
        let Some(bytes) = folders.iter().find_map(|folder| std::fs::read(folder.join(&message)).ok()) else {
            eprintln!("NOT COUNTED: {message} is not there");
            continue;
        };
        let outcome = serde_json::from_slice(&outcome).unwrap();
        if !speaks_of(&outcome, &serde_json::from_slice(&bytes).unwrap()) {
            eprintln!("NOT COUNTED: what was found about {message} was found in another build of it");
            continue;
        }
        let expected = expected(&outcome);
        let found = errors(&validator, &bytes);
        let texts: Vec<_> =
            found.iter().map(|error| format!("{}: {}", error.expression, error.text())).collect();
        let ours = found.into_iter().map(|error| (error.message.id.to_owned(), error.expression));
        let mut ours = without_terminology(ours);
        all += expected.len();
        for error in &expected {
            match ours.iter().position(|own| own == error) {
                Some(at) => {
                    ours.remove(at);
                    reproduced += 1;
                }
                None => eprintln!("  {message} − {error}"),
            }
        }
        extra += ours.len();
        for error in &ours {
            let text =
                texts.iter().find(|text| text.starts_with(&format!("{error}: "))).map_or("", String::as_str);
            eprintln!("  {message} + {}", text.chars().take(300).collect::<String>());
        }
    }
    eprintln!("regional messages: {reproduced} of {all} errors reproduced, {extra} besides");
    assert!(reproduced * 100 >= all * 95, "fewer than 95 of 100");
    assert_eq!(extra, 0, "none besides");
}
