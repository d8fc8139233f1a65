//! Who sees which events: two patients at two sites, against brute force over all events.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{auditor, found, line};
use crate::stage::{Calls, NORTH, NORTH_TWO, SOUTH, Stage, token, token_of};

const PATIENTS: [&str; 2] = ["anna", "bert"];

async fn lived(system: &Calls<'_>) {
    for patient in PATIENTS {
        system
            .put(
                &format!("/fhir/Patient/{patient}"),
                &json!({"resourceType": "Patient", "id": patient}).to_string(),
            )
            .await
            .expect(201);
    }
    let observation = |id: &str, subject: &str, performer: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
            "subject": {"reference": format!("Patient/{subject}")}, "performer": [{"reference": format!("Patient/{performer}")}]})
    };
    let entries: Vec<Value> = [("a", "anna", "anna"), ("b", "bert", "bert"), ("both", "anna", "bert")]
        .iter()
        .map(|(id, subject, performer)| json!({"resource": observation(id, subject, performer), "request": {"method": "PUT", "url": format!("Observation/{id}")}}))
        .collect();
    system
        .post(
            "/fhir",
            &json!({"resourceType": "Bundle", "type": "transaction", "entry": entries}).to_string(),
        )
        .await
        .expect(200);
    for path in [
        "Patient/anna",
        "Patient/bert",
        "Observation/a",
        "Observation/b",
        "Observation/both",
        "Patient/anna/_history",
        "Patient/nobody",
    ] {
        system.get(&format!("/fhir/{path}")).await;
    }
    for question in [
        "Observation?subject=Patient/anna",
        "Observation?status=final&_count=2",
        "Patient?_id=bert",
        "Observation?subject=Patient/nobody",
    ] {
        system.get(&format!("/fhir/{question}")).await.expect(200);
    }
    system.delete("/fhir/Observation/b").await.expect(200);
    system.get("/fhir/Patient/bert/$everything").await.expect(200);
}

