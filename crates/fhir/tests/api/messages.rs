//! `$process-message`: what is stored, what is answered, and that it is so once.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    audit_events::{auditor, found as found_events, line},
    stage::{Calls, Heard, site, token},
};

const PATH: &str = "/fhir/$process-message";

fn order(id: &str, family: &str) -> Value {
    json!({"resourceType": "Bundle", "id": "b1", "type": "message", "timestamp": "2026-11-22T00:00:00Z", "entry": [
        {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": {"resourceType": "MessageHeader", "id": id,
            "eventCoding": {"system": "http://terminology.hl7.org/CodeSystem/v2-0003", "code": "O21"},
            "destination": [{"endpoint": "https://lab.example/in", "receiver": {"identifier": {"value": "LAB"}}}],
            "sender": {"identifier": {"value": "WARD"}}, "source": {"name": "Ward", "endpoint": "https://ward.example/out"},
            "focus": [{"reference": "urn:uuid:00000000-0000-4000-8000-000000000003"}]}},
        {"fullUrl": "https://ward.example/fhir/Patient/7", "resource": {"resourceType": "Patient", "id": "7", "name": [{"family": family}]}},
        {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000003", "resource": {"resourceType": "ServiceRequest", "status": "active", "intent": "order",
            "subject": {"reference": "https://ward.example/fhir/Patient/7"}}},
        {"fullUrl": "https://ward.example/fhir/Observation/8", "resource": {"resourceType": "Observation", "status": "final",
            "code": {"text": "mass"}, "valueQuantity": {"value": 1.10}, "subject": {"reference": "Patient/7"}}},
    ]})
}

fn response(answer: &Heard) -> Value {
    let bundle = answer.json();
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("message")), "{bundle}");
    assert_eq!(bundle["entry"][0]["resource"]["resourceType"], "MessageHeader");
    bundle["entry"][0]["resource"]["response"].clone()
}

async fn count(by: &Calls<'_>, of: &str) -> u64 {
    by.get(&format!("/fhir/{of}?_summary=count")).await.expect(200).json()["total"].as_u64().unwrap()
}

/// Records of each of these types.
async fn counts(by: &Calls<'_>) -> [u64; 5] {
    let mut all = [0; 5];
    for (nth, of) in
        ["Bundle", "MessageHeader", "Patient", "ServiceRequest", "Observation"].into_iter().enumerate()
    {
        all[nth] = count(by, of).await;
    }
    all
}

async fn only(by: &Calls<'_>, of: &str) -> Value {
    let found = by.get(&format!("/fhir/{of}")).await.expect(200).json();
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{found}");
    found["entry"][0]["resource"].clone()
}

on_stage!(
    async fn a_message_is_stored_whole_and_in_parts_and_answered(with_foundation, stage) {
        let north = stage.north();
        let sent = order("m1", "Anna").to_string().replace("\"value\":1.1}", "\"value\":1.10}");
        let heard = north.post(PATH, &sent).await.expect(200);
        assert_eq!(response(&heard), json!({"identifier": "m1", "code": "ok"}));
        let header = heard.json()["entry"][0]["resource"].clone();
        assert_eq!(header["destination"][0], json!({"endpoint": "https://ward.example/out", "name": "Ward", "receiver": {"identifier": {"value": "WARD"}}}));
        assert_eq!((&header["sender"]["identifier"]["value"], &header["eventCoding"]["code"]), (&json!("LAB"), &json!("O21")));
        // The answer is valid FHIR.
        let found = north.post("/fhir/Bundle/$validate", &heard.body).await.expect(200).body;
        assert!(!found.contains("\"severity\":\"error\""), "{found}");
        assert_eq!(counts(&north).await, [1, 1, 1, 1, 1]);
        let (patient, order_of, seen) = (only(&north, "Patient").await, only(&north, "ServiceRequest").await, only(&north, "Observation").await);
        let own = format!("Patient/{}", patient["id"].as_str().unwrap());
        assert_ne!(own, "Patient/7", "ids are ours");
        assert_eq!((&order_of["subject"]["reference"], &seen["subject"]["reference"]), (&json!(own), &json!(own)));
        let focus = only(&north, "MessageHeader").await["focus"][0]["reference"].clone();
        assert_eq!(focus, format!("ServiceRequest/{}", order_of["id"].as_str().unwrap()));
        let bundle = only(&north, "Bundle").await;
        assert_eq!(bundle["entry"], order("m1", "Anna")["entry"], "as it was sent");
        assert!(north.get("/fhir/Observation").await.body.contains("1.10"), "digits stay");
        let mut told: Vec<String> = found_events(&auditor(&stage), "action=C").await.iter().map(line).collect();
        told.sort();
        let version = |of: &str, id: &Value| format!("create {of}/{}/_history/1", id.as_str().unwrap());
        let header = only(&north, "MessageHeader").await;
        assert_eq!(
            told,
            [
                format!("{} of -: 0", version("Bundle", &bundle["id"])),
                format!("{} of -: 0", version("MessageHeader", &header["id"])),
                format!("{} of {own}: 0", version("Observation", &seen["id"])),
                format!("{} of {own}: 0", version("Patient", &patient["id"])),
                format!("{} of {own}: 0", version("ServiceRequest", &order_of["id"])),
            ]
        );
    }
);

