//! Packages as bytes: what is read back is what was written, and what is not what was written is refused.

use proptest::prelude::*;
use validator::{
    Library, Package,
    package::{CompiledFault, ContentKey, Examples, FORMAT_VERSION, Limits},
};

use crate::{
    archive::Archive,
    data::{self, CORE},
};

const KEY: ContentKey = [7; 32];

fn package() -> Package {
    let manifest = r#"{"name":"a.b","version":"1.0.0","canonical":"http://a","fhirVersions":["4.0.1"],
        "dependencies":{"c.d":"1.2.x","e.f":"current$x","g":"latest","v@npm:c.d":"2.0.0"}}"#;
    let patient = r##"{"resourceType":"StructureDefinition","url":"http://h/P","type":"P","kind":"resource","abstract":false,
        "baseDefinition":"http://hl7.org/fhir/StructureDefinition/DomainResource","derivation":"specialization",
        "snapshot":{"element":[{"path":"P","max":"*","short":"words"},{"path":"P.value[x]","max":"1","mapping":[{}],
            "type":[{"code":"string"},{"code":"Quantity"}]},{"path":"P.b","max":"*","type":[{"code":"BackboneElement"}]},
            {"path":"P.b.id","max":"1","base":{"path":"Element.id","min":0,"max":"1"},"type":[{"extension":[{"url":"x","valueUrl":"string"}],
            "code":"http://hl7.org/fhirpath/System.String"}]},{"path":"P.b.c","max":"*","contentReference":"#P.b"}]}}"##;
    let tgz = Archive::default()
        .file("package/package.json", manifest)
        .file("package/P.json", patient)
        .file("package/S.json", r#"{"resourceType":"CodeSystem","id":"s","supplements":"http://c|1"}"#)
        .file("package/V.json", r#"{"resourceType":"ValueSet","url":"http://v","version":"1"}"#)
        .file("package/bad.json", "{")
        .file("package/example/e.json", r#"{"resourceType":"P","id":"e"}"#);
    Package::read_within(&tgz.tgz(), &Limits::default(), Examples::Kept).unwrap()
}

/// All that can be seen of a package.
fn seen(package: &Package) -> String {
    let resources = package.resources().chain(package.examples());
    let resources: Vec<String> = resources
        .map(|one| format!("{} {:?} {}", one.name, one.head, String::from_utf8(one.json()).unwrap()))
        .collect();
    format!("{:?} {:?} {resources:#?}", package.manifest, package.skipped())
}

/// All that the model of a package knows, in an order of its own.
fn model(package: Package) -> String {
    let shown = format!("{:#?}", Library::new([package]).definitions());
    let mut lines: Vec<&str> = shown.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn what_is_read_back_is_what_was_written() {
    let package = package();
    let bytes = package.to_bytes(&KEY).unwrap();
    let again = Package::from_bytes(bytes.clone(), &KEY).unwrap();
    assert_eq!(seen(&again), seen(&package));
    assert_eq!(package.examples().count(), 1);
    assert_eq!(again.to_bytes(&KEY), Some(bytes), "also of what was read back");
    let (by_outline, by_whole) = (model(again), model(package));
    assert!(by_whole.contains("P.b") && by_whole.contains("valueQuantity"), "{by_whole}");
    assert_eq!(by_outline, by_whole, "the model of outlines");
}

#[test]
fn other_bytes_are_refused_by_what_they_are() {
    let bytes = package().to_bytes(&KEY).unwrap();
    let refused = |bytes: &[u8], key: &ContentKey| Package::from_bytes(bytes.to_vec(), key).err();
    assert_eq!(refused(&bytes, &[8; 32]), Some(CompiledFault::OtherContent));
    assert_eq!(refused(b"", &KEY), Some(CompiledFault::Foreign));
    assert_eq!(refused(&[0x1f; 4000], &KEY), Some(CompiledFault::Foreign));
    let mut other = bytes.clone();
    other[8..12].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    assert_eq!(refused(&other, &KEY), Some(CompiledFault::OtherVersion));
    for length in 52..bytes.len() {
        assert_eq!(refused(&bytes[..length], &KEY), Some(CompiledFault::Damaged), "{length}");
    }
    for at in 44..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert_eq!(refused(&flipped, &KEY), Some(CompiledFault::Damaged), "{at}");
    }
}

/// The sum as the form has it, so that what lies behind it is reached.
fn mended(mut bytes: Vec<u8>) -> Vec<u8> {
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let body = &bytes[52..];
    let (words, rest) = body.as_chunks::<8>();
    let sum = words.iter().fold(body.len() as u64, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    let sum = rest.iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)));
    bytes[44..52].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn the_sum_here_is_the_sum_there() {
    let bytes = package().to_bytes(&KEY).unwrap();
    assert_eq!(mended(bytes.clone()), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn forged_bytes_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in 0..40_usize) {
        let mut bytes = package().to_bytes(&KEY).unwrap();
        for (at, byte) in changes {
            let at = 52 + at.index(bytes.len() - 52);
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - cut);
        if let Ok(package) = Package::from_bytes(mended(bytes), &KEY) {
            for resource in package.resources().chain(package.examples()) {
                let _ = resource.parse();
            }
            Library::new([package]).definitions();
        }
    }
}

#[test]
fn the_real_definitions_are_the_same() {
    let Some(core) = data::bytes(&format!("packages/{CORE}.tgz")) else { return };
    let package = Package::read(&core).unwrap();
    let bytes = package.to_bytes(&KEY).unwrap();
    println!("{} bytes of .tgz, {} bytes compiled", core.len(), bytes.len());
    let again = Package::from_bytes(bytes, &KEY).unwrap();
    assert_eq!(seen(&again), seen(&package));
    let (by_outline, by_whole) = (model(again), model(package));
    let other = by_outline.lines().zip(by_whole.lines()).find(|(outline, whole)| outline != whole);
    assert_eq!((by_outline.len(), other), (by_whole.len(), None), "the model of outlines");
}
