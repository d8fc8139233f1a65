//! Writes of the record that a search finds, and what a write expects to be stored.

use futures_util::future::join_all;
use http::Method;
use serde_json::Value;

use crate::stage::{Calls, NORTH_TWO, token};

const JSON_PATCH: [(&str, &str); 1] = [("content-type", "application/json-patch+json")];
/// Callers at the same moment.
const CALLERS: usize = 64;

fn patient(value: &str, more: &str) -> String {
    format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:x","value":"{value}"}}]{more}}}"#)
}

fn meant(value: &str) -> String {
    format!("/fhir/Patient?identifier=urn:x|{value}")
}

async fn found(by: &Calls<'_>, value: &str) -> Vec<Value> {
    let bundle = by.get(&meant(value)).await.expect(200).json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.into_iter().map(|mut entry| entry["resource"].take()).collect()
}

on_stage!(
    async fn a_conditional_update_creates_updates_or_is_refused(stage) {
        let system = stage.north();
        let made = system.put(&meant("1"), &patient("1", "")).await.expect(201);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert!(made.header("location").ends_with(&format!("/Patient/{id}/_history/1")));
        let next = system.put(&meant("1"), &patient("1", r#","active":true"#)).await.expect(200);
        assert_eq!((next.json()["id"].as_str(), next.header("etag")), (Some(&*id), "W/\"2\""));
        let own = |id: &str| format!(r#","id":"{id}""#);
        system.put(&meant("1"), &patient("1", &own(&id))).await.expect(200);
        system.put(&meant("1"), &patient("1", &own("other"))).await.expect(400).tells("invalid", "MSG_RESOURCE_ID_MISMATCH");
        assert_eq!(system.put(&meant("2"), &patient("2", &own("two"))).await.expect(201).json()["id"], "two");
        system.put(&meant("3"), &patient("3", &own("two"))).await.expect(409);
        system.post("/fhir/Patient", &patient("2", "")).await.expect(201);
        system.put(&meant("2"), &patient("2", "")).await.expect(412).tells("multiple-matches", "");
        for (query, words) in [("", "criteria"), ("?", "criteria"), ("?_count=1", "criteria"), ("?colour=red", "colour")] {
            let path = format!("/fhir/Patient{query}");
            let lenient = [("prefer", "handling=lenient")];
            for method in [Method::PUT, Method::DELETE] {
                let body = if method == Method::PUT { patient("4", "") } else { String::new() };
                system.call(method.clone(), &path, &[], &body).await.expect(400).tells("invalid", words);
                system.call(method, &path, &lenient, &body).await.expect(400);
            }
        }
        assert_eq!(found(&system, "4").await.len(), 0);
    }
);

on_stage!(
    async fn what_is_expected_to_be_stored_is_held(stage) {
        let system = stage.north();
        let put = async |headers: &[(&str, &str)]| system.call(Method::PUT, &meant("1"), headers, &patient("1", "")).await;
        put(&[("if-match", "W/\"1\"")]).await.expect(412).tells("conflict", "MSG_VERSION_AWARE_CONFLICT");
        put(&[("if-none-match", "*")]).await.expect(201);
        put(&[("if-none-match", "*")]).await.expect(412);
        put(&[("if-match", "W/\"1\"")]).await.expect(200);
        put(&[("if-match", "W/\"1\"")]).await.expect(412);
        put(&[("if-none-match", "W/\"1\"")]).await.expect(400);
        put(&[("if-none-match", "*"), ("if-match", "W/\"1\"")]).await.expect(400);
        let change = r#"[{"op":"add","path":"/active","value":true}]"#;
        let patch = async |headers: &[(&str, &str)]| {
            let headers: Vec<(&str, &str)> = JSON_PATCH.into_iter().chain(headers.iter().copied()).collect();
            system.call(Method::PATCH, &meant("1"), &headers, change).await
        };
        patch(&[("if-match", "W/\"1\"")]).await.expect(412);
        assert_eq!(patch(&[("if-match", "W/\"2\"")]).await.expect(200).json()["active"], true);
        let delete = async |headers: &[(&str, &str)]| system.call(Method::DELETE, &meant("1"), headers, "").await;
        delete(&[("if-match", "W/\"2\"")]).await.expect(412);
        delete(&[("if-match", "W/\"3\"")]).await.expect(200).tells("informational", "is deleted");
        delete(&[("if-match", "W/\"3\"")]).await.expect(412);
        delete(&[]).await.expect(200).tells("informational", "none to delete");
        let id = r#"{"resourceType":"Patient","id":"a"}"#;
        let anew = async || system.call(Method::PUT, "/fhir/Patient/a", &[("if-none-match", "*")], id).await;
        anew().await.expect(201);
        anew().await.expect(412);
        system.delete("/fhir/Patient/a").await.expect(200);
        anew().await.expect(200);
    }
);

on_stage!(
    async fn a_conditional_patch_and_a_conditional_delete_mean_one_record(stage) {
        let system = stage.north();
        let change = r#"[{"op":"add","path":"/active","value":true}]"#;
        let patch = async |value: &str, change: &str| system.call(Method::PATCH, &meant(value), &JSON_PATCH, change).await;
        patch("1", change).await.expect(404);
        system.post("/fhir/Patient", &patient("1", "")).await.expect(201);
        assert_eq!(patch("1", change).await.expect(200).header("etag"), "W/\"2\"");
        patch("1", r#"[{"op":"replace","path":"/id","value":"x"}]"#).await.expect(400).tells("invalid", "MSG_RESOURCE_ID_MISMATCH");
        patch("1", r#"[{"op":"remove","path":"/nothing"}]"#).await.expect(422);
        let paths = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.active"},{"name":"value","valueBoolean":false}]}]}"#;
        let changed = system.call(Method::PATCH, &meant("1"), &[("content-type", "application/fhir+json")], paths).await;
        assert_eq!(changed.expect(200).json()["active"], false);
        system.post("/fhir/Patient", &patient("1", "")).await.expect(201);
        patch("1", change).await.expect(412).tells("multiple-matches", "");
        system.delete(&meant("1")).await.expect(412).tells("multiple-matches", "");
        assert_eq!(found(&system, "1").await.len(), 2);
    }
);

on_stage!(
    async fn callers_at_the_same_moment_make_one_record_and_lose_no_change(stage) {
        let system = stage.north();
        let (path, body) = (meant("1"), patient("1", ""));
        let all = join_all((0..CALLERS).map(|_| system.put(&path, &body))).await;
        assert_eq!(all.iter().filter(|one| one.status == 201).count(), 1);
        assert_eq!(all.iter().filter(|one| one.status == 200).count(), CALLERS - 1);
        let record = found(&system, "1").await;
        assert_eq!((record.len(), record[0]["meta"]["versionId"].as_str()), (1, Some("64")));
        let change = r#"[{"op":"add","path":"/name","value":[]}]"#;
        system.call(Method::PATCH, &path, &JSON_PATCH, change).await.expect(200);
        let more: Vec<String> = (0..CALLERS)
            .map(|nth| format!(r#"[{{"op":"add","path":"/name/-","value":{{"family":"F{nth}"}}}}]"#))
            .collect();
        let place = format!("/fhir/Patient/{}", record[0]["id"].as_str().unwrap());
        let half = |nth: usize| if nth.is_multiple_of(2) { &path } else { &place };
        let patched = more.iter().enumerate().map(|(nth, one)| system.call(Method::PATCH, half(nth), &JSON_PATCH, one));
        assert!(join_all(patched).await.iter().all(|one| one.status == 200));
        assert_eq!(found(&system, "1").await[0]["name"].as_array().unwrap().len(), CALLERS);
        let gone = join_all((0..CALLERS).map(|_| system.delete(&path))).await;
        assert_eq!(gone.iter().filter(|one| one.body.contains("is deleted")).count(), 1);
        assert!(gone.iter().all(|one| one.status == 200));
    }
);

fn observation(patient: &str, value: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},"identifier":[{{"system":"urn:x","value":"{value}"}}],"subject":{{"reference":"Patient/{patient}"}}{more}}}"#
    )
}

on_stage!(
    async fn what_the_caller_does_not_see_is_not_meant(stage) {
        let system = stage.north();
        for id in ["anna", "bert"] {
            system.put(&format!("/fhir/Patient/{id}"), &format!(r#"{{"resourceType":"Patient","id":"{id}"}}"#)).await.expect(201);
        }
        system.clone().at(NORTH_TWO).put("/fhir/Observation?identifier=urn:x|there", &observation("anna", "there", "")).await.expect(201);
        system.post("/fhir/Observation", &observation("bert", "his", r#","note":[{"text":"secret"}]"#)).await.expect(201);
        let anna = stage.by(token(1, "patient/*.cruds", "anna", ""));
        let path = |value: &str| format!("/fhir/Observation?identifier=urn:x|{value}");
        let change = r#"[{"op":"remove","path":"/note"}]"#;
        for value in ["his", "there", "none"] {
            anna.call(Method::PATCH, &path(value), &JSON_PATCH, change).await.expect(404);
            anna.delete(&path(value)).await.expect(200).tells("informational", "none to delete");
            for headers in [&[("if-match", "W/\"1\"")][..], &[("if-match", "W/\"2\"")]] {
                anna.call(Method::PUT, &path(value), headers, &observation("anna", value, "")).await.expect(412);
            }
            // She may not put it under another's name, and hears the same wherever she asks.
            anna.put(&path(value), &observation("bert", value, "")).await.expect(403);
            anna.put(&path(value), &observation("anna", value, r#","id":"named""#)).await.expect(404);
            anna.put(&path(value), &observation("anna", value, "")).await.expect(201);
            anna.put(&path(value), &observation("anna", value, "")).await.expect(200);
            anna.put(&path(value), &observation("bert", value, "")).await.expect(403);
            anna.delete(&path(value)).await.expect(200).tells("informational", "is deleted");
        }
        let his = system.get(&path("his")).await.expect(200).json();
        assert_eq!(his["entry"][0]["resource"]["meta"]["versionId"], "1");
        let there = system.clone().at(NORTH_TWO).get(&path("there")).await.expect(200).json();
        assert_eq!(there["entry"][0]["resource"]["meta"]["versionId"], "1");
        // Who may search but not write hears nothing new, and writes nothing.
        let reader = stage.by(token(1, "system/Observation.rs patient/Observation.cud", "anna", ""));
        for call in [
            reader.put(&path("his"), &observation("anna", "his", "")).await,
            reader.call(Method::PATCH, &path("his"), &JSON_PATCH, change).await,
            reader.delete(&path("his")).await,
        ] {
            call.expect(404);
        }
        stage.by(token(1, "system/Observation.cud", "", "")).put(&path("his"), &observation("anna", "his", "")).await.expect(403);
    }
);

on_stage!(
    async fn a_read_is_spared_who_has_it_already(stage) {
        let system = stage.north();
        let made = system.put("/fhir/Patient/a", r#"{"resourceType":"Patient","id":"a"}"#).await.expect(201);
        let at = made.header("last-modified").to_owned();
        let get = async |headers: &[(&str, &str)]| system.call(Method::GET, "/fhir/Patient/a", headers, "").await;
        let spared = get(&[("if-modified-since", &at)]).await.expect(304);
        assert_eq!((spared.body.as_str(), spared.header("etag")), ("", "W/\"1\""));
        get(&[("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT")]).await.expect(200);
        get(&[("if-modified-since", "yesterday")]).await.expect(200);
        get(&[("if-none-match", "W/\"1\"")]).await.expect(304);
        get(&[("if-none-match", "W/\"2\""), ("if-modified-since", &at)]).await.expect(200);
        stage.clock.advance(std::time::Duration::from_secs(2));
        system.put("/fhir/Patient/a", r#"{"resourceType":"Patient","id":"a","active":true}"#).await.expect(200);
        get(&[("if-modified-since", &at)]).await.expect(200);
    }
);
