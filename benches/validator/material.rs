//! What is validated, and the packages that it is validated against.

use std::{fs, path::PathBuf};

/// Files of packages, without `.tgz`: what each validator loads for R4, and guides.
pub type Set = [&'static str];

macro_rules! with_base {
    ($($guide:literal),*) => {
        &["hl7.fhir.r4.core-4.0.1-reconstructed", "hl7.terminology.r4-7.0.1", "hl7.fhir.uv.extensions.r4-5.2.0" $(, $guide)*]
    };
}

pub const BASE: &Set = with_base!();
pub const US_CORE: &Set = with_base!("us_core_610");
pub const IPS: &Set = with_base!("ips_v110");
pub const UK_CORE: &Set = with_base!("fhir.r4.ukcore-2025-06-20-differential");
/// The regional guide with all that it stands on.
pub const REGIONAL: &Set = with_base!(
    "fhir.r4.ukcore-2025-06-20-differential",
    "hl7.fhir.uv.genomics-reporting-3.0.0-rebuilt",
    "hl7.fhir.eu.laboratory-0.1.1-rebuilt",
    "hl7.fhir.uv.sdc-2022-03-01-rebuilt",
    "fhir.nwgenomics.nhs.uk-0.0.7-rebuilt"
);

const SIMPLE: &str = r#"{"resourceType":"Patient","id":"simple","meta":{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"]},"identifier":[{"system":"http://hospital.example.org/mrn","value":"1"}],"name":[{"family":"Shaw","given":["Amy"]}],"gender":"female"}"#;

/// The folder of all that is real; see `README.md`.
pub fn root() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a benchmark finds its material through the environment")]
    std::env::var("HILUM_DATA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    )
}

pub fn package(name: &str) -> Vec<u8> {
    fs::read(root().join(format!("fhir/packages/{name}.tgz"))).unwrap()
}

/// The folder of all that is made here.
pub fn made() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("validator-peer");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A file that both read.
pub struct Input {
    pub name: &'static str,
    pub file: PathBuf,
    pub bytes: Vec<u8>,
}

pub fn inputs() -> Vec<Input> {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../fhirpath/tests/fixtures/r4/patient-example.json");
    vec![
        input("a simple US Core Patient", SIMPLE.into()),
        input("HL7's `patient-example`, against R4", fs::read(example).unwrap()),
        input(
            "the regional message",
            fs::read(root().join("exchange/v2-to-fhir/R01/LRI-GeneVariant-3.txt.json")).unwrap(),
        ),
        input("a Bundle of 1,000 entries", bundle(1_000).into()),
        input("a Bundle of 10,000 entries", bundle(10_000).into()),
    ]
}

pub fn input(name: &'static str, bytes: Vec<u8>) -> Input {
    let own: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let file = made().join(format!("{own}.json"));
    fs::write(&file, &bytes).unwrap();
    Input { name, file, bytes }
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
