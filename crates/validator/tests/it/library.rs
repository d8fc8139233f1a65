//! Looking resources up over several packages.

use std::time::Instant;

use serde_json::json;
use validator::{Library, Package};

use crate::{
    archive::Archive,
    data::{self, CORE},
};

fn package(name: &str, canonical: &str, resources: &[(&str, &str, &str)]) -> Package {
    let manifest = json!({"name": name, "version": "1.0.0", "canonical": canonical}).to_string();
    let mut archive = Archive::default().file("package/package.json", manifest);
    for (number, (kind, url, version)) in resources.iter().enumerate() {
        let resource =
            json!({"resourceType": kind, "id": format!("{name}-{number}"), "url": url, "version": version});
        archive = archive.file(format!("package/{number}.json"), resource.to_string());
    }
    Package::read(&archive.tgz()).unwrap()
}

#[test]
fn a_canonical_is_found_by_its_version() {
    let library = Library::new(vec![
        package(
            "core",
            "http://h",
            &[
                ("ValueSet", "http://h/v", "4.0.1"),
                ("ValueSet", "http://h/v", "4.2.0-ballot"),
                ("CodeSystem", "http://t/c", "4.0.1"),
                ("NamingSystem", "http://t/c", "9.0.0"),
            ],
        ),
        package(
            "terms",
            "http://t",
            &[("CodeSystem", "http://t/c", "1.0.0"), ("ValueSet", "http://h/v", "4.0.2")],
        ),
    ]);
    let id = |canonical: &str| library.canonical(canonical).and_then(|resource| resource.head.id.as_deref());
    assert_eq!(id("http://h/v|4.0.1"), Some("core-0"));
    assert_eq!(id("http://h/v|4.0"), Some("terms-1"));
    assert_eq!(id("http://h/v|4.0.x"), Some("terms-1"));
    assert_eq!(id("http://h/v|4"), Some("terms-1"), "a release before a ballot");
    assert_eq!(id("http://h/v|4.0.9"), None);
    assert_eq!(id("http://h/v#fragment"), Some("core-1"));
    assert_eq!(id("http://t/c"), Some("terms-0"), "the package whose url it is");
    let system = library.canonical_of_type("http://t/c", "NamingSystem").unwrap();
    assert_eq!(system.head.id.as_deref(), Some("core-3"));
    let ids: Vec<_> =
        library.of_type("ValueSet").filter_map(|resource| resource.head.id.as_deref()).collect();
    assert_eq!(ids, ["core-0", "core-1", "terms-1"]);
}

#[test]
fn the_real_packages_are_read() {
    let names = [
        CORE,
        "hl7.terminology.r4-7.0.1",
        "hl7.fhir.uv.extensions.r4-5.2.0",
        "fhir.r4.ukcore-2025-06-20-differential",
        "ips_v110",
        "us_core_610",
        "hl7.fhir.us.core-3.1.1",
        "hl7.fhir.uv.genomics-reporting-3.0.0-rebuilt",
        "hl7.fhir.eu.laboratory-0.1.1-rebuilt",
        "hl7.fhir.uv.sdc-2022-03-01-rebuilt",
        "fhir.nwgenomics.nhs.uk-0.0.7-rebuilt",
    ];
    let mut packages = Vec::new();
    for name in names {
        let Some(tgz) = data::bytes(&format!("packages/{name}.tgz")) else { return };
        let start = Instant::now();
        let package = Package::read(&tgz).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let took = start.elapsed();
        assert_eq!(package.skipped(), [], "{name}");
        println!(
            "{:<45} {:>6} resources {:>9} bytes {took:?}",
            package.manifest.id(),
            package.resources().count(),
            package.size_bytes()
        );
        packages.push(package);
    }
    assert_eq!(packages[0].resources().count(), 4480);
    let start = Instant::now();
    let library = Library::new(packages);
    println!("the index over all: {:?}, {} bytes", start.elapsed(), library.size_bytes());
    let patient = library.type_definition("Patient").unwrap().parse().unwrap();
    assert_eq!(patient["url"], "http://hl7.org/fhir/StructureDefinition/Patient");
    for url in ["us/core/StructureDefinition/us-core-patient", "uv/ips/StructureDefinition/Patient-uv-ips"] {
        assert!(library.canonical(&format!("http://hl7.org/fhir/{url}")).is_some(), "{url}");
    }
    let category = library.canonical("http://terminology.hl7.org/CodeSystem/observation-category").unwrap();
    assert_ne!(category.head.version.as_deref(), Some("4.0.1"), "the terminology package stands for its own");
}

#[test]
fn definitions_in_xml_are_read_as_those_in_json() {
    let Some(core) = data::bytes(&format!("packages/{CORE}.tgz")) else { return };
    let library = Library::new([Package::read(&core).unwrap()]);
    let xml =
        |name: &str| data::bytes(&format!("validator-cases/{name}")).map(|bytes| (name.to_owned(), bytes));
    let Some(profile) = xml("jv-patient-profile-res.xml") else { return };
    let files = [profile, ("bad.xml".to_owned(), b"<Patient".to_vec())];
    let loose = Package::of_files("files", files, library.definitions().as_ref());
    assert_eq!(loose.skipped().len(), 1);
    let read = loose.resources().next().unwrap();
    let url = read.head.url.clone().unwrap();
    let tree = read.parse().unwrap();
    assert!(tree["differential"]["element"].is_array());
    assert!(tree["abstract"].is_boolean(), "{tree}");
    let with = library.with([loose]);
    assert!(library.canonical(&url).is_none());
    assert!(with.canonical_of_type(&url, "StructureDefinition").is_some());
    assert!(std::sync::Arc::ptr_eq(with.definitions(), library.definitions()), "no type was added");
    let mut snapshots = validator::Snapshots::new(&with, validator::snapshot::Published::Kept);
    assert!(snapshots.structure(&url).is_some(), "{:?}", snapshots.findings());
}

#[test]
fn a_file_that_is_named_replaces_what_is_in_a_package() {
    let old = package("core", "http://h", &[("ValueSet", "http://h/v", "4.0.1")]);
    let json = br#"{"resourceType":"ValueSet","id":"mine","url":"http://h/v","version":"1.0.0"}"#.to_vec();
    let files = Package::of_files("files", [("v.json".to_owned(), json)], &fhirpath::model::NoModel);
    let library = Library::new([old]).with([files]);
    assert_eq!(library.canonical("http://h/v").unwrap().head.id.as_deref(), Some("mine"));
}
