//! What is told of each interaction.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::{auditor, balp::conforms, found, line};
use crate::stage::{Stage, token, token_of};

fn observation(id: &str, patient: &str) -> String {
    json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
        "subject": {"reference": format!("Patient/{patient}")}})
    .to_string()
}

async fn two_patients(stage: &Stage) {
    for patient in ["anna", "bert"] {
        let body = json!({"resourceType": "Patient", "id": patient}).to_string();
        stage.north().put(&format!("/fhir/Patient/{patient}"), &body).await.expect(201);
        let id = format!("of-{patient}");
        stage.north().put(&format!("/fhir/Observation/{id}"), &observation(&id, patient)).await.expect(201);
    }
}

/// What is told of what was done since the stage was set.
async fn lines(stage: &Stage, query: &str) -> BTreeSet<String> {
    let all: Vec<Value> = found(&auditor(stage), query).await;
    all.iter().for_each(conforms);
    all.iter().map(line).filter(|line| !line.contains("AuditEvent")).collect()
}

fn set(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

on_stage!(
    async fn every_interaction_is_told_for_each_patient(with_foundation, stage) {
        two_patients(&stage).await;
        assert_eq!(
            lines(&stage, "").await,
            set(&[
                "create Patient/anna/_history/1 of Patient/anna: 0",
                "create Patient/bert/_history/1 of Patient/bert: 0",
                "create Observation/of-anna/_history/1 of Patient/anna: 0",
                "create Observation/of-bert/_history/1 of Patient/bert: 0",
            ])
        );
        let by = stage.north();
        stage.clock.advance(std::time::Duration::from_secs(60));
        let since = format!("date=ge{}", stage.world.now());
        by.put("/fhir/Observation/of-anna", &observation("of-anna", "anna")).await.expect(200);
        let patch = [("content-type", "application/json-patch+json")];
        let to = r#"[{"op":"add","path":"/language","value":"en"}]"#;
        by.call(Method::PATCH, "/fhir/Observation/of-anna", &patch, to).await.expect(200);
        by.get("/fhir/Observation/of-anna").await.expect(200);
        by.get("/fhir/Observation/of-anna/_history/1").await.expect(200);
        by.get("/fhir/Observation/of-anna/_history").await.expect(200);
        by.get("/fhir/Observation?code:text=x").await.expect(200);
        by.call(Method::POST, "/fhir/Observation/_search", &[("content-type", "application/x-www-form-urlencoded")], "status=final").await.expect(200);
        by.get("/fhir/Observation?patient=bert&_summary=count").await.expect(200);
        by.get("/fhir/Patient/anna/$everything").await.expect(200);
        by.get("/fhir/Patient/anna/Observation").await.expect(200);
        by.post("/fhir/Observation/$validate", &observation("x", "anna")).await.expect(200);
        by.delete("/fhir/Observation/of-bert").await.expect(200);
        by.get("/fhir/Observation/of-bert").await.expect(410);
        by.get("/fhir/Observation/nowhere").await.expect(404);
        by.get("/fhir/Observation?unheard=of").await.expect(400);
        stage.by(token(1, "system/Patient.rs", "", "")).get("/fhir/Observation/of-anna").await.expect(403);
        by.post("/fhir/Observation", "{}").await.expect(400);
        assert_eq!(
            lines(&stage, &since).await,
            set(&[
                "update Observation/of-anna/_history/2 of Patient/anna: 0",
                "patch Observation/of-anna/_history/3 of Patient/anna: 0",
                "read Observation/of-anna/_history/3 of Patient/anna: 0",
                "vread Observation/of-anna/_history/1 of Patient/anna: 0",
                "history-instance Observation/of-anna/_history of Patient/anna: 0",
                "search-type Observation?code:text=x of Patient/anna: 0",
                "search-type Observation?code:text=x of Patient/bert: 0",
                "search-type Observation?status=final of Patient/anna: 0",
                "search-type Observation?status=final of Patient/bert: 0",
                "search-type Observation?patient=bert&_summary=count of Patient/bert: 0",
                "operation Patient/anna/$everything of Patient/anna: 0",
                "search-type Patient/anna/Observation of Patient/anna: 0",
                "operation Observation/$validate of -: 0",
                "delete Observation/of-bert/_history/2 of Patient/bert: 0",
                "read Observation/of-bert of -: 4",
                "read Observation/nowhere of -: 4",
                "search-type Observation?unheard=of of -: 4",
                "read Observation/of-anna of -: 4",
                "create  of -: 4",
            ])
        );
    }
);

on_stage!(
    async fn entries_of_bundles_are_told_each_for_itself(with_foundation, stage) {
        two_patients(&stage).await;
        stage.clock.advance(std::time::Duration::from_secs(60));
        let since = format!("date=ge{}", stage.world.now());
        let entry = |method: &str, url: &str, resource: Option<&str>| {
            let resource = resource.map(|text| serde_json::from_str::<Value>(text).unwrap());
            let mut entry = json!({"request": {"method": method, "url": url}});
            if let Some(resource) = resource {
                entry["resource"] = resource;
            }
            entry
        };
        let bundle = |kind: &str, entries: Vec<Value>| json!({"resourceType": "Bundle", "type": kind, "entry": entries}).to_string();
        let transaction = bundle("transaction", vec![
            entry("PUT", "Observation/of-anna", Some(&observation("of-anna", "anna"))),
            entry("PUT", "Observation/t", Some(&observation("t", "bert"))),
            entry("DELETE", "Observation/of-bert", None),
            entry("GET", "Patient/anna", None),
        ]);
        stage.north().post("/fhir", &transaction).await.expect(200);
        let batch = bundle("batch", vec![
            entry("GET", "Patient/bert", None),
            entry("GET", "Patient/nobody", None),
            entry("PUT", "Observation/b", Some(&observation("b", "anna"))),
        ]);
        stage.north().post("/fhir", &batch).await.expect(200);
        let wrong = bundle("transaction", vec![entry("DELETE", "Observation/never-was", None), entry("PUT", "Observation/x", Some("{}"))]);
        assert!(stage.north().post("/fhir", &wrong).await.status >= 400);
        assert_eq!(
            lines(&stage, &since).await,
            set(&[
                "update Observation/of-anna/_history/2 of Patient/anna: 0",
                "create Observation/t/_history/1 of Patient/bert: 0",
                "delete Observation/of-bert/_history/2 of Patient/bert: 0",
                "read Patient/anna/_history/1 of Patient/anna: 0",
                "read Patient/bert/_history/1 of Patient/bert: 0",
                "read Patient/nobody of -: 4",
                "create Observation/b/_history/1 of Patient/anna: 0",
                "transaction  of -: 4",
            ])
        );
    }
);

on_stage!(
    async fn events_are_valid_and_say_who_it_was(with_foundation, stage) {
        two_patients(&stage).await;
        let doctor = token_of(1, "user/*.cruds", "", "site", "Practitioner/m0|TREAT");
        let doctor = stage.by(doctor);
        let request = [("x-request-id", "r-77")];
        doctor.call(Method::GET, "/fhir/Observation/of-anna", &request, "").await.expect(200);
        doctor.call(Method::DELETE, "/fhir/Observation/of-anna", &request, "").await.expect(200);
        doctor.get("/fhir/Observation").await.expect(200);
        let all = found(&auditor(&stage), "").await;
        assert!(all.len() >= 7, "{}", all.len());
        for event in &all {
            conforms(event);
            let outcome = stage.north().post("/fhir/AuditEvent/$validate", &event.to_string()).await.expect(200).json();
            let bad = outcome["issue"].as_array().unwrap().iter().any(|issue| ["fatal", "error"].contains(&issue["severity"].as_str().unwrap()));
            assert!(!bad, "{event} {outcome}");
        }
        let by_doctor = found(&auditor(&stage), "agent=Practitioner/m0").await;
        assert_eq!(by_doctor.iter().map(line).collect::<BTreeSet<_>>(), set(&[
            "read Observation/of-anna/_history/1 of Patient/anna: 0",
            "delete Observation/of-anna/_history/2 of Patient/anna: 0",
            "search-type Observation of Patient/bert: 0",
        ]));
        for event in &by_doctor {
            let user = event["agent"].as_array().unwrap().iter().find(|agent| agent["requestor"] == true && agent["who"]["reference"] == "Practitioner/m0").unwrap();
            assert_eq!(user["purposeOfUse"][0]["coding"][0]["code"], "TREAT");
        }
        let named = found(&auditor(&stage), "entity=Observation/of-anna&action=R").await;
        assert!(named[0].to_string().contains(r#""value":"r-77""#), "{named:?}");
        for (query, count) in [("action=D", 1), ("subtype=read", 1), ("outcome=4", 0), ("entity=Patient/bert", 3), ("type=rest&patient=bert", 3), ("action:not=C", 3), ("site=HCNORTH&action=D", 1)] {
            assert_eq!(found(&auditor(&stage), query).await.iter().filter(|event| !line(event).contains("AuditEvent")).count(), count, "{query}");
        }
    }
);

on_stage!(
    async fn events_are_read_and_searched_and_nothing_else(with_foundation, stage) {
        two_patients(&stage).await;
        let everything = stage.north();
        let all = found(&everything, "patient=anna&action=C").await;
        let id = all[0]["id"].as_str().unwrap().to_owned();
        let one = everything.get(&format!("/fhir/AuditEvent/{id}")).await.expect(200);
        assert_eq!(one.json(), all[0]);
        everything.call(Method::GET, &format!("/fhir/AuditEvent/{id}"), &[("if-none-match", one.header("etag"))], "").await.expect(304);
        let body = all[0].to_string();
        everything.put(&format!("/fhir/AuditEvent/{id}"), &body).await.expect(405);
        everything.post("/fhir/AuditEvent", &body).await.expect(405);
        everything.delete(&format!("/fhir/AuditEvent/{id}")).await.expect(405);
        everything.delete("/fhir/AuditEvent?patient=anna").await.expect(405);
        let patch = [("content-type", "application/json-patch+json")];
        everything.call(Method::PATCH, &format!("/fhir/AuditEvent/{id}"), &patch, "[]").await.expect(405);
        everything.get(&format!("/fhir/AuditEvent/{id}/_history")).await.expect(405);
        everything.get(&format!("/fhir/AuditEvent/{id}/_history/1")).await.expect(405);
        everything.get("/fhir/AuditEvent/_history").await.expect(405);
        for kind in ["batch", "transaction"] {
            let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": [
                {"resource": all[0], "request": {"method": "PUT", "url": format!("AuditEvent/{id}")}},
                {"request": {"method": "DELETE", "url": format!("AuditEvent/{id}")}}]});
            let answer = everything.post("/fhir", &bundle.to_string()).await;
            assert!(answer.status >= 400 || answer.body.contains("405"), "{}", answer.body);
        }
        assert_eq!(everything.get(&format!("/fhir/AuditEvent/{id}")).await.expect(200).json(), all[0]);
        for wrong in ["_sort=date", "_include=AuditEvent:entity", "agent:Practitioner.name=x", "_has:Provenance:entity:agent=x", "unheard=of"] {
            let status = everything.get(&format!("/fhir/AuditEvent?{wrong}")).await.status;
            assert!((400..=501).contains(&status) && status != 500, "{wrong}: {status}");
        }
        everything.get("/fhir?_type=Patient,AuditEvent").await.expect(400);
        assert!(everything.get("/fhir?_type=AuditEvent&patient=anna").await.expect(200).json()["entry"].is_array());
        let counted = everything.get("/fhir/AuditEvent?action=C&outcome=0&_summary=count").await.expect(200).json();
        assert_eq!(counted["total"], 4);
        let paged = found(&everything, "action=C&outcome=0&_count=1").await;
        assert_eq!(paged.iter().map(line).collect::<BTreeSet<_>>().len(), 4);
        assert_eq!(paged.len(), 4);
    }
);

