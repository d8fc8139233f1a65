//! Batch and transaction.

use crate::stage::token;

const TWO: &str = r#"{"resourceType":"Bundle","type":"transaction","entry":[
    {"fullUrl":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0","resource":{"resourceType":"Patient","name":[{"family":"Adler"}]},"request":{"method":"POST","url":"Patient"}},
    {"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}},"request":{"method":"POST","url":"Observation"}},
    {"request":{"method":"GET","url":"Patient?family=Adler"}}]}"#;

on_stage!(
    async fn a_transaction_is_done_whole_and_its_references_are_resolved(stage) {
        let system = stage.north();
        let done = system.post("/fhir", TWO).await.expect(200).json();
        assert_eq!((done["type"].as_str(), done["entry"].as_array().unwrap().len()), (Some("transaction-response"), 3));
        let patient = done["entry"][0]["resource"]["id"].as_str().unwrap();
        assert!(done["entry"][0]["response"]["status"].as_str().unwrap().starts_with("201"));
        assert_eq!(done["entry"][1]["resource"]["subject"]["reference"], format!("Patient/{patient}"));
        assert_eq!(done["entry"][2]["resource"]["entry"][0]["resource"]["id"], patient);
        let bad = TWO.replace(r#""url":"Observation""#, r#""url":"Patient""#);
        let before = system.get("/fhir/_history").await.expect(200).json()["entry"].as_array().unwrap().len();
        system.post("/fhir", &bad).await.expect(400).tells("invalid", "Bundle.entry[1]");
        let after = system.get("/fhir/_history").await.expect(200).json()["entry"].as_array().unwrap().len();
        assert_eq!(before, after, "nothing of it is kept");
    }
);

on_stage!(
    async fn entries_of_a_batch_are_calls_of_their_own(stage) {
        let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[
            {"resource":{"resourceType":"Patient","id":"anna"},"request":{"method":"PUT","url":"Patient/anna"}},
            {"resource":{"resourceType":"Claim"},"request":{"method":"POST","url":"Claim"}},
            {"request":{"method":"GET","url":"Patient/anna"}},
            {"request":{"method":"GET","url":"Patient/nobody"}},
            {"resource":{"resourceType":"Bundle","type":"batch"},"request":{"method":"POST","url":""}}]}"#;
        let done = stage.north().post("/fhir", batch).await.expect(200).json();
        let statuses: Vec<&str> = done["entry"].as_array().unwrap().iter().map(|entry| entry["response"]["status"].as_str().unwrap().split(' ').next().unwrap()).collect();
        assert_eq!(statuses[..4], ["201", "403", "200", "404"]);
        assert!(statuses[4].starts_with('4'), "no Bundle within a Bundle");
        assert_eq!(done["entry"][3]["response"]["outcome"]["issue"][0]["code"], "not-found");
    }
);

on_stage!(
    async fn entries_reach_no_farther_than_their_caller(stage) {
        stage.north().put("/fhir/Patient/anna", r#"{"resourceType":"Patient","id":"anna"}"#).await.expect(201);
        stage.north().put("/fhir/Patient/bert", r#"{"resourceType":"Patient","id":"bert"}"#).await.expect(201);
        let anna = stage.by(token(1, "patient/*.cruds", "anna", "anna"));
        for kind in ["batch", "transaction"] {
            let one = |method: &str, url: &str, resource: &str| {
                let resource = if resource.is_empty() { String::new() } else { format!(r#""resource":{resource},"#) };
                format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{{{resource}"request":{{"method":"{method}","url":"{url}"}}}}]}}"#)
            };
            let of_bert = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/bert"}}"#;
            for (method, url, resource) in [
                ("POST", "Observation", of_bert),
                ("PUT", "Patient/bert", r#"{"resourceType":"Patient","id":"bert","active":true}"#),
                ("PUT", "Patient/new", r#"{"resourceType":"Patient","id":"new"}"#),
                ("DELETE", "Patient/bert", ""),
                ("GET", "Patient/bert", ""),
            ] {
                let answer = anna.post("/fhir", &one(method, url, resource)).await;
                let refused = match answer.status {
                    200 => answer.json()["entry"][0]["response"]["status"].as_str().unwrap().starts_with('4'),
                    status => (400..500).contains(&status),
                };
                assert!(refused, "{kind} {method} {url}: {}", answer.body);
            }
        }
        let bert = stage.north().get("/fhir/Patient/bert").await.expect(200).json();
        assert_eq!(bert["meta"]["versionId"], "1");
        assert_eq!(stage.north().get("/fhir/_history").await.expect(200).json()["entry"].as_array().unwrap().len(), 2);
    }
);

on_stage!(
    async fn what_is_no_bundle_of_calls_is_refused(stage) {
        let system = stage.north();
        for body in [
            r#"{"resourceType":"Patient"}"#,
            r#"{"resourceType":"Bundle","type":"collection"}"#,
            r#"{"resourceType":"Bundle","type":"batch","entry":[{}]}"#,
            r#"{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"SHOUT","url":"Patient"}}]}"#,
            r#"{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST","url":"Patient"}}]}"#,
        ] {
            system.post("/fhir", body).await.expect(400);
        }
        let entry = r#"{"request":{"method":"GET","url":"Patient/1"}}"#;
        let many = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{}]}}"#, vec![entry; 10_001].join(","));
        system.post("/fhir", &many).await.expect(413).tells("too-long", "Bundle.entry");
    }
);

