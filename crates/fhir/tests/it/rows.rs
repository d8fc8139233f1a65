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

fn schema_of(engine: store::Engine) -> Option<store::check::Schema> {
    let (sender, receiver) = std::sync::mpsc::channel();
    testkit::engine::with_url(engine, async |url| {
        let db = Db::open(&store::StoreConfig::new(url)).await.unwrap();
        db.migrate(&[fhir::MIGRATIONS]).await.unwrap();
        sender.send(store::check::schema(&db).await.unwrap()).unwrap();
    });
    receiver.try_recv().ok()
}

#[test]
fn every_table_begins_its_key_with_the_tenant_on_both_engines() {
    let sqlite = schema_of(store::Engine::Sqlite).unwrap();
    let of_records =
        ["version", "current", "history", "posting", "link", "string", "date", "number", "clock"];
    for name in of_records {
        let first = &sqlite.tables[&format!("fhir_{name}")][0];
        assert_eq!((first.name.as_str(), first.key_place), ("tenant", Some(1)), "fhir_{name}");
    }
    if testkit::engine::server().is_some() {
        assert_eq!(sqlite, schema_of(store::Engine::Postgres).unwrap());
    }
}
