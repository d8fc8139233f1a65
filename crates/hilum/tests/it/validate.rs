//! `hilum validate` and `hilum packages`, as a build server meets them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use hilum::validate::{
    input::{BATCH_RESOURCES_MAX, Inputs},
    work,
};
use kernel::Timestamp;
use serde_json::Value;
use validator::{
    Library, Validator,
    check::{NoTerminology, Request},
};

/// Exit status and what was written.
fn run(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hilum"));
    let done = command.args(words).current_dir(folder).env_clear().output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

/// A cache that has a core package of nothing but its manifest, and a guide that is built on it.
fn cache() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |package: &str, file: &str, text: &str| {
        let at = folder.path().join("packages").join(package).join("package");
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join(file), text).unwrap();
    };
    let core = r#"{"name":"hl7.fhir.r4.core","version":"4.0.1","fhirVersions":["4.0.1"]}"#;
    write("hl7.fhir.r4.core#4.0.1", "package.json", core);
    let guide = r#"{"name":"a.guide","version":"1.0.0","dependencies":{"hl7.fhir.r4.core":"4.0.1"}}"#;
    write("a.guide#1.0.0", "package.json", guide);
    write("a.guide#1.0.0", "ValueSet-v.json", r#"{"resourceType":"ValueSet","url":"http://a/v"}"#);
    folder
}

#[test]
fn what_cannot_run_is_no_answer() {
    let cache = cache();
    let folder = cache.path();
    fs::write(folder.join("a.json"), "{}").unwrap();
    for words in [
        &["validate", "--packages", "nowhere", "a.json"][..],
        &["validate", "--packages", "packages", "--ig", "b.guide#1.0.0", "a.json"],
        &["validate", "--packages", "packages", "--profile", "http://a/p", "a.json"],
        &["validate", "--packages", "packages", "gone.json"],
        &["validate", "--packages", "packages"],
        &["packages", "list"],
        &["packages", "--packages", "nowhere", "verify"],
        &["packages", "--packages", "packages", "add", "a.json"],
    ] {
        let (status, out, err) = run(folder, words);
        assert_eq!(status, 2, "{words:?}: {out}{err}");
        assert!(!err.is_empty() || out.contains("could not be read"), "{words:?}: {out}");
    }
}

#[test]
fn without_packages_the_r4_of_the_binary_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let patient = |gender: &str| format!(r#"{{"resourceType":"Patient","gender":"{gender}"}}"#);
    fs::write(folder.path().join("good.json"), patient("female")).unwrap();
    fs::write(folder.path().join("bad.json"), patient("unheard-of")).unwrap();
    let (status, out, err) = run(folder.path(), &["validate", "good.json"]);
    assert_eq!(status, 0, "{out}{err}");
    let (status, out, err) = run(folder.path(), &["validate", "bad.json"]);
    assert_eq!(status, 1, "{out}{err}");
    assert!(out.contains("Patient.gender"), "{out}");
}

#[test]
fn what_is_malformed_is_an_error_in_every_form() {
    let cache = cache();
    let folder = cache.path();
    fs::write(folder.join("bad.json"), "{\"resourceType\":\n \"Patient\",}").unwrap();
    fs::write(folder.join("bad.ndjson"), "{\"resourceType\":\"Patient\",}\n\n{,}\n").unwrap();
    let validate = |output: &str, file: &str| {
        let words = ["validate", "--packages", "packages", "--ig", "a.guide#1.0.0", "--output", output, file];
        let (status, out, err) = run(folder, &words);
        assert_eq!(status, 1, "{output}: {out}{err}");
        out
    };
    assert!(validate("text", "bad.json").starts_with("bad.json\n  fatal: 2:12"));
    let outcome: Value = serde_json::from_str(&validate("json", "bad.json")).unwrap();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let many: Value = serde_json::from_str(&validate("json", "bad.ndjson")).unwrap();
    assert_eq!(many["entry"].as_array().unwrap().len(), 2);
    let log: Value = serde_json::from_str(&validate("sarif", "bad.ndjson")).unwrap();
    let region = &log["runs"][0]["results"][1]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], 3, "lines count from the beginning of the file");
    assert!(validate("junit", "bad.json").contains("failures=\"1\""));
}

#[test]
fn packages_are_listed_verified_and_added() {
    let cache = cache();
    let (status, out, _) = run(cache.path(), &["packages", "--packages", "packages", "list"]);
    assert_eq!(status, 0);
    assert!(out.contains("a.guide#1.0.0") && out.contains("hl7.fhir.r4.core#4.0.1"), "{out}");
    let (status, out, _) =
        run(cache.path(), &["packages", "--packages", "packages", "verify", "a.guide#1.0.0"]);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("a.guide#1.0.0: 1 resources"), "{out}");
    let (status, out, _) =
        run(cache.path(), &["packages", "--packages", "packages", "verify", "b.guide#1.0.0"]);
    assert_eq!(status, 1);
    assert!(out.contains("b.guide#1.0.0 is not there"), "{out}");
    fs::write(cache.path().join("packages/bomb.tgz"), "no archive").unwrap();
    let (status, out, _) = run(cache.path(), &["packages", "--packages", "packages", "verify"]);
    assert_eq!(status, 1);
    assert!(out.contains("bomb.tgz"), "{out}");
}

