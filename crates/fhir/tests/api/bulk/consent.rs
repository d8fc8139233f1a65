//! What patients withhold is not exported, and no import writes it over or gathers it.

use http::Method;
use serde_json::json;

use super::{ASYNC, exported, files, fill, kick_off, named, observation, path, patient, put, references};
use crate::{
    consent::{consents, of_type},
    stage::{NORTH_TWO, Stage, token_of},
};

const NDJSON: (&str, &str) = ("content-type", "application/fhir+ndjson");

async fn filled(db: store::Db) -> Stage {
    let stage = Stage::with_foundation(db).await;
    for system in [stage.north(), stage.north().at(NORTH_TWO)] {
        fill(&system).await;
        put(&system, &observation("second", "anna", "a")).await;
    }
    stage
}

on_db!(
    async fn no_level_exports_what_is_withheld(db) {
        let stage = filled(db).await;
        consents(&stage.north(), "anna", of_type("Observation")).await;
        let of_anna = stage.by(token_of(1, "system/*.cruds", "", "", "Patient/anna"));
        let types = "_type=Patient,Observation";
        for (level, whole) in [
            ("", &["Observation/of-bert", "Patient/anna", "Patient/bert"][..]),
            ("/Patient", &["Observation/of-bert", "Patient/anna", "Patient/bert"]),
            ("/Group/g", &["Patient/anna"]),
        ] {
            let at = format!("/fhir{level}/$export?{types}");
            let manifest = exported(&stage, &stage.north(), &at).await;
            assert_eq!(references(&stage.north(), &manifest).await, named(whole), "{level}");
            // She who consents, and the other site, where she does not, have all.
            for other in [of_anna.clone(), stage.north().at(NORTH_TWO)] {
                let manifest = exported(&stage, &other, &at).await;
                let all = references(&other, &manifest).await;
                assert!(all.is_superset(&named(&["Observation/of-anna", "Observation/second"])), "{level}");
            }
            let manifest = exported(&stage, &stage.north(), &format!("{at}&_deidentify=safe-harbor")).await;
            let told = files(&stage.north(), &manifest).await;
            let count = told.get("output Observation").map_or(0, |text| text.lines().count());
            assert_eq!(count, usize::from(level != "/Group/g"), "{level}");
        }
        // Of what was deleted nobody hears who could not see it.
        let since = stage.north().get("/fhir/Observation/of-bert").await.expect(200).json();
        let since = since["meta"]["lastUpdated"].as_str().unwrap().to_owned();
        stage.clock.advance(std::time::Duration::from_secs(60));
        for id in ["of-anna", "of-bert"] {
            of_anna.delete(&format!("/fhir/Observation/{id}")).await.expect(200);
        }
        let manifest = exported(&stage, &stage.north(), &format!("/fhir/$export?{types}&_since={since}")).await;
        let told = files(&stage.north(), &manifest).await;
        let deleted = told.get("deleted Bundle").cloned().unwrap_or_default();
        assert!(deleted.contains("of-bert") && !deleted.contains("of-anna"), "{deleted}");
    }
);

on_db!(
    async fn a_consent_that_begins_while_an_export_waits_holds(db) {
        let stage = filled(db).await;
        let system = stage.north();
        let at = "/fhir/$export?_type=Observation";
        // Written after the kick-off, and one whose time comes after it.
        let status = kick_off(&system, at).await;
        consents(&system, "anna", of_type("Observation")).await;
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&status).await.expect(200).json();
        assert_eq!(references(&system, &manifest).await, named(&["Observation/of-bert"]));
        let start = (kernel::Clock::now(&stage.clock) + std::time::Duration::from_secs(600)).to_string();
        let mut later = of_type("Observation");
        later["period"] = json!({"start": start});
        consents(&system, "anna", later).await;
        for (wait_s, expected) in [(0, 3), (3_600, 1)] {
            let status = kick_off(&system, at).await;
            stage.clock.advance(std::time::Duration::from_secs(wait_s));
            stage.worker().run_due().await.unwrap();
            let manifest = system.get(&status).await.expect(200).json();
            assert_eq!(references(&system, &manifest).await.len(), expected, "after {wait_s} s");
        }
    }
);

on_db!(
    async fn an_import_writes_over_nothing_that_is_withheld_and_gathers_nothing(db) {
        let stage = filled(db).await;
        let system = stage.north();
        consents(&system, "anna", of_type("Observation")).await;
        let mut collect = of_type("Observation");
        collect["action"] = json!([{"coding": [{"code": "collect"}]}]);
        consents(&system, "bert", collect).await;
        let nobodys = crate::consent::denying("anna", json!({})).replace(r#""reference""#, r#""display""#);
        let lines = [
            observation("of-anna", "anna", "z"),
            observation("of-bert", "bert", "z"),
            observation("new", "bert", "z"),
            nobodys,
            patient("bert").replace("1970", "1980"),
            observation("third", "anna", "z"),
        ];
        let begun = system.call(Method::POST, "/fhir/$import", &[ASYNC, NDJSON], &lines.join("\n")).await;
        let status = path(begun.expect(202).header("content-location"));
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&status).await.expect(200).json();
        assert_eq!(manifest["extension"], json!({"stored": 2, "unchanged": 0, "refused": 4}), "{manifest}");
        let errors = files(&system, &manifest).await["error OperationOutcome"].clone();
        assert!(errors.contains("line 2: a patient whom") && errors.contains("line 4: a Consent"), "{errors}");
        let keeper = stage.by(token_of(1, "system/*.cruds", "", "", "Patient/anna,Patient/bert"));
        for (id, status) in [("of-anna", 200), ("of-bert", 200), ("new", 404), ("third", 200)] {
            let heard = keeper.get(&format!("/fhir/Observation/{id}")).await.expect(status);
            assert!(status == 404 || heard.header("etag") == "W/\"1\"", "{id}");
        }
    }
);
