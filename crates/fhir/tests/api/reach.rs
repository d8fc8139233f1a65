//! Who sees what: sites, patients, scopes. What may not be seen is answered as what is not there.

use http::Method;

use crate::stage::{NORTH_TWO, Stage, token};

fn observation(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},"subject":{{"reference":"Patient/{patient}"}}}}"#
    )
}

async fn two_patients(stage: &Stage) {
    let system = stage.north();
    for patient in ["anna", "bert"] {
        system
            .put(
                &format!("/fhir/Patient/{patient}"),
                &format!(r#"{{"resourceType":"Patient","id":"{patient}"}}"#),
            )
            .await
            .expect(201);
        let id = format!("of-{patient}");
        system.put(&format!("/fhir/Observation/{id}"), &observation(&id, patient)).await.expect(201);
    }
}

on_stage!(
    async fn nothing_of_one_site_is_seen_from_another(stage) {
        two_patients(&stage).await;
        for caller in [stage.south(), stage.north().at(NORTH_TWO)] {
            let there = caller.get("/fhir/Observation/of-anna").await.expect(404);
            let nowhere = caller.get("/fhir/Observation/nowhere").await.expect(404);
            assert_eq!(there.body, nowhere.body);
            for path in ["/fhir/Observation/of-anna/_history", "/fhir/Observation/of-anna/_history/1"] {
                caller.get(path).await.expect(404);
            }
            caller.delete("/fhir/Observation/of-anna").await.expect(404);
            assert!(caller.get("/fhir/_history").await.expect(200).json().get("entry").is_none());
            // The same id is free here.
            caller.put("/fhir/Observation/of-anna", &observation("of-anna", "anna")).await.expect(201);
        }
        assert_eq!(stage.north().get("/fhir/Observation/of-anna").await.expect(200).json()["meta"]["versionId"], "1");
    }
);

on_stage!(
    async fn a_patients_scope_opens_the_records_of_that_patient(stage) {
        two_patients(&stage).await;
        let anna = stage.by(token(1, "patient/*.cruds", "anna", "anna"));
        anna.get("/fhir/Patient/anna").await.expect(200);
        anna.get("/fhir/Observation/of-anna").await.expect(200);
        let hidden = anna.get("/fhir/Observation/of-bert").await.expect(404);
        assert_eq!(hidden.body, anna.get("/fhir/Observation/nowhere").await.expect(404).body);
        anna.get("/fhir/Patient/bert").await.expect(404);
        anna.get("/fhir/Observation/of-bert/_history").await.expect(404);
        let all = anna.get("/fhir/_history").await.expect(200).json();
        let ids: Vec<&str> = all["entry"].as_array().unwrap().iter().map(|entry| entry["resource"]["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["of-anna", "anna"]);
        let types = anna.get("/fhir/Observation/_history").await.expect(200).json();
        assert_eq!(types["entry"].as_array().unwrap().len(), 1);
    }
);

on_stage!(
    async fn what_is_kept_and_what_is_sent_are_both_asked(stage) {
        two_patients(&stage).await;
        let anna = stage.by(token(1, "patient/*.cruds", "anna", "anna"));
        let of_bert = observation("of-anna", "bert");
        anna.put("/fhir/Observation/of-anna", &of_bert).await.expect(403);
        let hidden = anna.put("/fhir/Observation/of-bert", &observation("of-bert", "anna")).await.expect(404);
        let nowhere = anna.put("/fhir/Observation/nowhere", &observation("nowhere", "anna")).await.expect(404);
        assert_eq!(hidden.body, nowhere.body, "which ids others have is not told");
        anna.put("/fhir/Observation/of-anna", &observation("of-anna", "anna")).await.expect(200);
        anna.post("/fhir/Observation", &of_bert).await.expect(403);
        anna.post("/fhir/Observation", &observation("x", "anna")).await.expect(201);
        let patch = [("content-type", "application/json-patch+json")];
        let to_bert = r#"[{"op":"replace","path":"/subject/reference","value":"Patient/bert"}]"#;
        anna.call(Method::PATCH, "/fhir/Observation/of-anna", &patch, to_bert).await.expect(403);
        anna.call(Method::PATCH, "/fhir/Observation/of-bert", &patch, to_bert).await.expect(404);
        anna.delete("/fhir/Observation/of-bert").await.expect(404);
        stage.north().delete("/fhir/Observation/of-bert").await.expect(200);
        let gone = anna.delete("/fhir/Observation/of-bert").await.expect(404);
        assert_eq!(gone.body, anna.delete("/fhir/Observation/nowhere").await.expect(404).body);
        anna.get("/fhir/Observation/of-bert").await.expect(404);
        anna.delete("/fhir/Observation/of-anna").await.expect(200);
        anna.get("/fhir/Observation/of-anna").await.expect(410);
    }
);

on_stage!(
    async fn a_record_that_turned_out_to_be_anothers_is_not_seen_as_it_was(stage) {
        two_patients(&stage).await;
        let anna = stage.by(token(1, "patient/*.rs", "anna", "anna"));
        anna.get("/fhir/Observation/of-anna/_history/1").await.expect(200);
        stage.north().put("/fhir/Observation/of-anna", &observation("of-anna", "bert")).await.expect(200);
        anna.get("/fhir/Observation/of-anna").await.expect(404);
        anna.get("/fhir/Observation/of-anna/_history/1").await.expect(404);
    }
);

on_stage!(
    async fn scopes_with_search_parameters_open_what_matches_them(stage) {
        two_patients(&stage).await;
        let by = |scopes: &str, patient: &str| stage.by(token(1, scopes, patient, "anna"));
        for (scopes, patient, status) in [
            ("system/Observation.rs?status=final", "", 200),
            ("system/Observation.rs?status=draft", "", 404),
            ("system/Observation.rs?subject=Patient/anna", "", 200),
            ("system/Observation.rs?subject=Patient/bert", "", 404),
            ("patient/Observation.rs?status=final", "anna", 200),
            ("patient/Observation.rs?status=final", "bert", 404),
            ("system/Observation.rs?unheard=of", "", 404),
            ("system/Observation.rs?status=draft system/Observation.rs?code:text=x", "", 200),
        ] {
            by(scopes, patient).get("/fhir/Observation/of-anna").await.expect(status);
        }
        let drafts = by("system/Observation.cu?status=final", "");
        let draft = observation("of-anna", "anna").replace("final", "preliminary");
        drafts.put("/fhir/Observation/of-anna", &draft).await.expect(403);
        drafts.post("/fhir/Observation", &draft).await.expect(403);
        drafts.post("/fhir/Observation", &observation("x", "anna")).await.expect(201);
    }
);

on_stage!(
    async fn an_id_that_is_claimed_opens_nothing(stage) {
        two_patients(&stage).await;
        let anna = stage.by(token(1, "patient/*.cruds", "anna", "anna"));
        anna.post("/fhir/Patient", r#"{"resourceType":"Patient","id":"anna"}"#).await.expect(403);
        stage.by(token(1, "system/Patient.c?_id=anna", "", "")).post("/fhir/Patient", r#"{"resourceType":"Patient","id":"anna"}"#).await.expect(403);
    }
);

on_stage!(
    async fn what_a_person_may_see_bounds_what_is_granted(stage) {
        two_patients(&stage).await;
        for (sight, anna, bert) in [("site", 200, 200), ("anna", 200, 404), ("anna,bert", 200, 200), ("other", 404, 404)] {
            let person = stage.by(token(1, "user/*.rs", "", sight));
            person.get("/fhir/Observation/of-anna").await.expect(anna);
            person.get("/fhir/Observation/of-bert").await.expect(bert);
        }
        // A client by itself has no person that could see anything.
        stage.by(token(1, "user/*.rs", "", "")).get("/fhir/Observation/of-anna").await.expect(403);
        stage.by(token(1, "patient/*.rs", "", "anna")).get("/fhir/Observation/of-anna").await.expect(403);
    }
);
