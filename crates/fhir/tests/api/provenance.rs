//! `X-Provenance`: kept with what it is about, or neither is.  <https://hl7.org/fhir/R4/http.html#provenance>

use http::Method;
use serde_json::{Value, json};

use crate::stage::{Calls, Heard, NORTH, Stage, organisation, site, token};
use fhir::{
    By,
    site::{Assigned, Policy, SiteCode, Validation, assign},
};

const SAID: &str = r#"{"resourceType":"Provenance","recorded":"2026-11-22T04:00:00Z","agent":[{"who":{"reference":"Practitioner/m0"}}]}"#;

fn observation(id: &str, patient: &str) -> String {
    json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
        "subject": {"reference": format!("Patient/{patient}")}})
    .to_string()
}

async fn with(by: &Calls<'_>, (method, path): (&str, &str), said: &str, body: &str) -> Heard {
    let media = if method == "PATCH" { "application/json-patch+json" } else { "application/fhir+json" };
    by.call(method.parse().unwrap(), path, &[("x-provenance", said), ("content-type", media)], body).await
}

/// The targets of all Provenances, the newest first.
async fn targets(stage: &Stage, query: &str) -> Vec<Vec<String>> {
    let found = stage.north().get(&format!("/fhir/Provenance?{query}")).await.expect(200).json();
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    let targets = |entry: &Value| {
        let all = entry["resource"]["target"].as_array().unwrap().iter();
        all.map(|one| one["reference"].as_str().unwrap().to_owned()).collect()
    };
    entries.iter().map(targets).collect()
}

on_stage!(
    async fn it_is_kept_with_the_version_that_it_is_about(with_foundation, stage) {
        let by = stage.north();
        with(&by, ("PUT", "/fhir/Observation/a"), SAID, &observation("a", "anna")).await.expect(201);
        with(&by, ("PUT", "/fhir/Observation/a"), SAID, &observation("a", "anna")).await.expect(200);
        let patch = r#"[{"op":"add","path":"/language","value":"en"}]"#;
        with(&by, ("PATCH", "/fhir/Observation/a"), SAID, patch).await.expect(200);
        by.put("/fhir/Observation/a", &observation("a", "anna")).await.expect(200);
        let versions: Vec<Vec<String>> =
            [3, 2, 1].iter().map(|n| vec![format!("Observation/a/_history/{n}")]).collect();
        assert_eq!(targets(&stage, "target=Observation/a").await, versions);
        let made = with(&by, ("POST", "/fhir/Observation"), SAID, &observation("x", "anna")).await.expect(201).json();
        let id = made["id"].as_str().unwrap();
        assert_eq!(targets(&stage, &format!("target=Observation/{id}")).await, [[format!("Observation/{id}/_history/1")]]);
        assert_eq!(targets(&stage, "agent=Practitioner/m0&_count=50").await.len(), 4);
        // Nothing is written, so nothing is said.
        let once = [("x-provenance", SAID), ("if-none-exist", "_id=a")];
        by.call(Method::POST, "/fhir/Observation", &once, &observation("x", "anna")).await.expect(200);
        assert_eq!(targets(&stage, "_count=50").await.len(), 4);
    }
);

on_stage!(
    async fn of_a_transaction_one_tells_of_all(with_foundation, stage) {
        let entry = |url: &str, resource: &str| json!({"resource": serde_json::from_str::<Value>(resource).unwrap(), "request": {"method": "PUT", "url": url}});
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("Observation/a", &observation("a", "anna")), entry("Observation/b", &observation("b", "bert"))]});
        with(&stage.north(), ("POST", "/fhir"), SAID, &bundle.to_string()).await.expect(200);
        let mut all = targets(&stage, "target=Observation/a").await;
        all[0].sort();
        assert_eq!(all, [["Observation/a/_history/1", "Observation/b/_history/1"]]);
        let wrong = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("Observation/a", &observation("a", "anna")), {"request": {"method": "GET"}}]});
        with(&stage.north(), ("POST", "/fhir"), SAID, &wrong.to_string()).await.expect(400);
        assert_eq!(targets(&stage, "").await.len(), 1);
    }
);

on_stage!(
    async fn what_is_no_provenance_is_refused_and_nothing_is_kept(with_foundation, stage) {
        let by = stage.north();
        for said in [
            "", "x", "{}", r#"{"resourceType":"Patient"}"#, r#"{"resourceType":"Provenance","resourceType":"Provenance"}"#,
            r#"{"resourceType":"Provenance","target":[{"reference":"Observation/a"}]}"#, "[1]",
        ] {
            let refused = with(&by, ("PUT", "/fhir/Observation/a"), said, &observation("a", "anna")).await.expect(400);
            assert!(refused.json()["issue"][0].to_string().contains("X-Provenance"), "{said}: {}", refused.body);
        }
        let twice = [("x-provenance", SAID), ("x-provenance", SAID)];
        by.call(Method::PUT, "/fhir/Observation/a", &twice, &observation("a", "anna")).await.expect(400);
        let enforced = Policy { validation: Validation::Enforce, ..Policy::default() };
        let wanted = Assigned { code: SiteCode::parse(NORTH), policy: Some(enforced), ..Assigned::default() };
        assign(&stage.db, &stage.world, &By::system(organisation(1)), site(1), wanted).await.unwrap();
        // What every node hears a moment later, this one has to hear too.
        stage.clock.advance(std::time::Duration::from_secs(31));
        let unsaid = r#"{"resourceType":"Provenance","recorded":"2026-11-22T04:00:00Z"}"#;
        let refused = with(&by, ("PUT", "/fhir/Observation/a"), unsaid, &observation("a", "anna")).await.expect(422);
        assert!(refused.body.contains("X-Provenance: Provenance"), "{}", refused.body);
        by.get("/fhir/Observation/a").await.expect(404);
        with(&by, ("PUT", "/fhir/Observation/a"), SAID, &observation("a", "anna")).await.expect(201);
        assert_eq!(targets(&stage, "").await.len(), 1);
    }
);

on_stage!(
    async fn it_takes_the_scope_to_create_one(with_foundation, stage) {
        let anna = json!({"resourceType": "Patient", "id": "anna"}).to_string();
        stage.north().put("/fhir/Patient/anna", &anna).await.expect(201);
        let without = stage.by(token(1, "system/Observation.cruds system/Patient.cruds", "", ""));
        with(&without, ("PUT", "/fhir/Patient/anna"), SAID, &anna).await.expect(403);
        assert_eq!(stage.north().get("/fhir/Patient/anna").await.expect(200).json()["meta"]["versionId"], "1");
        // A patient's Provenance is about that patient's records.
        let own = stage.by(token(1, "patient/Patient.cruds patient/Provenance.cruds", "anna", "anna"));
        with(&own, ("PUT", "/fhir/Patient/anna"), SAID, &anna).await.expect(200);
        assert_eq!(targets(&stage, "patient=anna").await, [["Patient/anna/_history/2"]]);
        assert!(stage.south().get("/fhir/Provenance").await.expect(200).json().get("entry").is_none());
        let others = stage.by(token(1, "patient/*.rs", "bert", "bert"));
        assert!(others.get("/fhir/Provenance?target=Patient/anna").await.expect(200).json().get("entry").is_none());
    }
);
