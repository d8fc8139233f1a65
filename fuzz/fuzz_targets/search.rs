//! Searches of strangers: read or refused, never a panic; a refusal shows no value, and what was read is asked of a record.
#![no_main]

use std::sync::LazyLock;

use fhir::{
    index::extract,
    parameter::{Registry, ResourceType},
    query::{Alone, Handling, Reading, holds, limits, read},
};
use fhirpath::document::{Document, DocumentLimits};
use kernel::Timestamp;
use libfuzzer_sys::fuzz_target;

static R4: LazyLock<Registry> = LazyLock::new(|| Registry::r4().with_base("https://h.example/fhir"));

// The type, then the parameters as a query, then perhaps a record.
fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let types: Vec<ResourceType> = lines.next().and_then(ResourceType::named).into_iter().collect();
    let words = lines.next().unwrap_or_default();
    let pairs: Vec<(&str, &str)> =
        words.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let reading = |handling| Reading { registry: &R4, now: Timestamp::from_seconds(1_717_200_000), handling };
    let lenient = read(pairs.iter().copied(), &types, &reading(Handling::Lenient));
    let query = match read(pairs.iter().copied(), &types, &reading(Handling::Strict)) {
        Err(fault) => {
            let told = fault.to_string();
            assert!(told.len() < 1000 && fault.parameter.len() <= limits::NAME_SHOWN_BYTES, "{told}");
            return;
        }
        Ok(query) => query,
    };
    assert_eq!(lenient.as_ref(), Ok(&query), "what is read strictly is read leniently");
    assert!(query.criteria.len() <= limits::CRITERIA_MAX && query.includes.len() <= limits::INCLUDES_MAX);
    let json = lines.next().unwrap_or_default();
    if let Ok(document) = Document::from_json(json.as_bytes(), &DocumentLimits::default())
        && let Some(record) = extract(document.root(), &R4)
    {
        let sorted = record.entries.is_sorted_by_key(|entry| entry.parameter);
        assert!(sorted, "values of one parameter stand together");
        for criterion in &query.criteria {
            let _ = holds(&criterion.test, &record, &Alone);
        }
    }
});
