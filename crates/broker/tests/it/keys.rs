//! Keys that integrations prove themselves by.

use ::http::Method;
use crypto::jose::{Algorithm, Jwks, SigningKey};
use serde_json::{Value, json};

use crate::stage::{Heard, Stage};

const PLACE: &str = "/api/v1/integrations";
const STAFF: &str = "Bearer 1.1.integration/read+integration/write~org_admin";

async fn ask(stage: &Stage, who: Option<&str>, (method, path): (&str, &str), body: Value) -> Heard {
    let mut headers =
        vec![("content-type", "application/json"), ("if-match", "*"), ("x-change-reason", "keys")];
    headers.extend(who.map(|who| ("authorization", who)));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    stage
        .call(Method::from_bytes(method.as_bytes()).unwrap(), &format!("{PLACE}{path}"), &headers, &body)
        .await
}

fn server(auth_type: &str) -> Value {
    json!({"name": format!("Clinic {auth_type}"), "type": "fhir", "provider": "custom", "config": {
        "base_url": "https://fhir.example/r4", "auth_type": auth_type, "client_id": "hilum",
        "site_id": "05070707-0707-0707-0707-070707070707", "resource_types": ["Patient"]}})
}

on_stage!(
    async fn a_key_is_made_shown_by_its_public_half_and_changed(stage) {
        let made = ask(&stage, Some(STAFF), ("POST", ""), server("smart_backend")).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert!(made.json()["credentials"]["private_key"]["set"] == true && !made.body.contains("PRIVATE KEY"));
        let path = format!("/{}", made.json()["id"].as_str().unwrap());
        let keys = format!("{path}/jwks.json");
        // Nobody has to say who they are.
        let public = async || {
            let heard = ask(&stage, None, ("GET", &keys), Value::Null).await;
            assert_eq!(heard.status, 200, "{}", heard.body);
            assert!(heard.headers["cache-control"].to_str().unwrap().contains("max-age"));
            heard.json()
        };
        let first = public().await;
        let read = Jwks::from_json(first.to_string().as_bytes()).unwrap();
        assert_eq!((read.keys().len(), &first["keys"][0]["alg"]), (1, &json!("ES384")));
        assert!(first["keys"][0].get("d").is_none(), "{first}");
        assert_eq!(public().await, first);

        // Another is made, or brought along; what is no key is told.
        let change = async |key: Value| ask(&stage, Some(STAFF), ("PATCH", &path), json!({"credentials": {"private_key": key}})).await;
        assert_eq!(change(Value::Null).await.status, 200);
        assert_ne!(public().await, first);
        let own = SigningKey::generate(Algorithm::Rs384).unwrap();
        let der = crypto::b64::encode_standard(own.to_pkcs8().unwrap().expose());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
        let changed = change(json!(pem)).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(public().await["keys"][0]["kid"], own.kid());
        let wrong = change(json!("canary")).await;
        assert_eq!((wrong.status, &wrong.json()["error"]["field"]), (422, &json!("credentials.private_key")));
        assert!(!wrong.body.contains("canary"));

        // Who proves itself otherwise has none, and what is archived is not there.
        let other = ask(&stage, Some(STAFF), ("POST", ""), server("bearer")).await.json();
        let others = format!("/{}/jwks.json", other["id"].as_str().unwrap());
        assert_eq!(ask(&stage, None, ("GET", &others), Value::Null).await.status, 404);
        assert_eq!(ask(&stage, Some(STAFF), ("DELETE", &path), Value::Null).await.status, 204);
        assert_eq!(ask(&stage, None, ("GET", &keys), Value::Null).await.status, 404);
        let nameless = json!({"config": {"client_id": null, "auth_type": "smart_backend"}});
        let path = format!("/{}", other["id"].as_str().unwrap());
        let refused = ask(&stage, Some(STAFF), ("PATCH", &path), nameless).await;
        assert_eq!((refused.status, &refused.json()["error"]["field"]), (422, &json!("config.client_id")));
    }
);
