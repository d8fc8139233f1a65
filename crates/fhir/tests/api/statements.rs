//! What a search costs: a statement for each question, however many records it finds.

use serde_json::json;
use store::check::overhear;

use crate::{consent::of_type, stage::Stage};

const RECORDS: usize = 30;

async fn filled(db: store::Db) -> Stage {
    let stage = Stage::with_foundation(db).await;
    let north = stage.north();
    for nth in 0..RECORDS {
        let patient =
            json!({"resourceType": "Patient", "id": format!("p{nth}"), "name": [{"family": "Berg"}]});
        north.put(&format!("/fhir/Patient/p{nth}"), &patient.to_string()).await.expect(201);
        let observation = json!({
            "resourceType": "Observation", "id": format!("o{nth}"), "status": "final", "code": {"text": "x"},
            "subject": {"reference": format!("Patient/p{nth}")},
        });
        north.put(&format!("/fhir/Observation/o{nth}"), &observation.to_string()).await.expect(201);
    }
    // A site in which nobody has said anything is not asked for it.
    crate::consent::consents(&north, "p0", of_type("Claim")).await;
    stage
}

on_db!(
    async fn consents_of_what_a_page_leads_to_are_asked_together(db) {
        let stage = filled(db).await;
        for search in [
            "Observation?_include=Observation:subject",
            "Observation?subject:Patient.family=Berg",
            "Observation?subject:Patient.family:contains=er&_include=Observation:subject",
        ] {
            let mut told = Vec::new();
            for count in [3, RECORDS] {
                let overheard = overhear(&stage.db);
                let found = stage.north().get(&format!("/fhir/{search}&_count={count}")).await.expect(200);
                let asked: Vec<Box<str>> = overheard
                    .take()
                    .into_iter()
                    .filter(|text| text.starts_with("SELECT") && text.contains("fhir_consented"))
                    .collect();
                let found = found.json()["entry"].as_array().unwrap().len();
                assert!(found >= count, "{search}: {found}");
                told.push(asked.len());
            }
            // A longer page may be found by one statement more.
            assert!(told[0] > 0 && told[1] <= told[0] + 2, "{search}: {told:?}");
        }
    }
);

on_db!(
    async fn a_page_that_is_not_full_is_not_asked_for_again(db) {
        let stage = filled(db).await;
        let overheard = overhear(&stage.db);
        let found = stage.north().get("/fhir/Patient?family=Berg&_count=50").await.expect(200).json();
        assert_eq!(found["entry"].as_array().unwrap().len(), RECORDS);
        let walks = overheard.take().into_iter().filter(|text| text.contains("is_newest")).count();
        assert_eq!(walks, 1);
    }
);

on_db!(
    async fn a_create_is_written_without_asking_first(db) {
        let stage = filled(db).await;
        let patient = json!({"resourceType": "Patient", "name": [{"family": "Berg"}]}).to_string();
        let overheard = overhear(&stage.db);
        stage.north().post("/fhir/Patient", &patient).await.expect(201);
        let asked = overheard.take();
        let count = |begin: &str| {
            asked.iter().filter(|text| text.starts_with(begin) && text.contains("fhir_current")).count()
        };
        assert_eq!((count("SELECT"), count("INSERT")), (0, 1), "{asked:?}");
    }
);

on_db!(
    async fn what_a_transaction_names_is_looked_up_together(db) {
        let stage = Stage::with_foundation(db).await;
        crate::consent::consents(&stage.north(), "somebody", of_type("Claim")).await;
        let mut told = Vec::new();
        for (first, count) in [(0, 3), (100, RECORDS)] {
            let entry = |nth: usize| {
                json!({
                    "resource": {"resourceType": "Patient", "id": format!("p{nth}"), "name": [{"family": "Berg"}]},
                    "request": {"method": "PUT", "url": format!("Patient/p{nth}")},
                })
            };
            let entries: Vec<_> = (first..first + count).map(entry).collect();
            let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries}).to_string();
            for status in ["201", "200"] {
                let overheard = overhear(&stage.db);
                let answer = stage.north().post("/fhir", &bundle).await.expect(200).json();
                assert!(answer["entry"][0]["response"]["status"].as_str().unwrap().starts_with(status), "{answer}");
                let asked = overheard.take();
                let selects = |words: &str| {
                    asked.iter().filter(|text| text.starts_with("SELECT") && text.contains(words)).count()
                };
                told.push((selects("c.id = found.column2"), selects("DISTINCT consent FROM fhir_consent_rule")));
            }
        }
        // Their rules are asked twice: may they be kept, and which are about them.
        assert_eq!(told, [(1, 2); 4]);
    }
);

on_db!(
    async fn a_code_of_few_records_is_counted_by_one_statement(db) {
        let stage = Stage::with_foundation(db).await;
        let north = stage.north();
        for (id, codes) in [("a", &["x", "y"][..]), ("b", &["x"][..]), ("c", &["y"][..])] {
            // The same code of two systems: one record all the same.
            let coded = |code: &&str| ["http://a", "http://b"].map(|system| json!({"system": system, "code": code}));
            let codings: Vec<_> = codes.iter().flat_map(coded).collect();
            let observation = json!({
                "resourceType": "Observation", "id": id, "status": "final", "code": {"coding": codings},
            });
            north.put(&format!("/fhir/Observation/{id}"), &observation.to_string()).await.expect(201);
        }
        for (words, total, statements) in [
            ("code=http://a%7Cx", 2, 1),
            ("code=http://a%7Cnone", 0, 1),
            ("code=x", 2, 2),
            ("code=http://a%7Cx&code=http://a%7Cy", 1, 2),
        ] {
            let overheard = overhear(&stage.db);
            let found = north.get(&format!("/fhir/Observation?_summary=count&{words}")).await.expect(200).json();
            let asked = overheard.take();
            let counts = asked.iter().filter(|text| text.starts_with("SELECT COUNT(*)")).count();
            assert_eq!((&found["total"], counts), (&json!(total), statements), "{words}: {asked:?}");
        }
    }
);
