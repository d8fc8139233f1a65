//! `_typeFilter` by the search parameters of a site's packages.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::{ASYNC, exported, kick_off, named, references};
use crate::{
    parameters::{fill, switch, turn_unheard},
    stage::{Heard, NORTH_TWO, Stage},
};

/// Patients for whom this holds.
fn of(words: &str) -> String {
    let filter: String =
        url::form_urlencoded::byte_serialize(format!("Patient?{words}").as_bytes()).collect();
    format!("/fhir/$export?_type=Patient&_typeFilter={filter}")
}

fn patients(all: &[usize]) -> BTreeSet<String> {
    all.iter().map(|nth| format!("Patient/p{nth}")).collect()
}

async fn indexed(stage: &Stage, packages: &Value) {
    switch(stage, packages).await.expect(200);
    stage.worker().run_due().await.unwrap();
}

on_stage!(
    async fn parameters_of_a_package_choose_what_is_exported(of_guides, stage) {
        let system = stage.north();
        fill(&system, 12).await;
        let asked = async |words: &str| -> Heard { system.call(Method::GET, &of(words), &[ASYNC], "").await };
        asked("animal=cat").await.expect(400).tells("invalid", "animal");
        switch(&stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        // As a search is answered.
        let early = asked("animal=cat").await.expect(503);
        early.tells("transient", "being indexed by `animal`");
        assert!(!early.header("retry-after").is_empty());
        stage.worker().run_due().await.unwrap();
        for (words, expected) in [
            ("animal=cat", patients(&[0, 6])),
            ("animal=horse", patients(&[])),
            ("shoe=ge40", patients(&[10, 11])),
            ("shoe=lt33&animal:not=cat", patients(&[1, 2])),
            ("animal:missing=true&gender=other", patients(&[1, 2, 4, 5, 7, 8, 10, 11])),
            ("helper=Patient/p1", patients(&[0, 3, 6, 9])),
            ("helper=Patient/p2", patients(&[])),
        ] {
            let manifest = exported(&stage, &system, &of(words)).await;
            assert_eq!(references(&system, &manifest).await, expected, "{words}");
        }
        asked("helper.gender=other").await.expect(400).tells("invalid", "of the record itself");
        // Sites that have none of it.
        for calls in [stage.north().at(NORTH_TWO), stage.south()] {
            calls.call(Method::GET, &of("animal=cat"), &[ASYNC], "").await.expect(400).tells("invalid", "animal");
        }
    }
);

on_stage!(
    async fn an_export_by_what_is_switched_off_ends_and_says_so(of_guides, stage) {
        let system = stage.north();
        fill(&system, 12).await;
        let (first, second) = (json!(["guide.search#1.0.0"]), json!(["guide.search#2.0.0"]));
        // Off; the next version, in which `shoe` is another one; off, and on again.
        for then in [vec![json!([])], vec![second.clone()], vec![json!([]), first.clone()]] {
            indexed(&stage, &first).await;
            let by_shoe = kick_off(&system, &of("shoe:missing=true")).await;
            let all = kick_off(&system, "/fhir/$export?_type=Patient").await;
            for packages in &then {
                switch(&stage, packages).await.expect(200);
            }
            stage.worker().run_due().await.unwrap();
            system.get(&by_shoe).await.expect(500).tells("exception", "search parameter of _typeFilter");
            let manifest = system.get(&all).await.expect(200).json();
            assert_eq!(references(&system, &manifest).await.len(), 12, "{then:?}");
        }
        // What both versions define alike is the same parameter.
        indexed(&stage, &first).await;
        let by_animal = kick_off(&system, &of("animal=cat")).await;
        indexed(&stage, &second).await;
        let manifest = system.get(&by_animal).await.expect(200).json();
        assert_eq!(references(&system, &manifest).await, named(&["Patient/p0", "Patient/p6"]));
    }
);

on_stage!(
    async fn a_node_that_did_not_hear_of_it_exports_nothing_by_what_is_gone(of_guides, stage) {
        let system = stage.north();
        fill(&system, 12).await;
        indexed(&stage, &json!(["guide.search#1.0.0"])).await;
        let gone = kick_off(&system, &of("shoe:missing=true")).await;
        turn_unheard(&stage, "gone").await;
        stage.worker().run_due().await.unwrap();
        system.get(&gone).await.expect(500).tells("exception", "search parameter of _typeFilter");
    }
);
