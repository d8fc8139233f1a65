//! R4's examples and some synthetic patients, each record under its own id.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use fhir::parameter::ResourceType;
use serde_json::Value;

use crate::{
    connection::Connection,
    hapi, material,
    server::{Server, folder},
};

/// Of each type that many examples at the most.
const OF_TYPE_MAX: usize = 40;
/// Synthetic patients, the smallest.
const PATIENTS: usize = 2;
/// What would change how a server searches, or what it does by itself.
const LEFT_OUT: [&str; 2] = ["SearchParameter", "Subscription"];
/// What is R4B's, and R4's here for the sake of subscriptions.
const NOT_OF_R4: &str = "SubscriptionStatus";

/// A record and whose it is.
pub struct Record {
    pub of: String,
    pub id: String,
    pub json: Value,
}

impl Record {
    fn read(json: Value) -> Option<Self> {
        let of = json["resourceType"].as_str()?.to_owned();
        let id = json["id"].as_str()?.to_owned();
        // The archive holds types of R4B too.
        let is_asked =
            ResourceType::named(&of).is_some() && !LEFT_OUT.contains(&of.as_str()) && of != NOT_OF_R4;
        is_asked.then_some(Self { of, id, json })
    }
}

/// Everything that is to be loaded, each id once.
pub fn records() -> Vec<Record> {
    let mut seen = BTreeSet::new();
    let mut all = examples();
    all.extend(synthetic());
    all.retain(|record| seen.insert((record.of.clone(), record.id.clone())));
    all
}

fn examples() -> Vec<Record> {
    let Some(archive) = hapi::examples() else { return Vec::new() };
    let unpacked = folder();
    let done =
        Command::new("jar").arg("xf").arg(archive).arg("json/spec").current_dir(unpacked.path()).status();
    assert!(done.unwrap().success(), "the examples cannot be unpacked");
    let mut of_type: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::new();
    for file in listed(&unpacked.path().join("json/spec")) {
        let read = serde_json::from_slice(&std::fs::read(file).unwrap()).ok().and_then(Record::read);
        let Some(record) = read else { continue };
        let count = of_type.entry(record.of.clone()).or_default();
        *count += 1;
        if *count <= OF_TYPE_MAX {
            all.push(record);
        }
    }
    all
}

fn listed(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Synthetic patients, and what they mean of what all share, as records with ids; their references led to these.
fn synthetic() -> Vec<Record> {
    let Some((shared, mut patients)) = material::bundles() else { return Vec::new() };
    patients.sort_by_key(|bundle| bundle.entries);
    patients.truncate(PATIENTS);
    let mut shared: Vec<Record> = shared.iter().flat_map(|bundle| records_of(&bundle.text)).collect();
    shared.retain(|record| patients.iter().any(|bundle| is_meant(record, &bundle.text)));
    let by_identifier = by_identifier(&shared);
    let own = patients.iter().flat_map(|bundle| records_of(&bundle.text));
    let mut all: Vec<Record> = own.collect();
    all.extend(shared);
    let by_url: BTreeMap<String, String> = all
        .iter()
        .map(|record| (format!("urn:uuid:{}", record.id), format!("{}/{}", record.of, record.id)))
        .collect();
    for record in &mut all {
        led(&mut record.json, &|said| by_url.get(said).or_else(|| by_identifier.get(said)).cloned());
    }
    all
}

/// Whether one of its identifiers stands there: what is shared is meant by them.
fn is_meant(record: &Record, bundle: &str) -> bool {
    let identifiers = record.json["identifier"].as_array().into_iter().flatten();
    identifiers.filter_map(|one| one["value"].as_str()).any(|value| bundle.contains(value))
}

fn records_of(bundle: &str) -> Vec<Record> {
    let read: Value = serde_json::from_str(bundle).unwrap();
    read["entry"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| Record::read(entry["resource"].clone()))
        .collect()
}

/// `Practitioner?identifier=system|value` of those that others mean so.
fn by_identifier(records: &[Record]) -> BTreeMap<String, String> {
    let of = |record: &Record| {
        let identifiers = record.json["identifier"].as_array().cloned().unwrap_or_default();
        let named = identifiers.into_iter().map(|one| {
            let part = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let asked = format!("{}?identifier={}|{}", record.of, part("system"), part("value"));
            (asked, format!("{}/{}", record.of, record.id))
        });
        named.collect::<Vec<_>>()
    };
    records.iter().flat_map(of).collect()
}

/// Every `reference` said as this says it.
fn led(json: &mut Value, to: &dyn Fn(&str) -> Option<String>) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(|item| led(item, to)),
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value.as_str().and_then(to)) {
                    ("reference", Some(other)) => *value = Value::String(other),
                    _ => led(value, to),
                }
            }
        }
        _ => {}
    }
}

/// Each record put where its id says: those that were taken, those that were not with what was said.
pub fn load(server: &Server, records: Vec<Record>) -> (Vec<Record>, Vec<(Record, String)>) {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    let mut connection = server.place.connect();
    for record in records {
        match put(server, &mut connection, &record) {
            Ok(()) => taken.push(record),
            Err(said) => {
                refused.push((record, said));
                connection = server.place.connect();
            }
        }
    }
    (taken, refused)
}

/// Each record by its id alone, so that there is what others refer to: HAPI keeps no reference that leads nowhere when it comes.
pub fn announce(server: &Server, records: &[Record]) {
    let mut connection = server.place.connect();
    for Record { of, id, .. } in records {
        let json = serde_json::json!({"resourceType": of, "id": id});
        let bare = Record { of: of.clone(), id: id.clone(), json };
        if put(server, &mut connection, &bare).is_err() {
            connection = server.place.connect();
        }
    }
}

pub fn remove(server: &Server, records: &[(Record, String)]) {
    for (record, _) in records {
        let target = format!("/{}/{}", record.of, record.id);
        server.place.connect().exchange(&server.place.request("DELETE", &target, b"")).unwrap();
    }
}

fn put(server: &Server, connection: &mut Connection, record: &Record) -> Result<(), String> {
    let target = format!("/{}/{}", record.of, record.id);
    let request = server.place.request("PUT", &target, record.json.to_string().as_bytes());
    let answer = connection.exchange(&request).map_err(|fault| fault.to_string())?;
    match answer.status {
        200 | 201 => Ok(()),
        status => Err(format!("{status} {}", said(answer.body))),
    }
}

fn said(body: &[u8]) -> String {
    let outcome: Value = serde_json::from_slice(body).unwrap_or_default();
    let issue = &outcome["issue"][0];
    let words = issue["diagnostics"].as_str().or_else(|| issue["details"]["text"].as_str());
    words.unwrap_or_default().to_owned()
}
