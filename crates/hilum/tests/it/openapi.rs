//! The document: what it says is there, what is there it says, and it changes only on purpose.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::app::{TestApp, filled, operations};

fn document(app: &TestApp) -> Value {
    serde_json::to_value(app.house.openapi()).unwrap()
}

#[tokio::test]
async fn what_is_served_is_the_document_and_a_page_to_read_it() {
    let app = TestApp::empty(&[], 0).await;
    let served = app.get("/openapi.json").await.expect(200);
    assert_eq!(served.json(), document(&app));
    assert_eq!(served.json()["openapi"], "3.1.0");
    let page = app.get("/docs/").await.expect(200).text();
    assert!(page.contains("swagger"), "{page}");
    for outside in ["http://", "https://", "\"//"] {
        assert!(!page.contains(outside), "the page needs another site: {page}");
    }
}

/// Whoever adds, takes away or changes an operation says so here: callers depend on it.
#[tokio::test]
async fn operations_and_their_answers() {
    let app = TestApp::empty(&[], 0).await;
    let document = document(&app);
    let mut lines = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let statuses: Vec<&str> =
                operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
            lines.push(format!("{} {path} → {}", method.to_uppercase(), statuses.join(" ")));
        }
    }
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"), @r"
    DELETE /admin/fhir/sites/{site}/topics/{name} → 204 default
    DELETE /api/clients/{id}/connections/{cid} → 204 default
    DELETE /api/v1/integrations/alerts/{rule} → 204 default
    DELETE /api/v1/integrations/inbound-webhooks/{inbound} → 204 default
    DELETE /api/v1/integrations/webhooks/{endpoint} → 204 default
    DELETE /api/v1/integrations/webhooks/{endpoint}/receiver-links/{link} → 204 default
    DELETE /api/v1/integrations/{id} → 204 default
    DELETE /api/v1/integrations/{id}/quarantine/{record_id} → 204 default
    DELETE /fhir/$bulk-status/{job} → 202 default
    DELETE /fhir/{type} → 200 412 default
    DELETE /fhir/{type}/{id} → 200 412 default
    DELETE /integrations/v1/{integration} → 204 default
    DELETE /integrations/v1/{integration}/proxy/{path} → default
    DELETE /oauth2/register/{client_id} → 204 default
    GET /.well-known/discovery-document.json → 200 304 default
    GET /.well-known/oauth-authorization-server/oauth2 → 200 default
    GET /admin/fhir/plan → 200 default
    GET /admin/fhir/sites → 200 default
    GET /admin/fhir/sites/{site}/deidentification → 200 default
    GET /admin/fhir/sites/{site}/import → 200 default
    GET /admin/fhir/sites/{site}/parameters → 200 default
    GET /admin/fhir/sites/{site}/topics → 200 default
    GET /api/clients → 200 default
    GET /api/clients/{id} → 200 default
    GET /api/clients/{id}/connections → 200 default
    GET /api/clients/{id}/connections/{cid} → 200 default
    GET /api/v1/integrations → 200 304 default
    GET /api/v1/integrations/alerts → 200 default
    GET /api/v1/integrations/alerts/{rule} → 200 default
    GET /api/v1/integrations/dead-letters → 200 default
    GET /api/v1/integrations/events → 200 default
    GET /api/v1/integrations/inbound-messages/{message} → 200 default
    GET /api/v1/integrations/inbound-webhooks → 200 default
    GET /api/v1/integrations/providers → 200 default
    GET /api/v1/integrations/sync-jobs/{job_id} → 200 default
    GET /api/v1/integrations/webhooks → 200 default
    GET /api/v1/integrations/webhooks/event-types → 200 default
    GET /api/v1/integrations/webhooks/{endpoint} → 200 default
    GET /api/v1/integrations/webhooks/{endpoint}/deliveries → 200 default
    GET /api/v1/integrations/webhooks/{endpoint}/deliveries/{event} → 200 default
    GET /api/v1/integrations/webhooks/{endpoint}/health → 200 default
    GET /api/v1/integrations/webhooks/{endpoint}/receiver-links → 200 default
    GET /api/v1/integrations/{id} → 200 304 default
    GET /api/v1/integrations/{id}/audit → 200 default
    GET /api/v1/integrations/{id}/jwks.json → 200 default
    GET /api/v1/integrations/{id}/logs → 200 default
    GET /api/v1/integrations/{id}/metrics → 200 default
    GET /api/v1/integrations/{id}/quarantine → 200 default
    GET /api/v1/integrations/{id}/quarantine/{record_id} → 200 default
    GET /api/v1/integrations/{id}/sync-jobs → 200 default
    GET /api/v1/integrations/{id}/tests → 200 default
    GET /fhir → 200 default
    GET /fhir/$bulk-file/{job}/{file} → 200 206 304 416 default
    GET /fhir/$bulk-status/{job} → 200 202 default
    GET /fhir/$export → 202 default
    GET /fhir/.well-known/smart-configuration → 200 default
    GET /fhir/CodeSystem/$lookup → 200 404 default
    GET /fhir/CodeSystem/$subsumes → 200 404 default
    GET /fhir/CodeSystem/$validate-code → 200 422 default
    GET /fhir/CodeSystem/{id}/$subsumes → 200 default
    GET /fhir/CodeSystem/{id}/$validate-code → 200 default
    GET /fhir/Group/{id}/$export → 202 default
    GET /fhir/Patient/$export → 202 default
    GET /fhir/Subscription/$status → 200 default
    GET /fhir/Subscription/{id}/$events → 200 429 default
    GET /fhir/Subscription/{id}/$status → 200 default
    GET /fhir/ValueSet/$expand → 200 422 default
    GET /fhir/ValueSet/$validate-code → 200 422 default
    GET /fhir/ValueSet/{id}/$expand → 200 default
    GET /fhir/ValueSet/{id}/$validate-code → 200 default
    GET /fhir/_history → 200 default
    GET /fhir/metadata → 200 304 default
    GET /fhir/{type} → 200 default
    GET /fhir/{type}/$everything → 200 default
    GET /fhir/{type}/_history → 200 default
    GET /fhir/{type}/{id} → 200 304 default
    GET /fhir/{type}/{id}/$everything → 200 default
    GET /fhir/{type}/{id}/_history → 200 default
    GET /fhir/{type}/{id}/_history/{version} → 200 304 default
    GET /fhir/{type}/{id}/{of} → 200 default
    GET /integrations/v1/ → 200 default
    GET /integrations/v1/{integration} → 200 default
    GET /integrations/v1/{integration}/actions → 200 default
    GET /integrations/v1/{integration}/proxy/{path} → default
    GET /oauth2/.well-known/openid-configuration → 200 default
    GET /oauth2/jwks → 200 default
    GET /oauth2/register/{client_id} → 200 default
    GET /oauth2/status/{list} → 200 default
    GET /oauth2/userinfo → 200 default
    HEAD /integrations/v1/{integration}/proxy/{path} → default
    PATCH /api/clients/{id}/connections/{cid} → 200 default
    PATCH /api/clients/{id}/connections/{cid}/actions/refresh_secret → 200 default
    PATCH /api/v1/integrations/alerts/{rule} → 200 default
    PATCH /api/v1/integrations/webhooks/{endpoint} → 200 default
    PATCH /api/v1/integrations/{id} → 200 default
    PATCH /fhir/{type} → 200 404 412 422 default
    PATCH /fhir/{type}/{id} → 200 412 422 default
    PATCH /integrations/v1/{integration}/proxy/{path} → default
    POST /api/v1/integrations → 201 default
    POST /api/v1/integrations/alerts → 201 default
    POST /api/v1/integrations/alerts/{rule}/acknowledge → 200 default
    POST /api/v1/integrations/dead-letters/{id}/replay → 202 default
    POST /api/v1/integrations/inbound-webhooks → 201 default
    POST /api/v1/integrations/sync-jobs/{job_id}/cancel → 200 default
    POST /api/v1/integrations/sync-jobs/{job_id}/retry → 200 default
    POST /api/v1/integrations/webhooks → 201 default
    POST /api/v1/integrations/webhooks/{endpoint}/deliveries/{event}/replay → 202 default
    POST /api/v1/integrations/webhooks/{endpoint}/receiver-links → 201 default
    POST /api/v1/integrations/webhooks/{endpoint}/replay → 202 default
    POST /api/v1/integrations/webhooks/{endpoint}/rotate-secret → 200 default
    POST /api/v1/integrations/webhooks/{endpoint}/test → 202 default
    POST /api/v1/integrations/{id}/activate → 200 default
    POST /api/v1/integrations/{id}/deactivate → 200 default
    POST /api/v1/integrations/{id}/mapping/dry-run → 200 default
    POST /api/v1/integrations/{id}/quarantine/{record_id}/replay → 200 default
    POST /api/v1/integrations/{id}/restore → 200 default
    POST /api/v1/integrations/{id}/sync → 202 default
    POST /api/v1/integrations/{id}/test → 200 default
    POST /fhir → 200 default
    POST /fhir/$export → 202 default
    POST /fhir/$import → 202 default
    POST /fhir/$process-message → 200 409 default
    POST /fhir/CodeSystem/$lookup → 200 default
    POST /fhir/CodeSystem/$subsumes → 200 default
    POST /fhir/CodeSystem/$validate-code → 200 default
    POST /fhir/CodeSystem/{id}/$subsumes → 200 default
    POST /fhir/CodeSystem/{id}/$validate-code → 200 default
    POST /fhir/Group/{id}/$export → 202 default
    POST /fhir/Patient/$export → 202 default
    POST /fhir/Subscription/{id}/$events → 200 default
    POST /fhir/ValueSet/$expand → 200 default
    POST /fhir/ValueSet/$validate-code → 200 default
    POST /fhir/ValueSet/{id}/$expand → 200 default
    POST /fhir/ValueSet/{id}/$validate-code → 200 default
    POST /fhir/_search → 200 default
    POST /fhir/{type} → 200 201 422 default
    POST /fhir/{type}/$everything → 200 default
    POST /fhir/{type}/$validate → 200 default
    POST /fhir/{type}/_search → 200 default
    POST /fhir/{type}/{id}/$everything → 200 default
    POST /fhir/{type}/{id}/{of}/_search → 200 default
    POST /integrations/v1/{integration}/actions/{action} → 200 default
    POST /integrations/v1/{integration}/proxy/{path} → default
    POST /oauth2/device_authorization → 200 default
    POST /oauth2/introspection → 200 default
    POST /oauth2/launch → 201 default
    POST /oauth2/par → 201 default
    POST /oauth2/register → 201 default
    POST /oauth2/revocation → 200 default
    POST /oauth2/token → 200 default
    POST /oauth2/userinfo → 200 default
    PUT /admin/clients/{id}/connections → 200 201 default
    PUT /admin/fhir/plan → 200 default
    PUT /admin/fhir/sites/{site} → 200 default
    PUT /admin/fhir/sites/{site}/deidentification → 200 default
    PUT /admin/fhir/sites/{site}/import → 200 default
    PUT /admin/fhir/sites/{site}/topics/{name} → 200 default
    PUT /api/clients/{id}/connections/{cid} → 200 default
    PUT /api/v1/integrations/alerts/{rule} → 200 default
    PUT /api/v1/integrations/webhooks/{endpoint} → 200 default
    PUT /api/v1/integrations/{id} → 200 default
    PUT /fhir/{type} → 200 201 412 422 default
    PUT /fhir/{type}/{id} → 200 201 412 422 default
    PUT /integrations/v1/{integration}/proxy/{path} → default
    PUT /oauth2/register/{client_id} → 200 default
    ");
}

