//! Records: made, read, changed, gone, and what became of them.

use std::time::Duration;

use http::Method;

use crate::stage::{BASE, Calls, SOUTH, token};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"theirs","meta":{"versionId":"9"},"multipleBirthInteger":2,"extension":[{"url":"http://a.example","valueDecimal":1.500}]}"#;

async fn made(caller: &Calls<'_>) -> (String, String) {
    let made = caller.post("/fhir/Patient", PATIENT).await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    (format!("/fhir/Patient/{id}"), id)
}

on_stage!(
    async fn create_read_and_vread(stage) {
        let system = stage.north();
        let answer = system.post("/fhir/Patient", PATIENT).await.expect(201);
        let made = answer.json();
        let id = made["id"].as_str().unwrap();
        assert_ne!(id, "theirs", "ids are the server's");
        assert_eq!(made["meta"]["versionId"], "1");
        assert!(made["meta"]["lastUpdated"].as_str().unwrap().ends_with('Z'));
        assert_eq!(answer.header("location"), format!("{BASE}/Patient/{id}/_history/1"));
        assert_eq!(answer.header("etag"), "W/\"1\"");
        assert_eq!(answer.header("content-type"), "application/fhir+json");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.body.contains("1.500"), "digits stay: {}", answer.body);
        let path = format!("/fhir/Patient/{id}");
        let read = system.get(&path).await.expect(200);
        assert_eq!(read.body, answer.body);
        assert_eq!(system.get(&format!("{path}/_history/1")).await.expect(200).body, answer.body);
        system.get(&format!("{path}/_history/2")).await.expect(404);
        system.get(&format!("{path}/_history/x")).await.expect(404);
        system.get("/fhir/Patient/a_b").await.expect(404);
        system.call(Method::GET, &path, &[("if-none-match", "W/\"1\"")], "").await.expect(304);
        let part = system.get(&format!("{path}?_elements=multipleBirthInteger")).await.expect(200).json();
        assert_eq!((part["multipleBirthInteger"].as_i64(), part.get("extension")), (Some(2), None));
    }
);

on_stage!(
    async fn what_is_preferred_comes_back(stage) {
        let system = stage.north();
        let post = async |prefer: &str| system.call(Method::POST, "/fhir/Patient", &[("prefer", prefer)], PATIENT).await.expect(201);
        assert_eq!(post("return=minimal").await.body, "");
        assert_eq!(post("return=OperationOutcome").await.json()["issue"][0]["details"]["coding"][0]["code"], "MSG_CREATED");
        assert_eq!(post("return=representation").await.json()["resourceType"], "Patient");
    }
);