fn ids(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

/// The patients who occur in an event.
fn whose(event: &Value) -> BTreeSet<String> {
    let agents = event["agent"].as_array().into_iter().flatten().map(|agent| &agent["who"]["reference"]);
    let entities =
        event["entity"].as_array().into_iter().flatten().map(|entity| &entity["what"]["reference"]);
    let named = agents.chain(entities).filter_map(|reference| reference.as_str()?.strip_prefix("Patient/"));
    named.map(|id| id.split('/').next().unwrap().to_owned()).collect()
}

/// What everybody may see: all events of the site, of whom each is, and how many.
async fn known(stage: &Stage, site: &str, organisation: u8) -> Vec<Value> {
    let all = stage.by(token(organisation, "system/AuditEvent.rs", "", "")).at(site);
    let events = found(&all, "_count=7").await;
    // What was asked in the meantime is told too; it says nothing of records.
    events.into_iter().filter(|event| !line(event).contains("AuditEvent")).collect()
}

on_stage!(
    async fn patients_find_the_events_about_them_and_no_others(with_foundation, stage) {
        for (site, organisation) in [(NORTH, 1), (NORTH_TWO, 1), (SOUTH, 2)] {
            lived(&stage.by(token(organisation, "system/*.cruds", "", "")).at(site)).await;
        }
        for (site, organisation) in [(NORTH, 1), (SOUTH, 2)] {
            let all = known(&stage, site, organisation).await;
            assert!(all.len() > 20, "{}", all.len());
            for patient in PATIENTS {
                let own: Vec<Value> = all.iter().filter(|event| whose(event).contains(patient)).cloned().collect();
                let own_ids = ids(&own);
                let by = stage.by(token(organisation, "patient/AuditEvent.rs", patient, "")).at(site);
                let by_sight = stage.by(token(organisation, "user/AuditEvent.rs", "", patient)).at(site);
                for by in [&by, &by_sight] {
                    for query in ["", "_count=1", "patient=anna,bert", "type=rest", "date=gt2000"] {
                        let seen = found(by, query).await;
                        let seen: Vec<Value> = seen.into_iter().filter(|event| !line(event).contains("AuditEvent")).collect();
                        assert_eq!(ids(&seen), own_ids, "{patient} {query}");
                        assert_eq!(seen.len(), own_ids.len(), "nothing twice");
                    }
                    let other = if patient == "anna" { "bert" } else { "anna" };
                    let shared = own.iter().filter(|event| whose(event).contains(other));
                    let seen = found(by, &format!("patient={other}")).await;
                    assert_eq!(seen.iter().filter(|event| !line(event).contains("AuditEvent")).count(), shared.count());
                    // Reading tells no more than finding, byte for byte.
                    let nowhere = by.get("/fhir/AuditEvent/nowhere").await.expect(404);
                    for event in &all {
                        let id = event["id"].as_str().unwrap();
                        let answer = by.get(&format!("/fhir/AuditEvent/{id}")).await;
                        match own_ids.contains(id) {
                            true => assert_eq!(answer.status, 200, "{event}"),
                            false => assert_eq!((answer.status, &answer.body), (404, &nowhere.body), "{event}"),
                        }
                    }
                    let counted = by.get("/fhir/AuditEvent?action=D&_summary=count").await.expect(200).json();
                    assert_eq!(counted["total"], own.iter().filter(|event| event["action"] == "D").count());
                }
            }
        }
    }
);

on_stage!(
    async fn nothing_of_one_site_is_told_at_another(with_foundation, stage) {
        lived(&stage.north()).await;
        let all = known(&stage, NORTH, 1).await;
        for by in [auditor(&stage).at(NORTH_TWO), stage.by(token(2, "system/AuditEvent.rs", "", "")).at(SOUTH)] {
            assert!(found(&by, "patient=anna").await.is_empty());
            let nowhere = by.get("/fhir/AuditEvent/nowhere").await.expect(404);
            for event in &all {
                let there = by.get(&format!("/fhir/AuditEvent/{}", event["id"].as_str().unwrap())).await;
                assert_eq!((there.status, there.body), (404, nowhere.body.clone()));
            }
        }
    }
);

on_stage!(
    async fn what_was_asked_of_others_is_not_told(with_foundation, stage) {
        lived(&stage.north()).await;
        stage.north().get("/fhir/Observation?subject=Patient/anna,Patient/bert").await.expect(200);
        let anna = stage.by(token(1, "patient/AuditEvent.rs", "anna", ""));
        let seen = found(&anna, "subtype=search-type").await;
        let lines: BTreeSet<String> = seen.iter().map(line).collect();
        assert!(lines.contains("search-type Observation?subject=* of Patient/anna: 0"), "{lines:?}");
        for event in found(&anna, "").await {
            assert!(!line(&event).contains("bert") && !event.to_string().contains("Patient/bert"), "{event}");
        }
    }
);

on_stage!(
    async fn a_patient_sees_what_they_did_and_nobody_else_does_without_a_scope(with_foundation, stage) {
        lived(&stage.north()).await;
        let scopes = "patient/AuditEvent.rs patient/Observation.rs";
        let anna = stage.by(token_of(1, scopes, "anna", "anna", "Patient/anna"));
        anna.get("/fhir/Observation/b").await.expect(404);
        let lines: BTreeSet<String> = found(&anna, "agent=Patient/anna").await.iter().map(line).collect();
        assert!(lines.contains("read Observation/b of -: 4"), "{lines:?}");
        stage.by(token(1, "patient/Observation.rs", "anna", "anna")).get("/fhir/AuditEvent").await.expect(403);
        stage.by(token(1, "system/AuditEvent.c", "", "")).get("/fhir/AuditEvent").await.expect(403);
        let deletions = stage.by(token(1, "system/AuditEvent.rs?action=D", "", ""));
        let seen = found(&deletions, "").await;
        assert_eq!(seen.iter().map(line).collect::<Vec<_>>(), ["delete Observation/b/_history/2 of Patient/bert: 0"]);
        // Whoever looks at what was recorded is recorded.
        let looked = found(&auditor(&stage), "entity-role=24").await;
        assert!(looked.iter().any(|event| line(event).starts_with("search-type AuditEvent?agent=Patient/anna of Patient/anna")));
    }
);