#[tokio::test]
async fn every_path_that_is_described_is_there() {
    let app = TestApp::empty(&[], 0).await;
    for operation in operations(&app.house) {
        let (method, path) = operation.split_once(' ').unwrap();
        let path = filled(&path.replace("{list}", &app.status_list().await));
        let request = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
        let status = app.send(request).await.status;
        // Asked for nothing that there is, it says so to everybody: its row of the access table holds its words.
        if operation == crate::access::KEYS {
            continue;
        }
        assert!(![404, 405].contains(&status), "{operation} is described and answers {status}");
    }
}

/// Methods that no operation has, on every described path: were one answered, it would not be described.
#[tokio::test]
async fn every_method_that_answers_is_described() {
    let app = TestApp::empty(&[], 0).await;
    let described = operations(&app.house);
    let paths: BTreeSet<&str> =
        described.iter().map(|operation| operation.split_once(' ').unwrap().1).collect();
    for path in paths {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let is_described = described.contains(&format!("{method} {path}"));
            // Where there is GET there is HEAD (RFC 9110 §9.3.2).
            if is_described || (method == "HEAD" && described.contains(&format!("GET {path}"))) {
                continue;
            }
            let address = filled(path);
            let request = Request::builder().method(method).uri(&address).body(Body::empty()).unwrap();
            let reply = app.send(request).await;
            assert_eq!(reply.status, 405, "{method} {path} is answered and not described");
        }
    }
}

