//! R4 as the binary carries it, beside R4 as its package says it in full.

use std::{collections::BTreeSet, io::Read, sync::OnceLock};

use fhirpath::document::Format;
use kernel::Timestamp;
use validator::{
    Codes, Library, Package, Validator,
    check::Request,
    package::{Examples, Limits, R4},
};

use crate::data::{CORE, bytes, root};

/// What it may add to the binary.
const BYTES_MAX: usize = 4 << 20;

fn carried() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| Library::new([Package::r4().unwrap()]))
}

#[test]
fn the_binary_carries_r4() {
    let package = Package::r4().unwrap();
    assert_eq!(package.manifest.id(), format!("{}#{}", R4.0, R4.1));
    assert!(package.manifest.is_core() && package.size_bytes() <= BYTES_MAX, "{}", package.size_bytes());
    let types: BTreeSet<&str> =
        carried().packages()[0].resources().map(|one| &*one.head.resource_type).collect();
    assert_eq!(types, ["CodeSystem", "StructureDefinition", "ValueSet"].into());
    let meta = carried().type_definition("Meta").unwrap().parse().unwrap();
    let paths =
        meta["snapshot"]["element"].as_array().unwrap().iter().map(|element| element["path"].as_str());
    let paths: Vec<&str> = paths.flatten().collect();
    assert!(
        paths.contains(&"Meta.tag") && !paths.contains(&"Meta.project"),
        "R4's and nobody else's: {paths:?}"
    );
}

fn found(validator: &Validator<'_>, text: &[u8]) -> Vec<String> {
    let request = Request { profiles: &[], now: Timestamp::from_seconds(1_760_000_000) };
    let format = if text.trim_ascii_start().starts_with(b"<") { Format::Xml } else { Format::Json };
    let findings = validator.validate_bytes(text, format, &request).findings;
    let shown = findings.iter().map(|one| format!("{:?} {} {}", one.severity, one.expression, one.text()));
    shown.collect()
}

/// Texts of a folder, with their names.
fn folder(path: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(root().join(path)) else {
        eprintln!("SKIPPED: {path} is not there");
        return Vec::new();
    };
    let files = entries.flatten().map(|entry| entry.path()).filter(|file| file.is_file());
    files.map(|file| (file.display().to_string(), std::fs::read(&file).unwrap())).collect()
}

fn synthea(name: &str) -> Option<(String, Vec<u8>)> {
    let packed = bytes(&format!("synthea/{name}.json.bz2"))?;
    let mut text = Vec::new();
    bzip2::read::BzDecoder::new(&*packed).read_to_end(&mut text).unwrap();
    Some((name.to_owned(), text))
}

#[test]
fn what_it_finds_is_what_the_whole_package_finds() {
    let Some(core) = bytes(&format!("packages/{CORE}.tgz")) else { return };
    let whole = Library::new([Package::read(&core).unwrap()]);
    let [whole, carried] =
        [&whole, carried()].map(|library| Validator::new(library, Box::new(Codes::new(library))));
    let mut texts = folder("fhir/validator-cases");
    texts.extend(folder("exchange/regional-guide-examples"));
    texts.extend(synthea("0-practitionerInformation1625911868739"));
    texts.extend(synthea("1363ed76-25b9-dc4f-6de7-6ee133d82db3"));
    if let Some(guide) = bytes("packages/us_core_610.tgz") {
        let guide = Package::read_within(&guide, &Limits::default(), Examples::Kept).unwrap();
        texts.extend(guide.examples().map(|example| (example.name.to_owned(), example.json())));
    }
    let mut told = 0;
    for (name, text) in &texts {
        let (one, other) = (found(&carried, text), found(&whole, text));
        told += one.len();
        assert_eq!(one, other, "{name}");
    }
    println!("{} texts, {told} findings, the same", texts.len());
    assert!(texts.is_empty() || (texts.len() > 300 && told > 300), "{} {told}", texts.len());
}
