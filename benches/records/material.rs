//! Synthea's bundles, read where `HILUM_DATA` says.

use std::{io::Read, path::PathBuf};

use bzip2::read::BzDecoder;

/// A bundle as it is sent.
pub struct Sent {
    pub text: String,
    pub entries: usize,
}

/// A file or folder of the material.
pub fn folder(name: &str) -> PathBuf {
    let data = std::env::var_os("HILUM_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    data.join(name)
}

/// Organizations, locations and practitioners, which others mean by their identifiers; then patients, a transaction each.
/// None where there is no material.
pub fn bundles() -> Option<(Vec<Sent>, Vec<Sent>)> {
    let listed = std::fs::read_dir(folder("fhir/synthea")).ok()?;
    let mut files: Vec<PathBuf> = listed.map(|file| file.unwrap().path()).collect();
    files.sort();
    let is_shared = |file: &PathBuf| file.file_name().unwrap().to_string_lossy().starts_with("0-");
    let (shared, patients): (Vec<_>, Vec<_>) = files.into_iter().partition(is_shared);
    Some((shared.iter().map(sent).collect(), patients.iter().map(sent).collect()))
}

fn sent(file: &PathBuf) -> Sent {
    let mut text = String::new();
    BzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = read["entry"].as_array().unwrap().len();
    // As a program sends it: without the room between.
    Sent { text: read.to_string(), entries }
}

/// One transaction of this many entries, made of patients' bundles again and again, each time under other `fullUrl`s.
pub fn large(patients: &[Sent], entries: usize) -> Sent {
    let mut all: Vec<String> = Vec::with_capacity(entries);
    for round in 0_u32.. {
        for bundle in patients {
            let read: serde_json::Value =
                serde_json::from_str(&under_other_urls(&bundle.text, round)).unwrap();
            let left = entries - all.len();
            // A bundle is whole or left out, but for the last: what it refers to comes first in it.
            all.extend(read["entry"].as_array().unwrap().iter().take(left).map(ToString::to_string));
            if all.len() == entries {
                let text = format!(
                    r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
                    all.join(",")
                );
                return Sent { text, entries };
            }
        }
    }
    Sent { text: String::new(), entries: 0 }
}

/// The first digit of every `urn:uuid:` moved on by as many as this.
fn under_other_urls(text: &str, round: u32) -> String {
    let mut parts = text.split("urn:uuid:");
    let mut moved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut digits = part.chars();
        let first = digits.next().and_then(|digit| digit.to_digit(16)).unwrap();
        moved.push_str("urn:uuid:");
        moved.push(char::from_digit((first + round) % 16, 16).unwrap());
        moved.push_str(digits.as_str());
    }
    moved
}
