//! What is told of what happens is what the catalogue says: each type of events is made to happen, and held against its schema.

use std::{collections::BTreeSet, time::Duration};

use axum::{body::Body, http::StatusCode};
use hilum::events::EVENT_TYPES;
use http::{Method, Request};
use serde_json::{Value, json};
use store::binds;
use webhooks::event::{EventType, OWN as OF_WEBHOOKS};

use crate::{
    app::{DIARY, PATIENT, TestApp, deployment_on_each_engine},
    syncs::{OWN, declared, site_of},
};

/// What comes of deliveries alone: crate `webhooks` holds it against its schemas.
const OF_DELIVERIES: [&str; 2] = ["webhook.endpoint_disabled", "webhook.delivery_failed"];

fn types() -> impl Iterator<Item = EventType> {
    OF_WEBHOOKS.into_iter().chain(EVENT_TYPES.iter().copied())
}

/// The schema of a type's data, as what may stand there and nothing else.
fn schema(of: &EventType) -> Value {
    let mut schema = serde_json::from_str(of.data).unwrap_or_else(|error| panic!("{}: {error}", of.name));
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    properties.values_mut().for_each(close);
    schema["additionalProperties"] = false.into();
}

fn held(of: &EventType, data: &Value) {
    let schema = schema(of);
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(data).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{}: {wrong:?}: {data}", of.name);
}

#[test]
fn each_type_has_a_schema_and_an_example_that_fits_it() {
    let mut names = BTreeSet::new();
    for one in types() {
        assert!(names.insert(one.name), "{} is there twice", one.name);
        let schema = schema(&one);
        assert!(jsonschema::meta::is_valid(&schema), "{}", one.name);
        let examples = schema["examples"].as_array().unwrap();
        assert_eq!(examples.len(), 1, "{}", one.name);
        held(&one, &examples[0]);
        let required: BTreeSet<&str> =
            schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let named: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(required, named, "{}: whatever may stand there always does", one.name);
    }
}

async fn work(app: &TestApp) {
    for _ in 0..4 {
        app.work().await;
    }
}

deployment_on_each_engine! {
    async fn what_is_told_is_what_the_catalogue_says(app: TestApp) {
        let coded = "codes = { main = \"HCNWMN1\" }\nvalidation = \"off\"\nsubscriptions = [\"base\"]";
        let staff = declared(&app, include_str!("northwind.toml"), coded, OWN).await;
        let clinic = json!({
            "name": "Clinic", "type": "fhir", "provider": "custom", "credentials": {"token": "party-access-1"},
            "config": {"base_url": format!("{}/fhir", app.party.url), "auth_type": "bearer", "site_id": site_of(&app, "northwind").await,
                "resource_types": ["Patient"]},
        });
        let made = staff.post("", Some(clinic)).await.expect(201).json();
        let id = made["id"].as_str().unwrap();
        let at = |verb: &str| format!("/{id}/{verb}");
        let rule = json!({"name": "Syncs that fail", "kind": "failed_sync", "threshold": 1, "integration_id": id, "window_s": 300});
        let rule = staff.post("/alerts", Some(rule)).await.expect(201).json();
        staff.post(&at("test"), None).await.expect(200);
        staff.post(&at("activate"), None).await.expect(200);
        let begun = async || staff.post(&at("sync"), Some(json!({"sync_type": "full"}))).await.expect(202).json();
        begun().await;
        work(&app).await;
        let job = begun().await;
        staff.post(&format!("/sync-jobs/{}/cancel", job["job_id"].as_str().unwrap()), None).await.expect(200);
        app.party.behave(|manner| manner.access_token = "another".to_owned());
        begun().await;
        work(&app).await;
        // The rule holds, which somebody sees, and then it does not.
        for wait in [61, 600] {
            app.house.watch.log().flush().await;
            app.clock.advance(Duration::from_secs(wait));
            work(&app).await;
            if wait == 61 {
                let seen = format!("/alerts/{}/acknowledge", rule["id"].as_str().unwrap());
                staff.post(&seen, Some(json!({}))).await.expect(200);
            }
        }
        staff.post(&at("deactivate"), None).await.expect(200);
        staff.ask(Method::PATCH, &format!("/{id}"), Some(json!({"name": "Other"}))).await.expect(200);
        staff.ask(Method::DELETE, &format!("/{id}"), None).await.expect(204);
        staff.post(&at("restore"), None).await.expect(200);

        let inbound = json!({"name": "In", "integration": id, "recipe": {"algorithm": "none"}});
        let address = staff.post("/inbound-webhooks", Some(inbound)).await.expect(201).json();
        app.send(Request::post(address["path"].as_str().unwrap()).body(Body::from("{}")).unwrap()).await.expect(200);
        let endpoint = json!({"name": "Diary", "url": format!("{}/hooks", app.party.url)});
        let endpoint = staff.post("/webhooks", Some(endpoint)).await.expect(201).json();
        staff.post(&format!("/webhooks/{}/test", endpoint["id"].as_str().unwrap()), None).await.expect(202);

        // A person's account: linked, not taken any more, linked again, unlinked.
        app.party.behave(|manner| manner.access_token = "party-access-1".to_owned());
        app.signed_in(PATIENT).await.link("alpha", DIARY).await;
        app.clock.advance(Duration::from_hours(2));
        app.party.behave(|manner| manner.token_status = StatusCode::BAD_REQUEST);
        let browser = app.signed_in(PATIENT).await;
        let token = browser.token(DIARY, "openid").await;
        app.call(Method::GET, "/integrations/v1/alpha/proxy/1/echo", &token, None).await;
        app.party.behave(|manner| manner.token_status = StatusCode::OK);
        browser.link("alpha", DIARY).await;
        browser.post("/integrations/alpha/unlink", &[]).await.expect(303);

        let mut reader = app.house.db.read().await.unwrap();
        let told: Vec<(String, String)> = reader.all("SELECT name, data FROM event", binds![]).await.unwrap();
        drop(reader);
        for (name, data) in &told {
            let of = types().find(|of| of.name == name).unwrap_or_else(|| panic!("{name} is in no catalogue"));
            held(&of, &serde_json::from_str(data).unwrap());
        }
        let happened: BTreeSet<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
        let all: BTreeSet<&str> = types().map(|of| of.name).filter(|name| !OF_DELIVERIES.contains(name)).collect();
        assert_eq!(happened, all);
    }
}
