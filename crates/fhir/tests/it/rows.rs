//! The rows by which records are found.

use store::{Composed, Db};
use testkit::on_each_engine;

use crate::stage::Stage;

const TABLES: [&str; 5] = ["fhir_posting", "fhir_link", "fhir_string", "fhir_date", "fhir_number"];

async fn counts(db: &Db) -> [i64; 5] {
    let mut counts = [0; 5];
    for (table, count) in TABLES.iter().zip(&mut counts) {
        let mut sql = Composed::new("SELECT COUNT(*) FROM ");
        sql.text(table);
        *count = db.read().await.unwrap().all_composed::<(i64,)>(&sql).await.unwrap()[0].0;
    }
    counts
}

const OBSERVATION: &str = r#"{"resourceType":"Observation","status":"final","identifier":[{"system":"urn:x","value":"1"}],
    "code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Systolic"}]},
    "subject":{"reference":"Patient/p"},"effectiveDateTime":"2026-01-05T08:00:00Z",
    "valueQuantity":{"value":120.5,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}"#;
const PATIENT: &str = r#"{"resourceType":"Patient","name":[{"family":"Ümit","given":["A","A"]}],"birthDate":"1970-01",
    "managingOrganization":{"reference":"Organization/o"},"identifier":[{"system":"urn:x","value":"1"}]}"#;

on_each_engine!(
    async fn a_version_leaves_no_rows_behind(db: Db) {
        let stage = Stage::new(db).await;
        stage.put(&stage.here, "o", OBSERVATION).await;
        stage.put(&stage.here, "p", PATIENT).await;
        let once = counts(&stage.db).await;
        assert!(once.iter().all(|count| *count > 0), "{once:?}");
        for _ in 0..3 {
            stage.put(&stage.here, "o", OBSERVATION).await;
            stage.put(&stage.here, "p", PATIENT).await;
        }
        let [postings, others @ ..] = counts(&stage.db).await;
        // One for each version that was replaced, by which the history of its type is found.
        assert_eq!((postings, &others[..]), (once[0] + 6, &once[1..]));
        stage.delete("Observation", "o").await.unwrap();
        stage.delete("Patient", "p").await.unwrap();
        assert_eq!(counts(&stage.db).await, [10, 0, 0, 0, 0]);
    },
    migrations = [audit::MIGRATIONS, fhir::MIGRATIONS]
);