on_stage!(
    async fn update_and_its_conditions(stage) {
        let system = stage.north();
        let (path, id) = made(&system).await;
        let body = format!(r#"{{"resourceType":"Patient","id":"{id}","active":true}}"#);
        let changed = system.put(&path, &body).await.expect(200);
        assert_eq!((changed.header("etag"), changed.json()["active"].as_bool()), ("W/\"2\"", Some(true)));
        let matching = async |tag: &str| system.call(Method::PUT, &path, &[("if-match", tag)], &body).await;
        matching("W/\"1\"").await.expect(412).tells("conflict", "MSG_VERSION_AWARE_CONFLICT");
        matching("rubbish").await.expect(400).tells("invalid", "If-Match");
        matching("W/\"2\"").await.expect(200);
        system.put(&path, r#"{"resourceType":"Patient"}"#).await.expect(400).tells("invalid", "MSG_RESOURCE_ID_MISSING");
        system.put(&path, r#"{"resourceType":"Patient","id":"x"}"#).await.expect(400).tells("invalid", "MSG_RESOURCE_ID_MISMATCH");
        let named = r#"{"resourceType":"Patient","id":"named"}"#;
        let once = async || system.call(Method::PUT, "/fhir/Patient/named", &[("if-none-match", "*")], named).await;
        assert_eq!(once().await.expect(201).header("etag"), "W/\"1\"");
        once().await.expect(412);
        system.put("/fhir/Patient/a_b", named).await.expect(400);
    }
);

on_stage!(
    async fn delete_leaves_its_history(stage) {
        let system = stage.north();
        let (path, _) = made(&system).await;
        system.call(Method::DELETE, &path, &[("if-match", "W/\"7\"")], "").await.expect(412);
        let gone = system.delete(&path).await.expect(200).json();
        assert_eq!((gone["resourceType"].as_str(), gone["issue"][0]["severity"].as_str()), (Some("OperationOutcome"), Some("information")));
        system.get(&path).await.expect(410).tells("deleted", "MSG_DELETED");
        system.delete(&path).await.expect(200);
        system.delete("/fhir/Patient/never").await.expect(404);
        system.get(&format!("{path}/_history/1")).await.expect(200);
        system.get(&format!("{path}/_history/2")).await.expect(410);
        let history = system.get(&format!("{path}/_history")).await.expect(200).json();
        let methods: Vec<&str> =
            history["entry"].as_array().unwrap().iter().map(|entry| entry["request"]["method"].as_str().unwrap()).collect();
        assert_eq!(methods, ["DELETE", "POST"]);
    }
);

on_stage!(
    async fn patches(stage) {
        let system = stage.north();
        let (path, _) = made(&system).await;
        let json_patch = async |body: &str| system.call(Method::PATCH, &path, &[("content-type", "application/json-patch+json")], body).await;
        let changed = json_patch(r#"[{"op":"add","path":"/active","value":true},{"op":"test","path":"/multipleBirthInteger","value":2}]"#).await.expect(200);
        assert_eq!(changed.json()["active"], true);
        assert!(changed.body.contains("1.500"), "digits stay");
        json_patch(r#"[{"op":"test","path":"/active","value":false}]"#).await.expect(422).tells("processing", "operation[0]");
        json_patch(r#"{"op":"test"}"#).await.expect(400);
        json_patch(r#"[{"op":"replace","path":"/id","value":"x"}]"#).await.expect(400).tells("invalid", "MSG_RESOURCE_ID_MISMATCH");
        json_patch(r#"[{"op":"replace","path":"/resourceType","value":"Observation"}]"#).await.expect(400);
        let by_path = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
            {"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.active"},{"name":"value","valueBoolean":false}]}]}"#;
        let changed = system.call(Method::PATCH, &path, &[], by_path).await.expect(200);
        assert_eq!((changed.json()["active"].as_bool(), changed.header("etag")), (Some(false), "W/\"3\""));
        system.call(Method::PATCH, &path, &[("if-match", "W/\"1\"")], by_path).await.expect(412);
        system.call(Method::PATCH, &path, &[("content-type", "text/plain")], "x").await.expect(415);
        system.call(Method::PATCH, "/fhir/Patient/none", &[], by_path).await.expect(404);
    }
);

on_stage!(
    async fn histories_are_paged_and_their_cursors_are_the_callers(stage) {
        let system = stage.north();
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(made(&system).await.1);
            stage.clock.advance(Duration::from_secs(10));
        }
        ids.reverse();
        let (mut path, mut seen) = ("/fhir/Patient/_history?_count=2".to_owned(), Vec::new());
        let mut cursors = Vec::new();
        loop {
            let page = system.get(&path).await.expect(200).json();
            let entries = page["entry"].as_array().cloned().unwrap_or_default();
            assert!(entries.len() <= 2 && page["type"] == "history");
            seen.extend(entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()));
            let next = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
            let Some(next) = next else { break };
            path = next["url"].as_str().unwrap().trim_start_matches("https://hilum.example").to_owned();
            cursors.push(path.clone());
        }
        assert_eq!(seen, ids);
        let cursor = cursors[0].split("_cursor=").nth(1).unwrap();
        assert!(!cursor.contains(&ids[0]));
        stage.south().get(&cursors[0]).await.expect(400).tells("invalid", "_cursor");
        system.clone().at(crate::stage::NORTH_TWO).get(&cursors[0]).await.expect(400);
        system.get(&format!("/fhir/_history?_cursor={cursor}")).await.expect(400);
        system.get("/fhir/Patient/_history?_cursor=junk").await.expect(400);
        let since = "2026-01-05T08:00:25";
        let page = system.get(&format!("/fhir/_history?_since={since}")).await.expect(200).json();
        assert_eq!(page["entry"].as_array().unwrap().len(), 2);
        system.get("/fhir/_history?_since=yesterday").await.expect(400).tells("invalid", "_since");
        system.get("/fhir/_history?_coutn=1").await.expect(400).tells("invalid", "_coutn");
    }
);

on_stage!(
    async fn what_is_written_is_checked_as_the_site_asks(stage) {
        let admin = stage.by(token(1, "sites:admin", "", "")).at("");
        let system = stage.north();
        let path = format!("/admin/fhir/sites/{}", crate::stage::site(1));
        let set = async |word: &str| {
            let body = format!(r#"{{"validation":"{word}"}}"#);
            admin.call(Method::PUT, &path, &[("content-type", "application/json")], &body).await.expect(200);
            // What every node hears a moment later, this one has to hear too.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            stage.clock.advance(Duration::from_secs(31));
        };
        let bad = r#"{"resourceType":"Observation","status":"draft","code":{"text":"x"}}"#;
        system.post("/fhir/Observation", bad).await.expect(201);
        set("enforce").await;
        let refused = system.post("/fhir/Observation", bad).await.expect(422);
        refused.tells("not-found", "Observation.status");
        set("warn").await;
        let told = system.call(Method::POST, "/fhir/Observation", &[("prefer", "return=OperationOutcome")], bad).await.expect(201);
        told.tells("not-found", "Observation.status");
        let found = system.post("/fhir/Observation/$validate", bad).await.expect(200);
        found.tells("not-found", "Observation.status");
        let inside = format!(r#"{{"resourceType":"Parameters","parameter":[{{"name":"resource","resource":{bad}}}]}}"#);
        system.post("/fhir/Observation/$validate", &inside).await.expect(200).tells("not-found", "Observation.status");
        system.post("/fhir/Observation/$validate", r#"{"resourceType":"Parameters"}"#).await.expect(400);
        let kept = system.get("/fhir/Observation/_history").await.expect(200).json();
        assert_eq!(kept["entry"].as_array().unwrap().len(), 2);
    }
);

on_stage!(
    async fn a_site_may_keep_ids_to_itself(stage) {
        let admin = stage.by(token(2, "sites:admin", "", "")).at("");
        let path = format!("/admin/fhir/sites/{}", crate::stage::site(2));
        admin.call(Method::PUT, &path, &[("content-type", "application/json")], r#"{"upsert":"refused"}"#).await.expect(200);
        let refused = stage.south().put("/fhir/Patient/named", r#"{"resourceType":"Patient","id":"named"}"#).await.expect(405);
        refused.tells("not-supported", "MSG_OP_NOT_ALLOWED");
        assert_eq!(stage.south().site, SOUTH);
    }
);