fn bundle(kind: &str, entries: &[String]) -> String {
    format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{}]}}"#, entries.join(","))
}

fn call(method: &str, url: &str, resource: &str, more: &str) -> String {
    let resource = if resource.is_empty() { String::new() } else { format!(r#""resource":{resource},"#) };
    format!(r#"{{{resource}"request":{{"method":"{method}","url":"{url}"{more}}}}}"#)
}

fn statuses(done: &serde_json::Value) -> Vec<String> {
    let entries = done["entry"].as_array().unwrap().iter();
    entries.map(|entry| entry["response"]["status"].as_str().unwrap()[..3].to_owned()).collect()
}

fn patient(value: &str, more: &str) -> String {
    format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:x","value":"{value}"}}]{more}}}"#)
}

/// A JSON Patch that says that somebody is active, in a Binary.
const BINARY: &str = r#"{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL2FjdGl2ZSIsInZhbHVlIjp0cnVlfV0="}"#;
const PARAMETERS: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},{"name":"name","valueString":"gender"},{"name":"value","valueCode":"female"}]}]}"#;

on_stage!(
    async fn every_form_of_a_write_can_be_an_entry(stage) {
        let system = stage.north();
        for (nth, kind) in ["batch", "transaction"].into_iter().enumerate() {
            for id in ["a", "b", "c", "e"] {
                let body = patient(&format!("{id}{nth}"), &format!(r#","id":"{id}{nth}""#));
                system.put(&format!("/fhir/Patient/{id}{nth}"), &body).await.expect(201);
            }
            let mine = |id: &str| format!("Patient/{id}{nth}");
            let meant = |value: &str| format!("Patient?identifier=urn:x|{value}{nth}");
            let done = system.post("/fhir", &bundle(kind, &[
                call("PATCH", &mine("a"), BINARY, r#","ifMatch":"W/\"1\"""#),
                call("PATCH", &meant("b"), PARAMETERS, ""),
                call("PUT", &meant("c"), &patient(&format!("c{nth}"), r#","active":false"#), r#","ifMatch":"W/\"1\"""#),
                call("PUT", &meant("d"), &patient(&format!("d{nth}"), &format!(r#","id":"d{nth}""#)), r#","ifNoneMatch":"*""#),
                call("DELETE", &meant("e"), "", ""),
                call("DELETE", &meant("f"), "", ""),
                call("POST", "Patient", &patient("x", ""), &format!(r#","ifNoneExist":"identifier=urn:x|g{nth}""#)),
                call("GET", &mine("a"), "", r#","ifNoneMatch":"W/\"2\"""#),
                call("GET", &mine("a"), "", r#","ifModifiedSince":"2100-01-01T00:00:00Z""#),
                call("GET", &mine("d"), "", ""),
            ])).await.expect(200).json();
            assert_eq!(statuses(&done), ["200", "200", "200", "201", "200", "200", "201", "304", "304", "200"], "{done}");
            let entry = |at: usize| done["entry"][at]["resource"].clone();
            assert_eq!((entry(0)["active"].as_bool(), entry(1)["gender"].as_str()), (Some(true), Some("female")));
            assert_eq!((entry(2)["id"].clone(), entry(2)["active"].as_bool()), (format!("c{nth}").into(), Some(false)));
            assert_eq!(entry(3)["id"], format!("d{nth}"));
            system.get(&format!("/fhir/Patient/e{nth}")).await.expect(410);
        }
    }
);

on_stage!(
    async fn what_an_entry_expects_is_held_in_batch_and_transaction(stage) {
        let system = stage.north();
        system.put("/fhir/Patient/a", &patient("a", r#","id":"a""#)).await.expect(201);
        system.post("/fhir/Patient", &patient("two", "")).await.expect(201);
        system.post("/fhir/Patient", &patient("two", "")).await.expect(201);
        let before = system.get("/fhir/_history").await.expect(200).body;
        let a = patient("a", r#","id":"a""#);
        for (status, entry) in [
            (412, call("PUT", "Patient/a", &a, r#","ifMatch":"W/\"2\"""#)),
            (412, call("PUT", "Patient/a", &a, r#","ifNoneMatch":"*""#)),
            (400, call("PUT", "Patient/a", &a, r#","ifNoneMatch":"W/\"1\"""#)),
            (400, call("PUT", "Patient/a", &patient("a", r#","id":"b""#), "")),
            (400, call("PUT", "Patient?identifier=urn:x|a", &patient("a", r#","id":"b""#), "")),
            (409, call("PUT", "Patient?identifier=urn:x|b", &a, "")),
            (412, call("PATCH", "Patient/a", BINARY, r#","ifMatch":"W/\"2\"""#)),
            (404, call("PATCH", "Patient/b", BINARY, "")),
            (404, call("PATCH", "Patient?identifier=urn:x|b", BINARY, "")),
            (400, call("PATCH", "Patient/a", r#"{"resourceType":"Binary","contentType":"application/json-patch+json","data":"%"}"#, "")),
            (400, call("PATCH", "Patient/a", &a, "")),
            (412, call("DELETE", "Patient/a", "", r#","ifMatch":"W/\"2\"""#)),
            (412, call("DELETE", "Patient?identifier=urn:x|two", "", "")),
            (412, call("PUT", "Patient?identifier=urn:x|two", &patient("two", ""), "")),
            (412, call("PUT", "Patient?identifier=urn:x|b", &patient("b", ""), r#","ifMatch":"W/\"1\"""#)),
            (412, call("PATCH", "Patient?identifier=urn:x|b", BINARY, r#","ifMatch":"W/\"1\"""#)),
            (412, call("DELETE", "Patient?identifier=urn:x|b", "", r#","ifMatch":"W/\"1\"""#)),
            (412, call("PUT", "Patient?identifier=urn:x|a", &patient("a", ""), r#","ifMatch":"W/\"2\"""#)),
            (400, call("DELETE", "Patient?", "", "")),
            (412, call("POST", "Patient", &a, r#","ifNoneExist":"identifier=urn:x|two""#)),
            (400, call("PUT", "Patient?colour=red", &patient("a", ""), "")),
        ] {
            let batch = system.post("/fhir", &bundle("batch", std::slice::from_ref(&entry))).await.expect(200).json();
            assert_eq!(statuses(&batch), [status.to_string()], "{entry}: {batch}");
            let good = call("POST", "Patient", &patient("kept", ""), "");
            let whole = system.post("/fhir", &bundle("transaction", &[good, entry.clone()])).await;
            assert_eq!(whole.status, status, "{entry}: {}", whole.body);
            let place = whole.json()["issue"][0]["expression"][0].as_str().unwrap().to_owned();
            assert!(place.starts_with("Bundle.entry[1]"), "{entry}: {place}");
        }
        assert_eq!(system.get("/fhir/_history").await.expect(200).body, before, "and nothing is written");
    }
);

on_stage!(
    async fn entries_that_mean_the_same_are_refused(stage) {
        let system = stage.north();
        system.put("/fhir/Patient/a", &patient("a", r#","id":"a""#)).await.expect(201);
        let unless = |words: &str| call("POST", "Patient", &patient("n", ""), &format!(r#","ifNoneExist":"{words}""#));
        let put = |words: &str| call("PUT", &format!("Patient?{words}"), &patient("n", ""), "");
        for (one, other) in [
            (put("identifier=urn:x|n"), put("identifier=urn:x%7Cn")),
            (unless("identifier=urn:x|n"), put("identifier=urn:x|n")),
            (unless("identifier=urn:x%7Cn"), unless("identifier=urn:x|n")),
            (call("PATCH", "Patient?identifier=urn:x|a", BINARY, ""), call("DELETE", "Patient/a", "", "")),
        ] {
            let refused = system.post("/fhir", &bundle("transaction", &[one.clone(), other])).await;
            refused.expect(400).tells("invalid", "Bundle.entry[1]");
        }
        assert_eq!(system.get("/fhir/_history").await.expect(200).json()["entry"].as_array().unwrap().len(), 1);
    }
);

on_stage!(
    async fn what_is_preferred_of_a_bundle_is_preferred_of_its_entries(stage) {
        let system = stage.north();
        for kind in ["batch", "transaction"] {
            let body = bundle(kind, &[call("POST", "Patient", &patient(kind, ""), ""), call("GET", &format!("Patient?identifier={kind}"), "", "")]);
            for (prefer, has_resource, has_outcome) in [
                ("return=minimal", false, false),
                ("return=representation", true, false),
                ("return=OperationOutcome", false, true),
            ] {
                let done = system.call(http::Method::POST, "/fhir", &[("prefer", prefer)], &body).await.expect(200).json();
                let made = &done["entry"][0];
                assert_eq!(statuses(&done), ["201", "200"]);
                assert_eq!(made.get("resource").is_some(), has_resource, "{kind} {prefer}: {made}");
                assert_eq!(made["response"].get("outcome").is_some(), has_outcome, "{kind} {prefer}: {made}");
                assert!(made["response"]["location"].as_str().unwrap().contains("/Patient/"));
                assert_eq!(done["entry"][1]["resource"]["type"], "searchset");
            }
        }
    }
);

on_stage!(
    async fn what_is_kept_of_a_transaction_is_what_the_caller_may_keep(stage) {
        let system = stage.north();
        for id in ["anna", "bert"] {
            system.put(&format!("/fhir/Patient/{id}"), &patient(id, &format!(r#","id":"{id}""#))).await.expect(201);
        }
        let anna = stage.by(token(1, "patient/*.cruds system/Practitioner.s", "anna", ""));
        let of = |subject: &str, value: &str| format!(r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},"identifier":[{{"value":"{value}"}}],"subject":{{"reference":"{subject}"}}}}"#);
        // A reference that is found by a condition is her own once it is resolved; that to another is not found.
        let own = bundle("transaction", &[call("POST", "Observation", &of("Patient?identifier=urn:x|anna", "1"), "")]);
        anna.post("/fhir", &own).await.expect(200);
        let foreign = bundle("transaction", &[call("POST", "Observation", &of("Patient?identifier=urn:x|bert", "2"), "")]);
        anna.post("/fhir", &foreign).await.expect(400);
        let given = r#"{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9zdWJqZWN0L3JlZmVyZW5jZSIsInZhbHVlIjoiUGF0aWVudC9iZXJ0In1d"}"#;
        for entry in [
            call("PUT", "Observation?identifier=1", &of("Patient/bert", "1"), ""),
            call("PUT", "Observation?identifier=3", &of("Patient/bert", "3"), ""),
            call("PATCH", "Observation?identifier=1", given, ""),
        ] {
            anna.post("/fhir", &bundle("transaction", std::slice::from_ref(&entry))).await.expect(403).tells("forbidden", "Bundle.entry[0]");
            let batch = anna.post("/fhir", &bundle("batch", std::slice::from_ref(&entry))).await.expect(200).json();
            assert_eq!(statuses(&batch), ["403"], "{entry}");
        }
        let put = |value: &str| bundle("transaction", &[call("PUT", &format!("Observation?identifier={value}"), &of("Patient/anna", value), "")]);
        assert_eq!(statuses(&anna.post("/fhir", &put("1")).await.expect(200).json()), ["200"]);
        assert_eq!(statuses(&anna.post("/fhir", &put("4")).await.expect(200).json()), ["201"]);
    }
);
