//! Exports without what tells whose records they are.

use http::Method;
use serde_json::{Value, json};
use store::binds;

use super::{ASYNC, exported, files, fill, observation, put};
use crate::stage::{NORTH_TWO, site, token};

const JSON: (&str, &str) = ("content-type", "application/json");

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

on_stage!(
    async fn references_stay_joined_and_nothing_else_is_told(stage) {
        let system = stage.north();
        fill(&system).await;
        let since = exported(&stage, &system, "/fhir/$export").await["transactionTime"].as_str().unwrap().to_owned();
        put(&system, &observation("secretly", "anna", "a")).await;
        system.delete("/fhir/Observation/of-bert").await.expect(200);
        let manifest = exported(&stage, &system, "/fhir/$export?_deidentify=safe-harbor").await;
        let out = files(&system, &manifest).await;
        let patients: Vec<String> =
            lines(&out["output Patient"]).iter().map(|one| format!("Patient/{}", one["id"].as_str().unwrap())).collect();
        assert_eq!(patients.len(), 2);
        for value in lines(&out["output Observation"]) {
            assert_eq!(value["subject"]["reference"], json!(patients[0]), "anna's");
            assert_eq!(value["code"]["coding"][0]["code"], "a");
        }
        for text in out.values() {
            for told in ["anna", "bert", "secretly", "Fanna", "1970-", "pia"] {
                assert!(!text.contains(told), "{told}: {text}");
            }
            assert!(text.contains("PSEUDED"), "{text}");
        }
        let later = exported(&stage, &system, &format!("/fhir/$export?_deidentify=safe-harbor&_since={since}")).await;
        let deleted = &files(&system, &later).await["deleted Bundle"];
        assert!(deleted.contains("Observation/") && !deleted.contains("of-bert"), "{deleted}");
        // Another site's key makes other hashes.
        let two = stage.north().at(NORTH_TWO);
        fill(&two).await;
        let manifest = exported(&stage, &two, "/fhir/$export?_type=Patient&_deidentify=safe-harbor").await;
        let there = lines(&files(&two, &manifest).await["output Patient"]);
        assert!(there.iter().all(|one| !patients.contains(&format!("Patient/{}", one["id"].as_str().unwrap()))));
    }
);

on_stage!(
    async fn policies_are_declared_by_administrators_and_on_record(stage) {
        let system = stage.north();
        fill(&system).await;
        let admin = stage.by(token(1, "sites:admin", "", "")).at("");
        let at = format!("/admin/fhir/sites/{}/deidentification", site(1));
        let call = async |body: Value| admin.call(Method::PUT, &at, &[JSON], &body.to_string()).await;
        let wanted = json!({"policies": [{"name": "research", "rules": [
            {"path": "Patient.birthDate", "act": "dateShift", "days": 30}, {"path": "Patient.name.family", "act": "keep"}]}]});
        call(wanted.clone()).await.expect(200);
        call(wanted.clone()).await.expect(200);
        assert_eq!(admin.get(&at).await.expect(200).json(), wanted);
        let refused = call(json!({"policies": [{"name": "Re search", "rules": [{"path": "Patient.x", "act": "hide"}]}]})).await;
        let refused = refused.expect(400).body;
        for field in ["policies[0].name", "policies[0].rules[0].path", "policies[0].rules[0].act"] {
            assert!(refused.contains(field), "{field}: {refused}");
        }
        call(json!({"policies": [{"name": "safe-harbor", "rules": []}]})).await.expect(400);
        let theirs = format!("/admin/fhir/sites/{}/deidentification", site(2));
        admin.call(Method::PUT, &theirs, &[JSON], &wanted.to_string()).await.expect(404);
        admin.get(&theirs).await.expect(404);
        stage.by(token(1, "system/*.cruds", "", "")).at("").get(&at).await.expect(403);
        let sql = "SELECT COUNT(*) FROM audit_event WHERE act = 'fhir_deidentification.changed'";
        let (changes,): (i64,) = stage.db.read().await.unwrap().one(sql, binds![]).await.unwrap();
        assert_eq!(changes, 1, "what changes nothing is not on record");

        let manifest = exported(&stage, &system, "/fhir/$export?_type=Patient&_deidentify=research").await;
        let patients = lines(&files(&system, &manifest).await["output Patient"]);
        assert_eq!(patients[0]["name"], json!([{"family": "Fanna"}]));
        let born = patients[0]["birthDate"].as_str().unwrap();
        assert!(born.len() == 10 && born != "1970-01-01", "{born}");
        system.call(Method::GET, "/fhir/$export?_deidentify=unknown", &[ASYNC], "").await.expect(400);
        let elsewhere = stage.north().at(NORTH_TWO);
        elsewhere.call(Method::GET, "/fhir/$export?_deidentify=research", &[ASYNC], "").await.expect(400);
    }
);
