//! Sets of packages: what is missing is told with who asked, cycles end, several versions live side by side.

use std::collections::BTreeMap;

use validator::package::{Dependency, Fetched, Found, Limits, Severity, Source, Version, resolve};

use crate::archive::Archive;

/// `name#version` → its archive, or why it cannot be had.
#[derive(Default)]
struct Shelf(BTreeMap<(String, String), Result<Vec<u8>, String>>);

impl Shelf {
    fn with(self, id: &str, needs: &[&str]) -> Self {
        self.with_fhir(id, "4.0.1", needs)
    }

    fn with_fhir(mut self, id: &str, fhir: &str, needs: &[&str]) -> Self {
        let (name, version) = id.split_once('#').unwrap();
        let needs: BTreeMap<_, _> = needs.iter().map(|need| need.split_once('#').unwrap()).collect();
        let manifest = serde_json::json!({
            "name": name, "version": version, "fhirVersions": [fhir], "dependencies": needs });
        let tgz = Archive::default().file("package/package.json", manifest.to_string()).tgz();
        self.0.insert((name.to_owned(), version.to_owned()), Ok(tgz));
        self
    }
}

impl Source for Shelf {
    fn versions(&self, name: &str) -> Vec<Version> {
        self.0.keys().filter(|(n, _)| n == name).map(|(_, version)| Version::new(version)).collect()
    }

    fn fetch(&self, name: &str, version: &Version) -> Result<Fetched, String> {
        let key = (name.to_owned(), version.as_str().to_owned());
        self.0.get(&key).cloned().unwrap_or_else(|| Err("gone".to_owned())).map(Fetched::Archive)
    }
}

fn resolved(shelf: &Shelf, roots: &[&str]) -> (Vec<String>, Vec<String>) {
    let roots: Vec<Dependency> = roots.iter().map(|root| Dependency::new(root)).collect();
    let resolution = resolve(&roots, shelf, &Limits::default());
    let ids = resolution.packages.iter().map(|package| package.manifest.id()).collect();
    (ids, resolution.findings.iter().map(ToString::to_string).collect())
}

const CORE: &str = "hl7.fhir.r4.core#4.0.1";

#[test]
fn what_is_needed_comes_first() {
    let shelf = Shelf::default()
        .with(CORE, &[])
        .with("a.guide#1.0.0", &["b.base#1.x", "c.terms#2.0"])
        .with("b.base#1.0.0", &[])
        .with("b.base#1.4.0", &["c.terms#latest"])
        .with("c.terms#2.0.3", &[]);
    let (packages, findings) = resolved(&shelf, &["a.guide#1.0.0"]);
    assert_eq!(packages, [CORE, "c.terms#2.0.3", "b.base#1.4.0", "a.guide#1.0.0"]);
    assert_eq!(findings, [""; 0]);
}

#[test]
fn the_core_is_that_of_the_fhir_version() {
    let shelf = Shelf::default().with(CORE, &[]).with("a.b#1.0.0", &[]);
    assert_eq!(resolved(&shelf, &["a.b"]).0, [CORE, "a.b#1.0.0"]);
    let (packages, findings) = resolved(&Shelf::default().with("a.b#1.0.0", &[]), &["a.b"]);
    assert_eq!(packages, ["a.b#1.0.0"]);
    assert_eq!(findings, ["hl7.fhir.r4.core#4.0.1 is not there (asked for by fhirVersions)"]);
    let shelf = Shelf::default().with(CORE, &[]).with_fhir("a.b#1.0.0", "5.0.0", &[CORE]);
    assert_eq!(resolved(&shelf, &["a.b"]).1, ["a.b#latest is made for FHIR 5.0.0"]);
}

#[test]
fn what_is_missing_is_told_with_who_asked() {
    let shelf = Shelf::default()
        .with(CORE, &[])
        .with("a.guide#1.0.0", &["b.base#1.0.0"])
        .with("b.base#1.0.0", &["c.gone#1.0.0", "d.old#2.x"])
        .with("d.old#1.0.0", &[]);
    let (packages, findings) = resolved(&shelf, &["a.guide"]);
    assert_eq!(packages, [CORE, "b.base#1.0.0", "a.guide#1.0.0"]);
    assert_eq!(
        findings,
        [
            "c.gone#1.0.0 is not there (asked for by a.guide#1.0.0 → b.base#1.0.0)",
            "d.old#2.x is not there; there are: 1.0.0 (asked for by a.guide#1.0.0 → b.base#1.0.0)",
        ]
    );
}

