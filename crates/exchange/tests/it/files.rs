//! What tests of files share: what rows become, and how a run of them is broken off again and again.

use std::{sync::Arc, time::Duration};

use exchange::{
    connector::{Mapper, files::Records},
    mapping::{Ids, Mapping},
    run::Run,
};
use kernel::{Digest, Entropy, Timestamp};
use serde_json::{Value, json};
use testkit::SeededEntropy;
use tokio::task::JoinSet;

use crate::stage::{HERE, Stage};

/// Rows of people, whatever the file that they come in.
pub fn people(streams: &[&str]) -> Records {
    let rule = json!([{"target": "Patient", "key": "/mrn", "set": {
        "identifier[0].value": {"from": "/mrn", "required": true}, "name[0].family": "/name"}}]);
    let streams: serde_json::Map<String, Value> =
        streams.iter().map(|name| ((*name).to_owned(), rule.clone())).collect();
    records(&json!({"streams": streams}))
}

pub fn records(mapping: &Value) -> Records {
    let mapping = Mapping::read(mapping).unwrap_or_else(|issues| panic!("{issues:?}"));
    let digest = |text: &str| Digest::from_bytes(crypto::sha256(text.as_bytes()));
    Records::with(Mapper::with(Arc::new(mapping), Ids::new(digest)), digest)
}

/// A table of people with these numbers, each with a name that says which state of the file it is of.
pub fn table(numbers: std::ops::Range<usize>, name: &str) -> String {
    let rows = numbers.map(|nth| format!("m{nth:05},\"{name}, {nth}\"\r\n"));
    std::iter::once("mrn,name\r\n".to_owned()).chain(rows).collect()
}

/// An hour before the clock stands, and so many seconds more.
pub fn long_ago(now: Timestamp, more_s: u64) -> Timestamp {
    now - Duration::from_secs(3_600) + Duration::from_secs(more_s)
}

/// The run, with workers that are killed at any moment.
pub async fn killed(stage: &Stage, run: Run, seed: u64) -> Run {
    let chance = SeededEntropy::new(seed);
    // Fewer than the attempts that a run has without bringing anything.
    for _ in 0..6 {
        let mut bytes = [0; 2];
        chance.fill(&mut bytes);
        let mut killed = JoinSet::new();
        let worker = stage.worker();
        killed.spawn(async move { worker.run_due().await });
        let moments = Duration::from_millis(u64::from(u16::from_be_bytes(bytes) % 3_000));
        // A worker that is through before has nothing to be killed in.
        drop(tokio::time::timeout(moments, killed.join_next()).await);
        killed.shutdown().await;
        stage.clock.advance(Duration::from_secs(31));
    }
    stage.ended(run).await
}

/// Family names of the people here, by number.
pub async fn names(stage: &Stage) -> Vec<(String, String)> {
    let mut names: Vec<(String, String)> = Vec::new();
    for (text, _) in stage.records(HERE).await.into_values() {
        let value: Value = serde_json::from_str(&text).unwrap();
        let word =
            |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        names.push((word("/identifier/0/value"), word("/name/0/family")));
    }
    names.sort();
    names
}

/// What a table says of them.
pub fn said(tables: &[(std::ops::Range<usize>, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (numbers, name) in tables {
        all.extend(numbers.clone().map(|nth| (format!("m{nth:05}"), format!("{name}, {nth}"))));
    }
    all.sort();
    all
}
