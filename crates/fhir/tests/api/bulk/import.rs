//! `$import` of lines that are sent: what is written, what is refused, and that nothing is written twice.

use http::Method;
use serde_json::{Value, json};
use store::binds;

use super::{ASYNC, files, fill, observation, path, patient};
use crate::stage::{Calls, Stage, token};

const NDJSON: (&str, &str) = ("content-type", "application/fhir+ndjson");

async fn send(caller: &Calls<'_>, lines: &str) -> String {
    let begun = caller.call(Method::POST, "/fhir/$import", &[ASYNC, NDJSON], lines).await.expect(202);
    path(begun.header("content-location"))
}

async fn imported(stage: &Stage, caller: &Calls<'_>, lines: &str) -> Value {
    let status = send(caller, lines).await;
    stage.worker().run_due().await.unwrap();
    caller.get(&status).await.expect(200).json()
}

on_stage!(
    async fn each_line_is_stored_unchanged_or_refused(stage) {
        let system = stage.north();
        let lines = format!(
            "{}\n{}\n\nnot json\n{}\n{}\n{}",
            patient("anna"),
            observation("o", "anna", "a"),
            r#"{"resourceType":"Subscription","id":"x","status":"active"}"#,
            r#"{"resourceType":"Patient","name":[{"family":"New"}]}"#,
            patient("anna").replace("1970", "1980"),
        );
        let manifest = imported(&stage, &system, &lines).await;
        assert_eq!(manifest["extension"], json!({"stored": 4, "unchanged": 0, "refused": 2}), "{manifest}");
        let errors = files(&system, &manifest).await;
        let told: Vec<Value> =
            errors["error OperationOutcome"].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let numbers: Vec<i64> =
            told.iter().map(|one| one["issue"][0]["extension"][0]["valueInteger"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [4, 5]);
        let anna = system.get("/fhir/Patient/anna").await.expect(200).json();
        assert_eq!((&anna["meta"]["versionId"], &anna["birthDate"]), (&json!("2"), &json!("1980-01-01")));
        let again = format!("{}\n{}\n", patient("anna").replace("1970", "1980"), observation("o", "anna", "b"));
        let manifest = imported(&stage, &system, &again).await;
        assert_eq!(manifest["extension"], json!({"stored": 1, "unchanged": 1, "refused": 0}), "{manifest}");
        assert_eq!(system.get("/fhir/Observation?code=b").await.expect(200).json()["entry"].as_array().unwrap().len(), 1);
        for (headers, status) in [(&[NDJSON][..], 400), (&[ASYNC, ("content-type", "text/csv")], 415)] {
            system.call(Method::POST, "/fhir/$import", headers, "{}").await.expect(status);
        }
    }
);

on_stage!(
    async fn what_may_not_be_written_is_refused_line_by_line(stage) {
        let system = stage.north();
        fill(&system).await;
        let anna = stage.by(token(1, "patient/*.cruds", "anna", "anna"));
        let lines = format!(
            "{}\n{}\n{}\n{}\n",
            observation("of-anna", "anna", "z"),
            // Another's, one that would become another's, and one under an id that is named.
            observation("of-bert", "anna", "z"),
            observation("of-anna", "bert", "z"),
            observation("new", "anna", "z"),
        );
        let manifest = imported(&stage, &anna, &lines).await;
        assert_eq!(manifest["extension"], json!({"stored": 1, "unchanged": 0, "refused": 3}), "{manifest}");
        let errors = files(&anna, &manifest).await;
        let told: Vec<Value> =
            errors["error OperationOutcome"].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let words = |nth: usize| told[nth]["issue"][0]["diagnostics"].as_str().unwrap().split_once(": ").unwrap().1.to_owned();
        assert_eq!(words(0), words(2), "another's is answered as what is not there");
        let of_bert = system.get("/fhir/Observation/of-bert").await.expect(200).json();
        assert_eq!(of_bert["meta"]["versionId"], "1");
        let reader = stage.by(token(1, "system/*.rs", "", ""));
        reader.call(Method::POST, "/fhir/$import", &[ASYNC, NDJSON], "{}").await.expect(403);
        let status = send(&system, &patient("carl")).await;
        stage.south().get(&status).await.expect(404);
        anna.get(&status).await.expect(404);
        stage.revoke(&system.token);
        stage.worker().run_due().await.unwrap();
        system.get(&status).await.expect(500);
        system.get("/fhir/Patient/carl").await.expect(404);
    }
);

on_stage!(
    async fn a_worker_that_is_lost_is_followed_and_nothing_is_written_twice(stage) {
        let system = stage.north();
        let text = "x".repeat(2_000);
        let lines: String = (0..2_000)
            .map(|nth| format!(r#"{{"resourceType":"Patient","active":true,"name":[{{"text":"{nth} {text}"}}]}}"#) + "\n")
            .collect();
        let status = send(&system, &lines).await;
        let worker = stage.worker();
        tokio::select! {
            () = has_begun(&stage) => {}
            done = worker.run_due() => panic!("it was through before it could be cut off: {done:?}"),
        }
        stage.clock.advance(std::time::Duration::from_secs(3_600));
        let (one, two) = (stage.worker(), stage.worker());
        let (one, two) = tokio::join!(one.run_due(), two.run_due());
        one.and(two).unwrap();
        let manifest = system.get(&status).await.expect(200).json();
        assert_eq!(manifest["extension"], json!({"stored": 2_000, "unchanged": 0, "refused": 0}), "{manifest}");
        let count = system.get("/fhir/Patient?_summary=count").await.expect(200).json();
        assert_eq!(count["total"], 2_000);
    }
);

async fn has_begun(stage: &Stage) {
    let sql = "SELECT place FROM fhir_bulk";
    while stage.db.read().await.unwrap().one::<(i64,)>(sql, binds![]).await.unwrap().0 == 0 {
        tokio::task::yield_now().await;
    }
}
