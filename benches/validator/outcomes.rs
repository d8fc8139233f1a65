//! What HL7's validator finds in examples and messages, written down for `crates/validator/tests/it/peer`: severity, message id, line,
//! column and expression of each error, and nothing of what is in the resources.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use validator::{
    Package,
    package::{Examples, Limits},
};

use crate::{
    java::{self, Issue, Peer},
    material::{self, BASE, IPS, REGIONAL, Set, UK_CORE, US_CORE},
};

const WRITTEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/peer");

pub fn write(class_path: &str) {
    for (name, set) in [("us-core", US_CORE), ("ips", IPS), ("uk-core", UK_CORE)] {
        told(name, &mut Peer::start(class_path, set), &examples(set));
    }
    let mut peer = Peer::start(class_path, REGIONAL);
    let folder = |name: &str| in_folder(&material::root().join("exchange").join(name));
    told("regional-examples", &mut peer, &folder("regional-guide-examples"));
    let messages = ["O21", "R01", "R32"].map(|kind| folder(&format!("v2-to-fhir/{kind}")));
    told("regional-messages", &mut peer, &messages.concat());
    let name = material::made().join("r4-core.txt");
    told_in(&name, "r4-core", &mut Peer::start(class_path, BASE), &r4());
}

/// R4's own examples, Apache-2.0, of which the smaller ones are looked at.
const R4: &str = "org.linuxforhealth.fhir:fhir-examples:5.0.0";
const R4_BYTES_MAX: u64 = 300 << 10;

/// Those, fetched by Maven and put where the tests look for them.
fn r4() -> Vec<PathBuf> {
    let (all, folder) = (material::made().join("unpacked"), material::made().join("r4-examples"));
    let includes = "-Dmdep.unpack.includes=json/spec/*.json";
    let output = format!("-DoutputDirectory={}", all.display());
    java::maven(&["dependency:unpack", &format!("-Dartifact={R4}"), includes, &output]);
    fs::create_dir_all(&folder).unwrap();
    let mut files = Vec::new();
    for file in in_folder(&all.join("json/spec")) {
        if fs::metadata(&file).unwrap().len() <= R4_BYTES_MAX {
            let here = folder.join(file.file_name().unwrap());
            fs::copy(&file, &here).unwrap();
            files.push(here);
        }
    }
    files
}

/// The examples of the last package, put where the peer can read them.
fn examples(set: &Set) -> Vec<PathBuf> {
    let bytes = material::package(set.last().unwrap());
    let package = Package::read_within(&bytes, &Limits::default(), Examples::Kept).unwrap();
    let folder = material::made().join("examples");
    fs::create_dir_all(&folder).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let file = folder.join(name.rsplit('/').next().unwrap());
        fs::write(&file, bytes).unwrap();
        file
    };
    package.examples().map(|example| put(example.name, &example.json())).collect()
}

fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    files
}

fn told(name: &str, peer: &mut Peer, files: &[PathBuf]) {
    fs::create_dir_all(WRITTEN).unwrap();
    told_in(&PathBuf::from(format!("{WRITTEN}/{name}.txt")), name, peer, files);
}

fn told_in(facts: &Path, name: &str, peer: &mut Peer, files: &[PathBuf]) {
    let mut text = String::new();
    let mut texts = String::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        writeln!(text, "{name}").unwrap();
        for Issue { severity, message_id, line, column, expression, text: words } in peer.check(file) {
            writeln!(texts, "{name}\t{severity}\t{message_id}\t{line}\t{column}\t{expression}\t{words}")
                .unwrap();
            if severity == "error" || severity == "fatal" {
                let message_id = named(&message_id, &words);
                writeln!(text, "\t{severity}\t{message_id}\t{line}\t{column}\t{expression}").unwrap();
            }
        }
    }
    fs::write(facts, text).unwrap();
    let texts_at = material::made().join(format!("{name}.tsv"));
    fs::write(&texts_at, texts).unwrap();
    println!("{name}: {} files; all issues with their texts: {}", files.len(), texts_at.display());
}

/// A message id; those of codes and displays that it looks up itself have none.
fn named<'m>(id: &'m str, words: &str) -> &'m str {
    let is_of_codes =
        ["Unknown code", "Wrong Display", "Wrong whitespace"].iter().any(|start| words.starts_with(start));
    if id.is_empty() && is_of_codes { "Terminology" } else { id }
}
