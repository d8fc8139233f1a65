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
    java::{Issue, Peer},
    material::{self, IPS, REGIONAL, Set, UK_CORE, US_CORE},
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
    package.examples().map(|example| put(example.name, example.bytes)).collect()
}

fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    files
}

fn told(name: &str, peer: &mut Peer, files: &[PathBuf]) {
    let mut text = String::new();
    let mut texts = String::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        writeln!(text, "{name}").unwrap();
        for Issue { severity, message_id, line, column, expression, text: words } in peer.check(file) {
            writeln!(texts, "{name}\t{severity}\t{message_id}\t{line}\t{column}\t{expression}\t{words}")
                .unwrap();
            if severity == "error" || severity == "fatal" {
                writeln!(text, "\t{severity}\t{message_id}\t{line}\t{column}\t{expression}").unwrap();
            }
        }
    }
    fs::create_dir_all(WRITTEN).unwrap();
    fs::write(format!("{WRITTEN}/{name}.txt"), text).unwrap();
    let texts_at = material::made().join(format!("{name}.tsv"));
    fs::write(&texts_at, texts).unwrap();
    println!("{name}: {} files; all issues with their texts: {}", files.len(), texts_at.display());
}
