//! `$export`: what is in it, and how it is fetched.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::{ASYNC, exported, files, fill, kick_off, named, observation, path, patient, put, references};
use crate::stage::Stage;

on_stage!(
    async fn an_export_is_everything_of_its_level(stage) {
        let system = stage.north();
        fill(&system).await;
        let all = exported(&stage, &system, "/fhir/$export").await;
        assert_eq!(all["requiresAccessToken"], true);
        assert_eq!(all["request"], "https://hilum.example/fhir/$export");
        let everything = named(&[
            "Patient/anna", "Patient/bert", "Observation/of-anna", "Observation/of-bert", "Practitioner/pia", "Group/g",
        ]);
        assert_eq!(references(&system, &all).await, everything);
        let text = files(&system, &all).await;
        let read = system.get("/fhir/Patient/anna").await.body;
        assert_eq!(text["output Patient"].lines().next().unwrap(), read, "as it is read, byte for byte");
        let of_patients = exported(&stage, &system, "/fhir/Patient/$export").await;
        // Group is in the compartment of its members.
        let compartments = named(&["Patient/anna", "Patient/bert", "Observation/of-anna", "Observation/of-bert", "Group/g"]);
        assert_eq!(references(&system, &of_patients).await, compartments);
        let of_group = exported(&stage, &system, "/fhir/Group/g/$export").await;
        assert_eq!(references(&system, &of_group).await, named(&["Patient/anna", "Observation/of-anna", "Group/g"]));
        system.call(Method::GET, "/fhir/Group/nobody/$export", &[ASYNC], "").await.expect(404);
    }
);

on_stage!(
    async fn parameters_choose_records_and_elements(stage) {
        let system = stage.north();
        fill(&system).await;
        let typed = exported(&stage, &system, "/fhir/$export?_type=Patient,Practitioner&_elements=Patient.name").await;
        assert_eq!(references(&system, &typed).await, named(&["Patient/anna", "Patient/bert", "Practitioner/pia"]));
        let text = files(&system, &typed).await;
        let anna: Value = serde_json::from_str(text["output Patient"].lines().next().unwrap()).unwrap();
        assert!(anna.get("birthDate").is_none() && anna["name"][0]["family"] == "Fanna", "{anna}");
        assert_eq!(anna["meta"]["tag"][0]["code"], "SUBSETTED");
        let filter = "/fhir/$export?_type=Patient,Observation&_typeFilter=Observation%3Fcode%3Da";
        let filtered = exported(&stage, &system, filter).await;
        assert_eq!(references(&system, &filtered).await, named(&["Patient/anna", "Patient/bert", "Observation/of-anna"]));
        let parameters = r#"{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient,Observation"},
            {"name":"patient","valueReference":{"reference":"Patient/bert"}}]}"#;
        let begun = system.call(Method::POST, "/fhir/Patient/$export", &[ASYNC], parameters).await.expect(202);
        stage.worker().run_due().await.unwrap();
        let of_bert = system.get(&path(begun.header("content-location"))).await.expect(200).json();
        assert_eq!(references(&system, &of_bert).await, named(&["Patient/bert", "Observation/of-bert"]));
        let stranger = system.call(Method::POST, "/fhir/Group/g/$export", &[ASYNC], parameters).await.expect(400);
        stranger.tells("invalid", "patient");
    }
);

on_stage!(
    async fn what_cannot_be_done_is_refused_at_the_door(stage) {
        let system = stage.north();
        system.get("/fhir/$export").await.expect(400).tells("invalid", "respond-async");
        for (query, at) in [
            ("_type=Nothing", "_type"),
            ("_since=yesterday", "_since"),
            ("_outputFormat=csv", "_outputFormat"),
            ("_typeFilter=Observation", "_typeFilter"),
            ("includeAssociatedData=x", "includeAssociatedData"),
            ("patient=Patient/1", "patient"),
            ("what=ever", "what"),
        ] {
            let refused = system.call(Method::GET, &format!("/fhir/$export?{query}"), &[ASYNC], "").await.expect(400);
            refused.tells("invalid", at);
        }
        let lenient = [("prefer", "respond-async, handling=lenient")];
        system.call(Method::GET, "/fhir/$export?includeAssociatedData=x&what=ever", &lenient, "").await.expect(202);
        system.call(Method::POST, "/fhir/$export", &[ASYNC], r#"{"resourceType":"Patient"}"#).await.expect(400);
    }
);

on_stage!(
    async fn since_brings_what_has_changed_and_what_was_deleted(stage) {
        let system = stage.north();
        fill(&system).await;
        let first = exported(&stage, &system, "/fhir/$export").await;
        let since = first["transactionTime"].as_str().unwrap().replace('+', "%2B");
        // In the same instant, as far as the clock of the machine tells.
        put(&system, &patient("carl")).await;
        put(&system, &observation("of-bert", "bert", "c")).await;
        system.delete("/fhir/Observation/of-anna").await.expect(200);
        let next = exported(&stage, &system, &format!("/fhir/$export?_since={since}")).await;
        assert_eq!(references(&system, &next).await, named(&["Patient/carl", "Observation/of-bert"]));
        let deleted = files(&system, &next).await;
        let bundle: Value = serde_json::from_str(deleted["deleted Bundle"].trim()).unwrap();
        assert_eq!((bundle["type"].as_str(), bundle["entry"].as_array().map(Vec::len)), (Some("transaction"), Some(1)));
        assert_eq!(bundle["entry"][0]["request"]["method"], "DELETE");
        assert_eq!(bundle["entry"][0]["request"]["url"], "Observation/of-anna");
        let until = next["transactionTime"].as_str().unwrap().to_owned();
        stage.clock.advance(Duration::from_secs(60));
        put(&system, &patient("dora")).await;
        let between = exported(&stage, &system, &format!("/fhir/$export?_since={since}&_until={until}")).await;
        assert_eq!(references(&system, &between).await, named(&["Patient/carl", "Observation/of-bert"]));
    }
);

on_stage!(
    async fn an_export_is_the_state_of_its_kick_off(stage) {
        let system = stage.north();
        fill(&system).await;
        let before = system.get("/fhir/Patient/anna").await.body;
        let status = kick_off(&system, "/fhir/$export?_type=Patient,Observation").await;
        put(&system, &patient("carl")).await;
        put(&system, &patient("anna").replace("1970", "1980")).await;
        put(&system, &patient("anna").replace("1970", "1990")).await;
        system.delete("/fhir/Observation/of-anna").await.expect(200);
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&status).await.expect(200).json();
        let expected = named(&["Patient/anna", "Patient/bert", "Observation/of-anna", "Observation/of-bert"]);
        assert_eq!(references(&system, &manifest).await, expected);
        let text = files(&system, &manifest).await;
        assert!(text["output Patient"].lines().any(|line| line == before), "{text:?}");
    }
);

