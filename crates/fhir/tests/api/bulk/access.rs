//! Who gets what of an export: no more than what each record lets, and nothing of another's.

use std::collections::BTreeSet;

use http::Method;
use serde_json::Value;
use store::binds;

use super::{ASYNC, exported, fill, kick_off, named, path, references};
use crate::stage::{NORTH_TWO, Stage, token};

on_stage!(
    async fn a_caller_gets_the_records_of_its_rules(stage) {
        fill(&stage.north()).await;
        fill(&stage.north().at(NORTH_TWO)).await;
        for (scopes, patient, sight, level, expected) in [
            ("patient/*.rs", "anna", "anna", "", &["Patient/anna", "Observation/of-anna", "Group/g"][..]),
            ("patient/*.rs", "anna", "anna", "/Patient", &["Patient/anna", "Observation/of-anna", "Group/g"]),
            ("user/*.rs", "", "bert", "", &["Patient/bert", "Observation/of-bert"]),
            ("user/Observation.rs", "", "site", "", &["Observation/of-anna", "Observation/of-bert"]),
            ("system/Observation.rs?code=a system/Patient.rs", "", "", "", &["Observation/of-anna", "Patient/anna", "Patient/bert"]),
            // What may be searched but not read is not exported, nor the other way round.
            ("system/Observation.s system/Patient.rs", "", "", "", &["Patient/anna", "Patient/bert"]),
            ("system/Observation.r system/Patient.rs", "", "", "", &["Patient/anna", "Patient/bert"]),
            ("patient/Observation.rs system/Group.rs", "bert", "", "/Group/g", &["Group/g"]),
        ] {
            let caller = stage.by(token(1, scopes, patient, sight));
            let manifest = exported(&stage, &caller, &format!("/fhir{level}/$export")).await;
            assert_eq!(references(&caller, &manifest).await, named(expected), "{scopes} {level}");
        }
        let none = stage.by(token(1, "system/Observation.c", "", ""));
        none.call(Method::GET, "/fhir/$export", &[ASYNC], "").await.expect(403);
        let one = stage.by(token(1, "system/Observation.rs", "", ""));
        one.call(Method::GET, "/fhir/$export?_type=Patient", &[ASYNC], "").await.expect(403);
        one.call(Method::GET, "/fhir/Group/g/$export", &[ASYNC], "").await.expect(403);
        let anna = stage.by(token(1, "patient/*.rs", "bert", ""));
        let hidden = anna.call(Method::GET, "/fhir/Group/g/$export", &[ASYNC], "").await.expect(404);
        assert_eq!(hidden.body, anna.call(Method::GET, "/fhir/Group/nowhere/$export", &[ASYNC], "").await.expect(404).body);
    }
);

on_stage!(
    async fn an_export_is_its_callers_alone(stage) {
        let system = stage.north();
        fill(&system).await;
        let status = kick_off(&system, "/fhir/$export").await;
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&status).await.expect(200).json();
        let file = path(manifest["output"][0]["url"].as_str().unwrap());
        let nowhere = "/fhir/$bulk-status/01980000-0000-7000-8000-000000000000";
        let others = [
            stage.south(),
            stage.north().at(NORTH_TWO),
            // A person through the same client, and the client for somebody else.
            stage.by(token(1, "system/*.cruds", "", "site")),
        ];
        for other in others {
            let none = other.get(nowhere).await.expect(404);
            for there in [&status, &file] {
                assert_eq!(other.get(there).await.expect(404).body, none.body);
            }
            assert_eq!(other.delete(&status).await.expect(404).body, other.delete(nowhere).await.expect(404).body);
        }
        // The same client with a token that lets less.
        let less = stage.by(token(1, "system/Basic.rs", "", ""));
        assert_eq!(less.get(&file).await.expect(404).body, less.get(nowhere).await.expect(404).body);
        system.get(&file).await.expect(200);
        system.call(Method::GET, &status, &[("authorization", "Bearer zz")], "").await;
    }
);

on_stage!(
    async fn access_that_is_taken_away_ends_the_export(stage) {
        let system = stage.north();
        fill(&system).await;
        let status = kick_off(&system, "/fhir/$export").await;
        stage.revoke(&system.token);
        stage.worker().run_due().await.unwrap();
        system.get(&status).await.expect(500).tells("exception", "access was taken away");
        assert_eq!(pieces(&stage).await, 0);

        let person = stage.by(token(1, "user/*.rs", "", "anna"));
        let done = exported(&stage, &person, "/fhir/$export").await;
        let file = path(done["output"][0]["url"].as_str().unwrap());
        person.get(&file).await.expect(200);
        stage.revoke(&person.token);
        person.get(&file).await.expect(404);
    }
);

async fn pieces(stage: &Stage) -> i64 {
    let sql = "SELECT COUNT(*) FROM fhir_bulk_chunk";
    stage.db.read().await.unwrap().one::<(i64,)>(sql, binds![]).await.unwrap().0
}

on_stage!(
    async fn deletions_are_told_to_who_could_see_what_was_deleted(stage) {
        let system = stage.north();
        fill(&system).await;
        for id in ["of-anna", "of-bert"] {
            system.delete(&format!("/fhir/Observation/{id}")).await.expect(200);
        }
        let anna = stage.by(token(1, "patient/*.rs", "anna", ""));
        let manifest = exported(&stage, &anna, "/fhir/$export?_since=2000-01-01").await;
        let file = path(manifest["deleted"][0]["url"].as_str().unwrap());
        let bundle: Value = serde_json::from_str(anna.get(&file).await.expect(200).body.trim()).unwrap();
        let told: BTreeSet<&str> =
            bundle["entry"].as_array().unwrap().iter().map(|entry| entry["request"]["url"].as_str().unwrap()).collect();
        assert_eq!(told, BTreeSet::from(["Observation/of-anna"]));
    }
);

on_stage!(
    async fn every_export_is_on_record(stage) {
        let system = stage.north();
        fill(&system).await;
        let manifest = exported(&stage, &system, "/fhir/$export").await;
        system.get(&path(manifest["output"][0]["url"].as_str().unwrap())).await.expect(200);
        stage.db.flush_lazy().await.unwrap();
        let sql = "SELECT act FROM audit_event WHERE act LIKE 'export.%' ORDER BY act";
        let acts: Vec<(String,)> = stage.db.read().await.unwrap().all(sql, binds![]).await.unwrap();
        let acts: Vec<&str> = acts.iter().map(|(act,)| act.as_str()).collect();
        assert_eq!(acts, ["export.begun", "export.fetched", "export.finished"]);
    }
);