on_stage!(
    async fn sent_again_it_is_answered_the_same_and_stored_no_more(with_foundation, stage) {
        let north = stage.north();
        let body = order("m1", "Anna").to_string();
        let first = north.post(PATH, &body).await.expect(200).body;
        assert_eq!(north.post(PATH, &body).await.expect(200).body, first);
        let wrapped = json!({"resourceType": "Parameters", "parameter": [{"name": "async", "valueBoolean": false},
            {"name": "content", "resource": order("m1", "Anna")}]});
        assert_eq!(north.post(PATH, &wrapped.to_string()).await.expect(200).body, first);
        north.post(PATH, &order("m1", "Berta").to_string()).await.expect(409).tells("conflict", "MessageHeader.id");
        assert_eq!(counts(&north).await, [1, 1, 1, 1, 1]);
        // Another caller's message is another, and so is another site's; nobody hears of what was answered to somebody else.
        let other = stage.by(token(1, "system/*.cruds", "", "site"));
        assert_eq!(response(&other.post(PATH, &order("m1", "Berta").to_string()).await.expect(200))["code"], "ok");
        assert_ne!(stage.south().post(PATH, &body).await.expect(200).body, first);
        assert_eq!((count(&north, "Patient").await, count(&stage.south(), "Patient").await), (2, 1));
    }
);

on_stage!(
    async fn what_a_message_was_answered_is_known_for_its_time(with_foundation, stage) {
        let (north, day) = (stage.north(), std::time::Duration::from_hours(24));
        let body = order("m1", "Anna").to_string();
        let first = north.post(PATH, &body).await.expect(200).body;
        stage.clock.advance(fhir::message::MESSAGE_KEPT - day);
        stage.worker().run_due().await.unwrap();
        let younger = north.post(PATH, &order("m2", "Berta").to_string()).await.expect(200).body;
        assert_eq!(north.post(PATH, &body).await.expect(200).body, first);
        stage.clock.advance(2 * day);
        stage.worker().run_due().await.unwrap();
        // Nothing says any more that it was here: it is another message now. What came later is known still.
        assert_ne!(north.post(PATH, &body).await.expect(200).body, first);
        assert_eq!(north.post(PATH, &order("m2", "Berta").to_string()).await.expect(200).body, younger);
        assert_eq!(counts(&north).await, [3, 3, 3, 3, 3]);
    }
);