#[tokio::test]
async fn the_document_is_sound() {
    let app = TestApp::empty(&[], 0).await;
    let document = document(&app);
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let in_path: BTreeSet<&str> =
            path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            let declared: BTreeSet<&str> = parameters
                .iter()
                .filter(|one| one["in"] == "path")
                .map(|one| one["name"].as_str().unwrap())
                .collect();
            assert_eq!(in_path, declared, "{method} {path}: parameters (OpenAPI 3.1 §4.8.9.1)");
            let id = operation["operationId"]
                .as_str()
                .unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            assert!(ids.insert(id.to_owned()), "operationId {id} is there twice");
            assert!(
                operation["responses"]["default"].is_object(),
                "{method} {path} says nothing of refusals"
            );
        }
    }
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    let schemes = document["components"]["securitySchemes"].as_object().cloned().unwrap_or_default();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for requirement in operation["security"].as_array().map(Vec::as_slice).unwrap_or_default() {
                for name in requirement.as_object().unwrap().keys() {
                    assert!(
                        schemes.contains_key(name),
                        "{method} {path} names the security scheme {name}, which is not there"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn what_needs_a_token_says_so() {
    let app = TestApp::empty(&[], 0).await;
    let document = document(&app);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let request = Request::builder().method(method.to_uppercase().as_str());
            let address = filled(path);
            let reply = app.send(request.uri(address).body(Body::empty()).unwrap()).await;
            let wants_bearer = reply.header("www-authenticate").starts_with("Bearer");
            let security = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
            // A registration's own token is shown as a bearer, too.
            let is_bearer = |one: &Value| one.get("bearer").is_some() || one.get("registration").is_some();
            // Where a client may prove itself in its own way instead, nobody is told to bring a token.
            let is_of_clients = security.iter().any(|one| one.get("client_basic").is_some());
            let says_bearer = !is_of_clients && security.iter().any(is_bearer);
            assert_eq!(wants_bearer, says_bearer, "{method} {path}: security");
        }
    }
}

/// Every call of managed integrations shows what is sent and what is answered (`src/examples.json`).
#[tokio::test]
async fn every_managed_call_has_examples_that_are_what_their_schemas_say() {
    let app = TestApp::empty(&[], 0).await;
    let document = document(&app);
    let mut wrong = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/api/v1/integrations") {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let good = operation["responses"]
                .as_object()
                .unwrap()
                .iter()
                .find(|(status, _)| status.starts_with('2'));
            let bodies = [("request", &operation["requestBody"]), ("response", good.unwrap().1)];
            for (what, body) in bodies {
                let contents = body["content"].as_object().into_iter().flatten();
                for (media, content) in contents.filter(|(media, _)| media.contains("json")) {
                    let place = format!("{method} {path} {what} {media} ({})", operation["operationId"]);
                    let Some(example) = content.get("example") else {
                        wrong.push(format!("{place}: no example"));
                        continue;
                    };
                    let mut schema = content["schema"].clone();
                    schema["components"] = document["components"].clone();
                    let judge = jsonschema::validator_for(&schema).unwrap();
                    wrong.extend(
                        judge
                            .iter_errors(example)
                            .map(|error| format!("{place}: {}: {error}", error.instance_path())),
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn collect_references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(reference) if name == "$ref" => into.push(reference.clone()),
                    other => collect_references(other, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        _ => {}
    }
}

/// The discovery document has every operation, and nothing besides.
#[tokio::test]
async fn the_discovery_document_has_every_operation() {
    let app = TestApp::empty(&[], 0).await;
    let told = app.get("/.well-known/discovery-document.json").await.expect(200).json();
    let told = told.as_object().unwrap();
    let document = document(&app);
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            count += 1;
            let (place, kind) = match path.split_once('{') {
                Some((before, _)) => (before, "namespace"),
                None => (path.as_str(), "endpoint"),
            };
            let key = format!("{}_{kind}", operation["operationId"].as_str().unwrap());
            let address = told.get(&key).unwrap_or_else(|| panic!("{key} is missing"));
            assert!(address.as_str().unwrap().ends_with(place), "{key}: {address}");
        }
    }
    assert_eq!(told.len(), count);
}