on_stage!(
    async fn a_file_is_fetched_whole_or_from_where_it_broke_off(stage) {
        let system = stage.north();
        for nth in 0..40 {
            put(&system, &patient(&format!("p{nth}"))).await;
        }
        let manifest = exported(&stage, &system, "/fhir/$export?_type=Patient").await;
        let url = path(manifest["output"][0]["url"].as_str().unwrap());
        let whole = system.get(&url).await.expect(200);
        assert_eq!(whole.header("accept-ranges"), "bytes");
        let etag = whole.header("etag").to_owned();
        let mut together = String::new();
        while together.len() < whole.body.len() {
            let from = together.len();
            let range = format!("bytes={from}-{}", from + 999);
            let part = system.call(Method::GET, &url, &[("range", &range), ("if-range", &etag)], "").await.expect(206);
            let last = (from + 1_000).min(whole.body.len()) - 1;
            assert_eq!(part.header("content-range"), format!("bytes {from}-{last}/{}", whole.body.len()));
            together.push_str(&part.body);
        }
        assert_eq!(together, whole.body);
        let beyond = system.call(Method::GET, &url, &[("range", "bytes=9999999-")], "").await.expect(416);
        assert_eq!(beyond.header("content-range"), format!("bytes */{}", whole.body.len()));
        system.call(Method::GET, &url, &[("if-none-match", &etag)], "").await.expect(304);
        let other = system.call(Method::GET, &url, &[("range", "bytes=0-9"), ("if-range", "\"x\"")], "").await;
        assert_eq!(other.expect(200).body, whole.body);
        system.get(&url.replace("Patient.ndjson", "Basic.ndjson")).await.expect(404);
    }
);

on_stage!(
    async fn how_it_stands_is_told_until_it_is_ended_or_its_time_is_up(stage) {
        let system = stage.north();
        fill(&system).await;
        let status = kick_off(&system, "/fhir/$export").await;
        let waiting = system.get(&status).await.expect(202);
        assert!(waiting.header("x-progress").starts_with("0%"), "{:?}", waiting.headers);
        assert!(waiting.header("retry-after").parse::<u32>().is_ok());
        system.delete(&status).await.expect(202);
        system.get(&status).await.expect(404);
        system.delete(&status).await.expect(404);
        stage.worker().run_due().await.unwrap();
        assert_eq!(left(&stage).await, 0, "nothing was written, and the row is gone");

        let done = kick_off(&system, "/fhir/$export").await;
        stage.worker().run_due().await.unwrap();
        let manifest = system.get(&done).await.expect(200);
        assert!(manifest.header("expires").ends_with("GMT"));
        let url = path(manifest.json()["output"][0]["url"].as_str().unwrap());
        assert!(left(&stage).await > 0);
        stage.clock.advance(Duration::from_secs(25 * 3_600));
        system.get(&done).await.expect(404);
        system.get(&url).await.expect(404);
        stage.worker().run_due().await.unwrap();
        assert_eq!(left(&stage).await, 0);
    }
);

/// Rows of exports, their files and pieces.
async fn left(stage: &Stage) -> i64 {
    let sql = "SELECT (SELECT COUNT(*) FROM fhir_bulk) + (SELECT COUNT(*) FROM fhir_bulk_file) + (SELECT COUNT(*) FROM fhir_bulk_chunk)";
    let (rows,): (i64,) = stage.db.read().await.unwrap().one(sql, store::binds![]).await.unwrap();
    rows
}

on_stage!(
    async fn a_client_has_few_exports_under_way(stage) {
        let system = stage.north();
        for _ in 0..4 {
            kick_off(&system, "/fhir/$export").await;
        }
        let refused = system.call(Method::GET, "/fhir/$export", &[ASYNC], "").await.expect(429);
        assert!(!refused.header("retry-after").is_empty());
        stage.worker().run_due().await.unwrap();
        kick_off(&system, "/fhir/$export").await;
    }
);