#[test]
fn a_cycle_ends_and_is_told() {
    let shelf = Shelf::default()
        .with(CORE, &[])
        .with("a.a#1.0.0", &["b.b#1.0.0"])
        .with("b.b#1.0.0", &["a.a#1.0.0"])
        .with("c.c#1.0.0", &["c.c#1.0.0"]);
    let (packages, findings) = resolved(&shelf, &["a.a", "c.c"]);
    assert_eq!(packages.len(), 4);
    assert_eq!(
        findings,
        [
            "a.a#1.0.0 needs itself (asked for by a.a#1.0.0 → b.b#1.0.0)",
            "c.c#1.0.0 needs itself (asked for by c.c#1.0.0)"
        ]
    );
}

#[test]
fn versions_live_side_by_side() {
    let shelf = Shelf::default()
        .with(CORE, &[])
        .with("a.a#1.0.0", &["t.t#1.0.0", "b.b#1.0.0"])
        .with("b.b#1.0.0", &["t.t#2.0.0"])
        .with("t.t#1.0.0", &[])
        .with("t.t#2.0.0", &[]);
    let roots = [Dependency::new("a.a")];
    let resolution = resolve(&roots, &shelf, &Limits::default());
    assert_eq!(resolution.packages.len(), 5);
    let [finding] = resolution.findings.as_slice() else { panic!("{:?}", resolution.findings) };
    assert_eq!(finding.severity(), Severity::Information);
    assert!(matches!(&finding.found, Found::SideBySide(versions) if versions.len() == 2));
}

#[test]
fn an_archive_of_another_package_is_refused() {
    let mut shelf = Shelf::default().with(CORE, &[]).with("a.a#1.0.0", &[]).with("x.x#1.0.0", &[]);
    let other = shelf.0[&("x.x".to_owned(), "1.0.0".to_owned())].clone();
    shelf.0.insert(("a.a".to_owned(), "1.0.0".to_owned()), other.clone());
    shelf.0.insert(("b.b".to_owned(), "1.0.0".to_owned()), Ok(b"this is no archive at all".to_vec()));
    shelf.0.insert(("c.c".to_owned(), "1.0.0".to_owned()), Err("the server is away".to_owned()));
    shelf.0.insert(("x.x".to_owned(), "current".to_owned()), other);
    let (packages, findings) = resolved(&shelf, &["a.a", "b.b", "c.c", "x.x#current"]);
    assert_eq!(packages, [CORE, "x.x#1.0.0"], "a build keeps its own version");
    assert_eq!(findings[0], "a.a#latest holds another package: x.x#1.0.0");
    assert!(findings[1].starts_with("b.b#latest is refused: not a gzip stream"), "{}", findings[1]);
    assert_eq!(findings[2], "c.c#latest cannot be had: the server is away");
}

#[test]
fn a_package_that_lies_unpacked_is_the_one_that_was_packed() {
    let files = [
        ("package/other/x.json", r#"{"resourceType":"ValueSet","url":"http://o/v"}"#),
        ("package/ValueSet-v.json", r#"{"resourceType":"ValueSet","url":"http://o/w"}"#),
        ("package/package.json", r#"{"name":"a.b","version":"1.0.0"}"#),
    ];
    let files = || files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    let unpacked = validator::Package::unpacked(files()).unwrap();
    let tgz = files().fold(Archive::default(), |archive, (name, text)| archive.file(name, text)).tgz();
    let packed = validator::Package::read(&tgz).unwrap();
    let names = |package: &validator::Package| -> Vec<String> {
        package.resources().map(|resource| resource.name.to_owned()).collect()
    };
    assert_eq!(names(&unpacked), ["package/ValueSet-v.json"]);
    assert_eq!((names(&unpacked), unpacked.manifest), (names(&packed), packed.manifest));
    assert!(validator::Package::unpacked(files().take(2)).is_err(), "no manifest");
}