on_stage!(
    async fn what_is_not_good_or_not_taken_is_a_fatal_error_and_nothing_is_stored(with_foundation, stage) {
        let (north, admin) = (stage.north(), stage.by(token(1, "sites:admin", "", "")).at(""));
        let path = format!("/admin/fhir/sites/{}", site(1));
        let json = [("content-type", "application/json")];
        let set = async |words: &str| {
            admin.call(http::Method::PUT, &path, &json, words).await.expect(200);
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            stage.clock.advance(std::time::Duration::from_secs(31));
        };
        set(r#"{"validation":"enforce"}"#).await;
        let mut bad = order("m1", "Anna");
        bad["entry"][3]["resource"]["status"] = json!("nonsense");
        let heard = north.post(PATH, &bad.to_string()).await.expect(200);
        let said = response(&heard);
        assert_eq!((&said["identifier"], &said["code"]), (&json!("m1"), &json!("fatal-error")));
        let outcome = &heard.json()["entry"][1];
        assert_eq!(said["details"]["reference"], outcome["fullUrl"]);
        assert!(outcome["resource"]["issue"].to_string().contains("nonsense"), "{outcome}");
        // Mended, it may be sent under the same id; what is only worth a warning is told.
        assert_eq!(counts(&north).await, [0; 5]);
        set(r#"{"validation":"warn"}"#).await;
        let heard = north.post(PATH, &bad.to_string()).await.expect(200);
        assert_eq!((&response(&heard)["code"], heard.json()["entry"][1]["resource"]["resourceType"].as_str()), (&json!("ok"), Some("OperationOutcome")));
        let definition = json!({"resourceType": "MessageDefinition", "status": "active", "date": "2026-01-01",
            "eventCoding": {"system": "http://terminology.hl7.org/CodeSystem/v2-0003", "code": "R01"}});
        north.post("/fhir/MessageDefinition", &definition.to_string()).await.expect(201);
        let heard = north.post(PATH, &order("m2", "Anna").to_string()).await.expect(200);
        assert_eq!(response(&heard)["code"], "fatal-error");
        assert!(heard.body.contains("event"), "{}", heard.body);
        let mut result = order("m2", "Anna");
        result["entry"][0]["resource"]["eventCoding"]["code"] = json!("R01");
        assert_eq!(response(&north.post(PATH, &result.to_string()).await.expect(200))["code"], "ok");
        assert_eq!(counts(&north).await, [2, 2, 2, 2, 2]);
    }
);

on_stage!(
    async fn who_may_not_write_all_of_it_writes_nothing(with_foundation, stage) {
        let all = ["Bundle", "MessageHeader", "Patient", "ServiceRequest", "Observation"];
        for left_out in all {
            let scopes: Vec<String> = all.iter().filter(|of| **of != left_out).map(|of| format!("system/{of}.c")).collect();
            let narrow = stage.by(token(1, &scopes.join(" "), "", ""));
            narrow.post(PATH, &order("m1", "Anna").to_string()).await.expect(403).tells("forbidden", left_out);
        }
        // One patient's app does not write another's.
        let own = stage.by(token(1, "system/Bundle.c system/MessageHeader.c patient/*.c", "anna", ""));
        own.post(PATH, &order("m1", "Anna").to_string()).await.expect(403);
        assert_eq!(counts(&stage.north()).await, [0; 5]);
        let enough: Vec<String> = all.iter().map(|of| format!("system/{of}.c")).collect();
        let heard = stage.by(token(1, &enough.join(" "), "", "")).post(PATH, &order("m1", "Anna").to_string()).await;
        assert_eq!(response(&heard.expect(200))["code"], "ok");
    }
);

on_stage!(
    async fn what_is_no_message_is_refused(with_foundation, stage) {
        let north = stage.north();
        let mut headless = order("m1", "Anna");
        headless["entry"].as_array_mut().unwrap().remove(0);
        let mut nameless = order("m1", "Anna");
        nameless.as_object_mut().unwrap().remove("id");
        nameless["entry"][0]["resource"].as_object_mut().unwrap().remove("id");
        nameless["entry"][0]["fullUrl"] = json!("https://ward.example/fhir/MessageHeader/1");
        let mut transaction = order("m1", "Anna");
        transaction["type"] = json!("transaction");
        let mut same = order("m1", "Anna");
        same["entry"][3]["fullUrl"] = same["entry"][1]["fullUrl"].clone();
        for (body, words) in [
            ("{".to_owned(), "line 1"),
            (json!({"resourceType": "Patient"}).to_string(), "resourceType"),
            (json!({"resourceType": "Parameters"}).to_string(), "content"),
            (json!({"resourceType": "Parameters", "parameter": [{"name": "async", "valueBoolean": true}]}).to_string(), "async"),
            (headless.to_string(), "MessageHeader"),
            (nameless.to_string(), "MessageHeader.id"),
            (transaction.to_string(), "Bundle.type"),
            (same.to_string(), "fullUrl"),
            (json!({"resourceType": "Bundle", "type": "message", "entry": [{}]}).to_string(), "Bundle.entry[0]"),
        ] {
            let heard = north.post(PATH, &body).await.expect(400);
            assert!(heard.body.contains(words), "{words}: {}", heard.body);
        }
        // More elements than a record may have, which a Bundle may; what is wrong with it is another thing.
        let large = json!({"resourceType": "Bundle", "type": "history", "total": vec![0; 1_000_000]}).to_string();
        for path in [PATH, "/fhir"] {
            let heard = north.post(path, &large).await.expect(400);
            assert!(heard.body.contains("Bundle.type"), "{path}: {}", heard.body);
        }
        for (query, named) in [("async=true", "async"), ("response-url=http://a", "response-url"), ("colour=red", "colour")] {
            let heard = north.post(&format!("{PATH}?{query}"), &order("m1", "Anna").to_string()).await.expect(400);
            assert!(heard.body.contains(named), "{}", heard.body);
        }
        assert_eq!(counts(&north).await, [0; 5]);
    }
);

on_stage!(
    async fn sixty_four_senders_store_it_once(with_foundation, stage) {
        let north = stage.north();
        let body = order("m1", "Anna").to_string();
        let heard = futures_util::future::join_all((0..64).map(|_| north.post(PATH, &body))).await;
        let first = &heard[0].body;
        assert!(heard.iter().all(|one| one.status == 200 && one.body == *first), "{:?}", heard.iter().map(|one| one.status).collect::<Vec<_>>());
        assert_eq!(counts(&north).await, [1, 1, 1, 1, 1]);
    }
);

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

on_stage!(
    async fn messages_of_a_region_are_taken(with_foundation, stage) {
        let Some(root) = std::env::var_os("HILUM_DATA").map(PathBuf::from) else {
            eprintln!("SKIPPED: HILUM_DATA is not set, no real messages were sent");
            return;
        };
        let (north, mut files, mut sent) = (stage.north(), Vec::new(), 0);
        json_files(&root.join("exchange"), &mut files);
        files.sort();
        for file in files {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let Ok(bundle) = serde_json::from_str::<Value>(&text) else { continue };
            if bundle["resourceType"] != "Bundle" || bundle["type"] != "message" {
                continue;
            }
            sent += 1;
            let heard = north.post(PATH, &text).await;
            assert_eq!(heard.status, 200, "{}: {}", file.display(), heard.body);
            assert_eq!(response(&heard)["code"], "ok", "{}", file.display());
            assert_eq!(count(&north, "Bundle").await, sent, "{}", file.display());
            assert_eq!(north.post(PATH, &text).await.expect(200).body, heard.body);
        }
        if sent == 0 {
            eprintln!("SKIPPED: {} has no messages", root.display());
        }
        assert_eq!(count(&north, "MessageHeader").await, sent);
        // No reference to an entry is left that does not lead to a record.
        for of in ["Observation", "DiagnosticReport", "ServiceRequest", "Specimen"] {
            let all = north.get(&format!("/fhir/{of}?_count=200")).await.expect(200).json();
            for one in all["entry"].as_array().into_iter().flatten() {
                let subject = one["resource"]["subject"]["reference"].as_str().unwrap_or_default();
                assert!(!subject.starts_with("urn:") || subject.is_empty(), "{of}: {subject}");
            }
        }
        println!("{sent} messages");
    }
);
