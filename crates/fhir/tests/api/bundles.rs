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
