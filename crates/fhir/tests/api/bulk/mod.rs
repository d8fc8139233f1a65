//! Records in bulk: what is exported, to whom, and how it goes on.

mod access;
mod consent;
mod deidentify;
mod export;
mod fetch;
mod files;
mod import;
mod parameters;
mod resume;
mod upload;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::Value;

use crate::stage::{BASE, Calls, Heard, Stage};

const ASYNC: (&str, &str) = ("prefer", "respond-async");

/// The path of one of our addresses.
fn path(url: &str) -> String {
    format!("/fhir{}", url.strip_prefix(BASE).unwrap_or_else(|| panic!("{url}")))
}

/// Kick off; where its status is.
async fn kick_off(caller: &Calls<'_>, at: &str) -> String {
    let begun = caller.call(Method::GET, at, &[ASYNC], "").await.expect(202);
    path(begun.header("content-location"))
}

/// Kick off, do what is due, and read the manifest.
async fn exported(stage: &Stage, caller: &Calls<'_>, at: &str) -> Value {
    let status = kick_off(caller, at).await;
    stage.worker().run_due().await.unwrap();
    caller.get(&status).await.expect(200).json()
}

/// The text of the files of a manifest, by role and type.
async fn files(caller: &Calls<'_>, manifest: &Value) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for role in ["output", "deleted", "error"] {
        for file in manifest[role].as_array().unwrap() {
            let text = caller.get(&path(file["url"].as_str().unwrap())).await.expect(200);
            assert_eq!(text.header("content-type"), "application/fhir+ndjson");
            let count = text.body.lines().count();
            assert_eq!(file["count"].as_u64(), u64::try_from(count).ok(), "{}", file["url"]);
            let name = format!("{role} {}", file["type"].as_str().unwrap());
            let before = files.insert(name, text.body);
            assert!(before.is_none());
        }
    }
    files
}

/// The references of all records of the output.
async fn references(caller: &Calls<'_>, manifest: &Value) -> BTreeSet<String> {
    let files = files(caller, manifest).await;
    let lines =
        files.iter().filter(|(name, _)| name.starts_with("output")).flat_map(|(_, text)| text.lines());
    lines
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            format!("{}/{}", record["resourceType"].as_str().unwrap(), record["id"].as_str().unwrap())
        })
        .collect()
}

fn named(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

fn patient(id: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"F{id}"}}],"birthDate":"1970-01-01"}}"#
    )
}

fn observation(id: &str, patient: &str, code: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},"subject":{{"reference":"Patient/{patient}"}}}}"#
    )
}

async fn put(system: &Calls<'_>, text: &str) -> Heard {
    let record: Value = serde_json::from_str(text).unwrap();
    let at = format!("/fhir/{}/{}", record["resourceType"].as_str().unwrap(), record["id"].as_str().unwrap());
    let heard = system.put(&at, text).await;
    assert!(heard.status == 200 || heard.status == 201, "{}", heard.body);
    heard
}

/// Two patients with an observation each, and what is nobody's.
async fn fill(system: &Calls<'_>) {
    for id in ["anna", "bert"] {
        put(system, &patient(id)).await;
        put(system, &observation(&format!("of-{id}"), id, if id == "anna" { "a" } else { "b" })).await;
    }
    put(system, r#"{"resourceType":"Practitioner","id":"pia"}"#).await;
    let group = r#"{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/anna"}}]}"#;
    put(system, group).await;
}