on_stage!(
    async fn events_are_kept_for_six_years_and_cannot_be_changed(with_foundation, stage) {
        let at = |seconds: i64| kernel::Timestamp::from_seconds(seconds);
        let now = stage.world.now();
        // As if the clock of the machine had been at 2010.
        stage.clock.set(at(1_262_304_000));
        two_patients(&stage).await;
        stage.north().get("/fhir/Observation?status=final").await.expect(200);
        stage.clock.set(now);
        stage.north().get("/fhir/Patient/anna").await.expect(200);
        assert_eq!(lines(&stage, "patient=anna,bert").await.len(), 7);
        for sql in ["UPDATE fhir_audit SET status = 500", "DELETE FROM fhir_audit"] {
            assert!(stage.db.execute(sql, store::binds![]).await.is_err(), "{sql}");
        }
        assert_eq!(lines(&stage, "patient=anna,bert").await.len(), 7);
        // Where longer is set it is longer.
        let day = std::time::Duration::from_hours(24);
        stage.keeping(fhir::audit_event::AUDIT_KEPT + 7_500 * day).await.worker().run_due().await.unwrap();
        assert_eq!(lines(&stage, "patient=anna,bert").await.len(), 7);
        stage.clock.advance(day);
        stage.worker().run_due().await.unwrap();
        let left = set(&["read Patient/anna/_history/1 of Patient/anna: 0"]);
        assert_eq!(lines(&stage, "").await, left);
        let rows = async |sql: &'static str| stage.db.read().await.unwrap().one::<(i64,)>(sql, store::binds![]).await.unwrap().0;
        let alone = "SELECT COUNT(*) FROM fhir_audit_patient p WHERE NOT EXISTS (SELECT 1 FROM fhir_audit a WHERE a.tenant = p.tenant AND a.id = p.id)";
        assert_eq!(rows(alone).await, 0);
    }
);