#[test]
fn what_was_read_is_kept_and_can_be_removed() {
    let cache = cache();
    let here = cache.path();
    fs::write(here.join("a.json"), "{}").unwrap();
    let validate =
        ["validate", "--packages", "packages", "--compiled", "kept", "--ig", "a.guide#1.0.0", "a.json"];
    let compiled = |more: &[&str]| {
        let words =
            [&["packages", "--compiled", "kept", "--packages", "packages", "compiled"], more].concat();
        let (status, out, err) = run(here, &words);
        assert_eq!(status, 0, "{err}");
        out
    };
    assert!(compiled(&[]).contains("kept: 0 packages, 0 bytes"));
    let first = run(here, &validate);
    assert!(compiled(&[]).contains("kept: 2 packages"), "{}", compiled(&[]));
    assert_eq!(run(here, &validate), first, "by what is kept as by what is there");
    for file in fs::read_dir(here.join("kept")).unwrap() {
        fs::write(file.unwrap().path(), "HILUMPKG, but damaged").unwrap();
    }
    assert_eq!(run(here, &validate), first, "what is damaged is read anew");
    assert!(compiled(&["--clear"]).contains("2 packages"));
    assert!(compiled(&[]).contains("kept: 0 packages, 0 bytes"));
    let (status, _, err) = run(here, &["packages", "compiled"]);
    assert_eq!(status, 2, "without a home there is no folder");
    assert!(err.contains("--compiled"), "{err}");
}

#[test]
fn folders_files_and_lines_come_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir(folder.path().join("b")).unwrap();
    write("a.json", "{}");
    write("b/z.xml", "<Patient/>");
    write("b/readme.txt", "not a resource");
    write("c.ndjson", "{\"n\":1}\n\n{\"n\":2}");
    let mut inputs = Inputs::new(&[folder.path().to_owned(), folder.path().join("gone.json")]);
    let batch = inputs.batch();
    let told: Vec<String> = batch
        .iter()
        .map(|input| match input {
            Ok(input) => {
                let name = input.file.rsplit('/').next().unwrap();
                format!("{name} {:?} {:?} {}", input.line, input.format, input.bytes.len())
            }
            Err(unread) => format!("unread {}", unread.file.rsplit('/').next().unwrap()),
        })
        .collect();
    assert_eq!(
        told,
        [
            "a.json None Json 2",
            "z.xml None Xml 10",
            "c.ndjson Some(1) Json 8",
            "c.ndjson Some(3) Json 7",
            "unread gone.json"
        ]
    );
    assert!(inputs.batch().is_empty());
}

#[test]
fn many_lines_are_read_in_bounded_batches_and_told_in_order() {
    const LINES: usize = 3 * BATCH_RESOURCES_MAX + 5;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.ndjson");
    let lines: String =
        (0..LINES).map(|at| format!("{{\"resourceType\":\"A\",\"id\":\"{at}\"}}\n")).collect();
    fs::write(&file, lines).unwrap();
    let library = Library::default();
    let validator = Validator::new(&library, Box::new(NoTerminology));
    let request = Request { profiles: &[], now: Timestamp::from_seconds(0) };
    let (mut told, mut largest) = (Vec::new(), 0);
    let mut inputs = Inputs::new(std::slice::from_ref(&file));
    let done = work::each_batch(&validator, &request, &mut inputs, 2, |batch| {
        largest = largest.max(batch.len());
        told.extend(batch.iter().map(|one| (one.line, one.outcome.is_ok())));
        Ok::<(), ()>(())
    });
    assert_eq!((done, largest), (Ok(()), BATCH_RESOURCES_MAX));
    let expected: Vec<_> = (1..=LINES).map(|line| (u32::try_from(line).ok(), true)).collect();
    assert!(told == expected, "each once and in its order");
    let mut batches = 0;
    let stopped = work::each_batch(&validator, &request, &mut Inputs::new(&[file]), 2, |batch| {
        batches += usize::from(!batch.is_empty());
        if batch.is_empty() { Ok(()) } else { Err("the pipe is closed") }
    });
    assert_eq!((stopped, batches), (Err("the pipe is closed"), 1), "nothing more is told");
}

/// The real packages, which lie beside the repository.
pub(crate) fn data() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests find their material through the environment")]
    let root = std::env::var("HILUM_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(root).join("fhir/packages");
    let is_there = folder.is_dir();
    if !is_there {
        eprintln!("SKIPPED: {} is not there", folder.display());
    }
    is_there.then_some(folder)
}

#[test]
fn a_good_patient_is_good_and_a_bad_one_is_not() {
    let Some(packages) = data() else { return };
    let here = tempfile::tempdir().unwrap();
    let core = packages.join("hl7.fhir.r4.core-4.0.1-reconstructed.tgz");
    let core = core.to_str().unwrap();
    let added = run(here.path(), &["packages", "--packages", "p", "add", core]);
    assert_eq!(added.0, 0, "{added:?}");
    assert!(here.path().join("p/hl7.fhir.r4.core#4.0.1.tgz").is_file());
    let text = "<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">x</div>";
    let patient = |gender: &str| {
        format!(
            "{{\"resourceType\":\"Patient\",\"text\":{{\"status\":\"generated\",\"div\":\"{text}\"}},\"gender\":\"{gender}\"}}"
        )
    };
    fs::write(here.path().join("good.json"), patient("female")).unwrap();
    fs::write(here.path().join("bad.json"), patient("blue")).unwrap();
    let good = run(here.path(), &["validate", "--packages", "p", "good.json"]);
    assert_eq!(good.0, 0, "{good:?}");
    let bad = run(here.path(), &["validate", "--packages", "p", "bad.json", "good.json"]);
    assert_eq!(bad.0, 1, "{bad:?}");
    assert!(bad.1.contains("Patient.gender") && !bad.1.contains("good.json"), "{bad:?}");
    assert!(bad.1.contains("2 resources checked, 1 not valid"), "{bad:?}");
}
