//! What a site has switched on is what its records are validated with, and nothing else.

use http::Method;
use serde_json::json;

use crate::stage::{Stage, site, token};

const FINAL: &str = "https://guide.example/status/observation";

async fn set(stage: &Stage, nth: u8, body: &serde_json::Value) -> crate::stage::Heard {
    let organisation = if nth == 2 { 2 } else { 1 };
    let admin = stage.by(token(organisation, "sites:admin", "", "")).at("");
    let path = format!("/admin/fhir/sites/{}", site(nth));
    let heard =
        admin.call(Method::PUT, &path, &[("content-type", "application/json")], &body.to_string()).await;
    // What every node hears a moment later, this one has to hear too.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    stage.clock.advance(std::time::Duration::from_secs(31));
    heard
}

fn observation(status: &str, profile: &str) -> String {
    let mut observation = json!({"resourceType": "Observation", "status": status,
        "code": {"coding": [{"system": "https://guide.example/code/animals", "code": "cat"}]}});
    if !profile.is_empty() {
        observation["meta"] = json!({"profile": [profile]});
    }
    observation.to_string()
}

on_stage!(
    async fn what_a_site_has_not_switched_on_does_not_apply(stage) {
        let (north, south) = (stage.north(), stage.south());
        let on = json!({"validation": "enforce", "packages": ["guide.status#1.0.0"]});
        let told = set(&stage, 1, &on).await.expect(200).json();
        assert_eq!(told["packages"], json!(["guide.status#1.0.0"]));
        set(&stage, 2, &json!({"validation": "enforce", "packages": []})).await.expect(200);
        let claimed = observation("amended", FINAL);
        north.post("/fhir/Observation", &claimed).await.expect(422).tells("value", "Observation.status");
        south.post("/fhir/Observation", &claimed).await.expect(201);
        for calls in [&north, &south] {
            calls.post("/fhir/Observation", &observation("amended", "")).await.expect(201);
            calls.post("/fhir/Observation", &observation("nonsense", "")).await.expect(422).tells("not-found", "status");
        }
        // One of all that there are, and again the other.
        set(&stage, 2, &json!({"packages": null})).await.expect(200);
        south.post("/fhir/Observation", &claimed).await.expect(422);
        set(&stage, 2, &json!({"packages": ["guide.code#2.0.0"]})).await.expect(200);
        south.post("/fhir/Observation", &claimed).await.expect(201);
    }
);

on_stage!(
    async fn a_site_asks_profiles_of_all_records_of_their_type(stage) {
        let north = stage.north();
        let asked = json!({"validation": "enforce", "packages": ["guide.status#1.0.0"], "profiles": [FINAL]});
        assert_eq!(set(&stage, 1, &asked).await.expect(200).json()["profiles"], json!([FINAL]));
        north.post("/fhir/Observation", &observation("amended", "")).await.expect(422).tells("value", "Observation.status");
        north.post("/fhir/Observation", &observation("final", "")).await.expect(201);
        north.post("/fhir/Patient", r#"{"resourceType":"Patient"}"#).await.expect(201);
        // A Bundle is asked entry by entry, and `$validate` tells the same.
        let entry = json!({"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "POST", "url": "Observation"},
            "resource": serde_json::from_str::<serde_json::Value>(&observation("amended", "")).unwrap()}]});
        north.post("/fhir", &entry.to_string()).await.expect(422).tells("value", "Observation.status");
        let found = north.post("/fhir/Observation/$validate", &observation("amended", "")).await.expect(200);
        found.tells("value", "Observation.status");
    }
);

on_stage!(
    async fn what_is_not_there_is_not_switched_on_and_every_change_is_on_record(stage) {
        for (body, words) in [
            (json!({"packages": ["guide.status#9.9.9"]}), "packages[0]"),
            (json!({"packages": ["guide.status"]}), "packages[0]"),
            (json!({"packages": ["hl7.fhir.r4.core#4.0.1"]}), "packages[0]"),
            (json!({"packages": ["guide.code#2.0.0"], "profiles": [FINAL]}), "profiles[0]"),
            (json!({"profiles": ["a b"]}), "profiles[0]"),
        ] {
            let refused = set(&stage, 1, &body).await.expect(400);
            assert!(refused.body.contains(words), "{body}: {}", refused.body);
        }
        set(&stage, 1, &json!({"packages": ["guide.code#2.0.0", "guide.status#1.0.0", "guide.code#2.0.0"]})).await.expect(200);
        let mut reader = stage.db.read().await.unwrap();
        let rows: Vec<(Vec<u8>,)> =
            reader.all("SELECT canonical FROM audit_event WHERE act = 'fhir_site.changed'", store::binds![]).await.unwrap();
        let named = "guide.code#2.0.0 guide.status#1.0.0";
        let telling = rows.iter().filter(|(row,)| String::from_utf8_lossy(row).contains(named));
        assert_eq!(telling.count(), 1, "one change, of what is there, each once");
    }
);
