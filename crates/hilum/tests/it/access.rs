//! Who may call what: one row for each operation of the OpenAPI document. An operation without a row fails, and a row
//! without an operation.

use std::{collections::BTreeSet, time::Duration};

use axum::body::Body;
use http::{Method, Request, header};

use crate::app::{App, DIARY, FOREIGN_PATIENT, PATIENT, RIVAL, STRANGER, TestApp, form, operations};

const STEPS: &str = r#"{"from":"2026-01-04","to":"2026-01-04"}"#;

/// What everybody may read.
const PUBLIC: [(&str, &str); 6] = [
    ("GET /.well-known/discovery-document.json", "/.well-known/discovery-document.json"),
    ("GET /fhir/metadata", "/fhir/metadata"),
    ("GET /fhir/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"),
    ("GET /oauth2/jwks", "/oauth2/jwks"),
    ("GET /oauth2/.well-known/openid-configuration", "/oauth2/.well-known/openid-configuration"),
    ("GET /.well-known/oauth-authorization-server/oauth2", "/.well-known/oauth-authorization-server/oauth2"),
];

/// What everybody may read too, once it is there.
const STATUS_LIST: &str = "GET /oauth2/status/{list}";
/// For everybody, where an integration has keys (`crates/broker/src/managed/keys.rs`); for everybody the same answer where it has none.
pub const KEYS: &str = "GET /api/v1/integrations/{id}/jwks.json";

/// What clients call with their own credentials, and a form that is right but for these.
const OF_CLIENTS: &[(&str, &[(&str, &str)])] = &[
    ("POST /oauth2/device_authorization", &[("scope", "openid")]),
    ("POST /oauth2/token", &[("grant_type", "client_credentials")]),
    ("POST /oauth2/introspection", &[("token", "unknown")]),
    ("POST /oauth2/revocation", &[("token", "unknown")]),
    (
        "POST /oauth2/par",
        &[
            ("response_type", "code"),
            ("redirect_uri", "https://diary.example/signed-in"),
            ("scope", "openid"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ],
    ),
];

/// What is called with an access token. What each caller of [`CALLERS`] is answered:
type Row = (&'static str, &'static str, Option<&'static str>, [u16; 9]);

const CALLERS: [&str; 9] = [
    "nobody",
    "a token that is none",
    "an expired token",
    "a revoked token",
    "the trusted client itself",
    "the trusted client, with another scope",
    "a client without trust",
    "a client and a person of another organisation",
    "the trusted client, for a person who has linked",
];

/// Without the scopes that these need; with them: [`crate::client_connections`].
const fn of_connections(operation: &'static str, path: &'static str, body: Option<&'static str>) -> Row {
    (operation, path, body, [401, 401, 401, 401, 403, 403, 403, 403, 403])
}

/// None of these calls names a site, which is asked after the token; who may do what at which site: `crates/fhir/tests/api`.
const fn of_records(operation: &'static str, path: &'static str) -> Row {
    (operation, path, None, [401, 401, 401, 401, 400, 400, 400, 400, 400])
}

/// Nobody here has the scope of administrators; who has: `crates/fhir/tests/api`.
const fn of_sites(operation: &'static str, path: &'static str, body: Option<&'static str>) -> Row {
    (operation, path, body, [401, 401, 401, 401, 403, 403, 403, 403, 403])
}

/// Without the scopes that these need; with them: `crates/webhooks/tests/it`.
const fn of_webhooks(operation: &'static str, path: &'static str, body: Option<&'static str>) -> Row {
    (operation, path, body, [401, 401, 401, 401, 403, 403, 403, 403, 403])
}

/// Without the scopes and roles that these need; with them: `crates/exchange/tests/it/api.rs` and `crates/watch/tests/it`.
const fn of_syncs(operation: &'static str, path: &'static str) -> Row {
    (operation, path, Some("{}"), [401, 401, 401, 401, 403, 403, 403, 403, 403])
}

const OF_TOKENS: &[Row] = &[
    of_records("GET /fhir/_history", "/fhir/_history"),
    of_records("GET /fhir/{type}/_history", "/fhir/Patient/_history"),
    of_records("POST /fhir", "/fhir"),
    of_records("GET /fhir/{type}", "/fhir/Patient"),
    of_records("POST /fhir/{type}", "/fhir/Patient"),
    of_records("POST /fhir/{type}/_search", "/fhir/Patient/_search"),
    of_records("GET /fhir", "/fhir"),
    of_records("POST /fhir/_search", "/fhir/_search"),
    of_records("PUT /fhir/{type}", "/fhir/Patient?identifier=1"),
    of_records("PATCH /fhir/{type}", "/fhir/Patient?identifier=1"),
    of_records("DELETE /fhir/{type}", "/fhir/Patient?identifier=1"),
    of_records("GET /fhir/{type}/{id}/{of}", "/fhir/Patient/1/Observation"),
    of_records("POST /fhir/{type}/{id}/{of}/_search", "/fhir/Patient/1/Observation/_search"),
    of_records("POST /fhir/{type}/$validate", "/fhir/Patient/$validate"),
    of_records("GET /fhir/{type}/$everything", "/fhir/Patient/$everything"),
    of_records("POST /fhir/{type}/$everything", "/fhir/Patient/$everything"),
    of_records("GET /fhir/{type}/{id}/$everything", "/fhir/Patient/1/$everything"),
    of_records("POST /fhir/{type}/{id}/$everything", "/fhir/Patient/1/$everything"),
    of_records("GET /fhir/$export", "/fhir/$export"),
    of_records("POST /fhir/$export", "/fhir/$export"),
    of_records("GET /fhir/Patient/$export", "/fhir/Patient/$export"),
    of_records("POST /fhir/Patient/$export", "/fhir/Patient/$export"),
    of_records("GET /fhir/Group/{id}/$export", "/fhir/Group/1/$export"),
    of_records("POST /fhir/Group/{id}/$export", "/fhir/Group/1/$export"),
    of_records("POST /fhir/$import", "/fhir/$import"),
    of_records("POST /fhir/$process-message", "/fhir/$process-message"),
    of_records("GET /fhir/CodeSystem/$lookup", "/fhir/CodeSystem/$lookup"),
    of_records("GET /fhir/CodeSystem/$subsumes", "/fhir/CodeSystem/$subsumes"),
    of_records("GET /fhir/CodeSystem/$validate-code", "/fhir/CodeSystem/$validate-code"),
    of_records("GET /fhir/CodeSystem/{id}/$subsumes", "/fhir/CodeSystem/1/$subsumes"),
    of_records("GET /fhir/CodeSystem/{id}/$validate-code", "/fhir/CodeSystem/1/$validate-code"),
    of_records("GET /fhir/ValueSet/$expand", "/fhir/ValueSet/$expand"),
    of_records("GET /fhir/ValueSet/$validate-code", "/fhir/ValueSet/$validate-code"),
    of_records("GET /fhir/ValueSet/{id}/$expand", "/fhir/ValueSet/1/$expand"),
    of_records("GET /fhir/ValueSet/{id}/$validate-code", "/fhir/ValueSet/1/$validate-code"),
    of_records("POST /fhir/CodeSystem/$lookup", "/fhir/CodeSystem/$lookup"),
    of_records("POST /fhir/CodeSystem/$subsumes", "/fhir/CodeSystem/$subsumes"),
    of_records("POST /fhir/CodeSystem/$validate-code", "/fhir/CodeSystem/$validate-code"),
    of_records("POST /fhir/CodeSystem/{id}/$subsumes", "/fhir/CodeSystem/1/$subsumes"),
    of_records("POST /fhir/CodeSystem/{id}/$validate-code", "/fhir/CodeSystem/1/$validate-code"),
    of_records("POST /fhir/ValueSet/$expand", "/fhir/ValueSet/$expand"),
    of_records("POST /fhir/ValueSet/$validate-code", "/fhir/ValueSet/$validate-code"),
    of_records("POST /fhir/ValueSet/{id}/$expand", "/fhir/ValueSet/1/$expand"),
    of_records("POST /fhir/ValueSet/{id}/$validate-code", "/fhir/ValueSet/1/$validate-code"),
    of_records("GET /fhir/Subscription/$status", "/fhir/Subscription/$status"),
    of_records("GET /fhir/Subscription/{id}/$status", "/fhir/Subscription/1/$status"),
    of_records("GET /fhir/Subscription/{id}/$events", "/fhir/Subscription/1/$events"),
    of_records("POST /fhir/Subscription/{id}/$events", "/fhir/Subscription/1/$events"),
    of_records("GET /fhir/$bulk-status/{job}", "/fhir/$bulk-status/1"),
    of_records("DELETE /fhir/$bulk-status/{job}", "/fhir/$bulk-status/1"),
    of_records("GET /fhir/$bulk-file/{job}/{file}", "/fhir/$bulk-file/1/1"),
    of_records("GET /fhir/{type}/{id}", "/fhir/Patient/1"),
    of_records("PUT /fhir/{type}/{id}", "/fhir/Patient/1"),
    of_records("PATCH /fhir/{type}/{id}", "/fhir/Patient/1"),
    of_records("DELETE /fhir/{type}/{id}", "/fhir/Patient/1"),
    of_records("GET /fhir/{type}/{id}/_history", "/fhir/Patient/1/_history"),
    of_records("GET /fhir/{type}/{id}/_history/{version}", "/fhir/Patient/1/_history/1"),
    of_sites("GET /admin/fhir/sites", "/admin/fhir/sites", None),
    of_sites("PUT /admin/fhir/sites/{site}", "/admin/fhir/sites/x", Some("{}")),
    of_sites("GET /admin/fhir/sites/{site}/deidentification", "/admin/fhir/sites/x/deidentification", None),
    of_sites(
        "PUT /admin/fhir/sites/{site}/deidentification",
        "/admin/fhir/sites/x/deidentification",
        Some(r#"{"policies":[]}"#),
    ),
    of_sites("GET /admin/fhir/sites/{site}/import", "/admin/fhir/sites/x/import", None),
    of_sites("PUT /admin/fhir/sites/{site}/import", "/admin/fhir/sites/x/import", Some(r#"{"hosts":null}"#)),
    of_sites("GET /admin/fhir/sites/{site}/parameters", "/admin/fhir/sites/x/parameters", None),
    of_sites("GET /admin/fhir/sites/{site}/topics", "/admin/fhir/sites/x/topics", None),
    of_sites("PUT /admin/fhir/sites/{site}/topics/{name}", "/admin/fhir/sites/x/topics/x", Some("{}")),
    of_sites("DELETE /admin/fhir/sites/{site}/topics/{name}", "/admin/fhir/sites/x/topics/x", None),
    of_sites("GET /admin/fhir/plan", "/admin/fhir/plan", None),
    of_sites("PUT /admin/fhir/plan", "/admin/fhir/plan", Some(r#"{"subscriptions":[]}"#)),
    of_webhooks("GET /api/v1/integrations/webhooks", "/api/v1/integrations/webhooks", None),
    of_webhooks("POST /api/v1/integrations/webhooks", "/api/v1/integrations/webhooks", Some("{}")),
    of_webhooks(
        "GET /api/v1/integrations/webhooks/event-types",
        "/api/v1/integrations/webhooks/event-types",
        None,
    ),
    of_webhooks(
        "GET /api/v1/integrations/webhooks/{endpoint}",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000",
        None,
    ),
    of_webhooks(
        "PUT /api/v1/integrations/webhooks/{endpoint}",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000",
        Some("{}"),
    ),
    of_webhooks(
        "PATCH /api/v1/integrations/webhooks/{endpoint}",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000",
        Some("{}"),
    ),
    of_webhooks(
        "DELETE /api/v1/integrations/webhooks/{endpoint}",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000",
        None,
    ),
    of_webhooks(
        "POST /api/v1/integrations/webhooks/{endpoint}/rotate-secret",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/rotate-secret",
        None,
    ),
    of_webhooks(
        "GET /api/v1/integrations/webhooks/{endpoint}/deliveries",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/deliveries",
        None,
    ),
    of_webhooks(
        "GET /api/v1/integrations/webhooks/{endpoint}/deliveries/{event}",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/deliveries/0190b6e0-0000-7000-8000-000000000000",
        None,
    ),
    of_webhooks(
        "POST /api/v1/integrations/webhooks/{endpoint}/deliveries/{event}/replay",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/deliveries/0190b6e0-0000-7000-8000-000000000000/replay",
        None,
    ),
    of_webhooks(
        "POST /api/v1/integrations/webhooks/{endpoint}/replay",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/replay",
        Some("{}"),
    ),
    of_webhooks(
        "POST /api/v1/integrations/webhooks/{endpoint}/test",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/test",
        None,
    ),
    of_webhooks(
        "GET /api/v1/integrations/webhooks/{endpoint}/health",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/health",
        None,
    ),
    of_webhooks(
        "GET /api/v1/integrations/webhooks/{endpoint}/receiver-links",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/receiver-links",
        None,
    ),
    of_webhooks(
        "POST /api/v1/integrations/webhooks/{endpoint}/receiver-links",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/receiver-links",
        Some("{}"),
    ),
    of_webhooks(
        "DELETE /api/v1/integrations/webhooks/{endpoint}/receiver-links/{link}",
        "/api/v1/integrations/webhooks/0190b6e0-0000-7000-8000-000000000000/receiver-links/0190b6e0-0000-7000-8000-000000000000",
        None,
    ),
    of_webhooks("GET /api/v1/integrations/inbound-webhooks", "/api/v1/integrations/inbound-webhooks", None),
    of_webhooks(
        "POST /api/v1/integrations/inbound-webhooks",
        "/api/v1/integrations/inbound-webhooks",
        Some("{}"),
    ),
    of_webhooks(
        "DELETE /api/v1/integrations/inbound-webhooks/{inbound}",
        "/api/v1/integrations/inbound-webhooks/0190b6e0-0000-7000-8000-000000000000",
        None,
    ),
    of_webhooks(
        "GET /api/v1/integrations/inbound-messages/{message}",
        "/api/v1/integrations/inbound-messages/0190b6e0-0000-7000-8000-000000000000",
        None,
    ),
    of_webhooks("GET /api/v1/integrations/events", "/api/v1/integrations/events", None),
    of_syncs("POST /api/v1/integrations/{id}/test", "/api/v1/integrations/x/test"),
    of_syncs("GET /api/v1/integrations/{id}/tests", "/api/v1/integrations/x/tests"),
    of_syncs("POST /api/v1/integrations/{id}/sync", "/api/v1/integrations/x/sync"),
    of_syncs("GET /api/v1/integrations/{id}/sync-jobs", "/api/v1/integrations/x/sync-jobs"),
    of_syncs("GET /api/v1/integrations/sync-jobs/{job_id}", "/api/v1/integrations/sync-jobs/x"),
    of_syncs(
        "POST /api/v1/integrations/sync-jobs/{job_id}/cancel",
        "/api/v1/integrations/sync-jobs/x/cancel",
    ),
    of_syncs("POST /api/v1/integrations/sync-jobs/{job_id}/retry", "/api/v1/integrations/sync-jobs/x/retry"),
    of_syncs("POST /api/v1/integrations/{id}/mapping/dry-run", "/api/v1/integrations/x/mapping/dry-run"),
    of_syncs("GET /api/v1/integrations/alerts", "/api/v1/integrations/alerts"),
    of_syncs("POST /api/v1/integrations/alerts", "/api/v1/integrations/alerts"),
    of_syncs(
        "GET /api/v1/integrations/alerts/{rule}",
        "/api/v1/integrations/alerts/0190b6e0-0000-7000-8000-000000000000",
    ),
    of_syncs(
        "PUT /api/v1/integrations/alerts/{rule}",
        "/api/v1/integrations/alerts/0190b6e0-0000-7000-8000-000000000000",
    ),
    of_syncs(
        "PATCH /api/v1/integrations/alerts/{rule}",
        "/api/v1/integrations/alerts/0190b6e0-0000-7000-8000-000000000000",
    ),
    of_syncs(
        "DELETE /api/v1/integrations/alerts/{rule}",
        "/api/v1/integrations/alerts/0190b6e0-0000-7000-8000-000000000000",
    ),
    of_syncs(
        "POST /api/v1/integrations/alerts/{rule}/acknowledge",
        "/api/v1/integrations/alerts/0190b6e0-0000-7000-8000-000000000000/acknowledge",
    ),
    of_syncs("GET /api/v1/integrations/{id}/logs", "/api/v1/integrations/x/logs"),
    of_syncs("GET /api/v1/integrations/{id}/metrics", "/api/v1/integrations/x/metrics"),
    of_syncs("GET /api/v1/integrations/{id}/quarantine", "/api/v1/integrations/x/quarantine"),
    of_syncs("GET /api/v1/integrations/{id}/quarantine/{record_id}", "/api/v1/integrations/x/quarantine/x"),
    of_syncs(
        "DELETE /api/v1/integrations/{id}/quarantine/{record_id}",
        "/api/v1/integrations/x/quarantine/x",
    ),
    of_syncs(
        "POST /api/v1/integrations/{id}/quarantine/{record_id}/replay",
        "/api/v1/integrations/x/quarantine/x/replay",
    ),
    of_syncs("GET /api/v1/integrations/dead-letters", "/api/v1/integrations/dead-letters"),
    of_syncs(
        "POST /api/v1/integrations/dead-letters/{id}/replay",
        "/api/v1/integrations/dead-letters/x/replay",
    ),
    of_connections("GET /api/clients", "/api/clients", None),
    of_connections("GET /api/clients/{id}", "/api/clients/x", None),
    of_connections("GET /api/clients/{id}/connections", "/api/clients/x/connections", None),
    of_connections("GET /api/clients/{id}/connections/{cid}", "/api/clients/x/connections/x", None),
    of_connections("PATCH /api/clients/{id}/connections/{cid}", "/api/clients/x/connections/x", Some("{}")),
    of_connections("PUT /api/clients/{id}/connections/{cid}", "/api/clients/x/connections/x", Some("{}")),
    of_connections("DELETE /api/clients/{id}/connections/{cid}", "/api/clients/x/connections/x", None),
    of_connections("PUT /admin/clients/{id}/connections", "/admin/clients/x/connections", Some("{}")),
    of_connections(
        "PATCH /api/clients/{id}/connections/{cid}/actions/refresh_secret",
        "/api/clients/x/connections/x/actions/refresh_secret",
        None,
    ),
    (
        "POST /oauth2/launch",
        "/oauth2/launch",
        Some(r#"{"client_id":"x.y"}"#),
        [401, 401, 401, 401, 403, 403, 403, 403, 403],
    ),
    // Nobody here has the scope for it; who has, is in the tests of the authorization server.
    (
        "POST /oauth2/register",
        "/oauth2/register",
        Some(r#"{"redirect_uris":["https://app.example/cb"]}"#),
        [401, 401, 401, 401, 403, 403, 403, 403, 403],
    ),
    // A registration is opened by its own token and by no other.
    registration("GET /oauth2/register/{client_id}"),
    registration("PUT /oauth2/register/{client_id}"),
    registration("DELETE /oauth2/register/{client_id}"),
    ("GET /oauth2/userinfo", "/oauth2/userinfo", None, [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("POST /oauth2/userinfo", "/oauth2/userinfo", None, [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    // The list needs no trust; it is empty without.
    ("GET /integrations/v1/", "/integrations/v1/", None, [401, 401, 401, 401, 403, 200, 200, 200, 200]),
    (
        "GET /integrations/v1/{integration}",
        "/integrations/v1/alpha",
        None,
        [401, 401, 401, 401, 403, 200, 404, 404, 200],
    ),
    (
        "GET /integrations/v1/{integration}/actions",
        "/integrations/v1/alpha/actions",
        None,
        [401, 401, 401, 401, 403, 200, 404, 404, 200],
    ),
    (
        "POST /integrations/v1/{integration}/actions/{action}",
        "/integrations/v1/alpha/actions/steps",
        Some(STEPS),
        [401, 401, 401, 401, 403, 200, 404, 404, 200],
    ),
    proxied("GET /integrations/v1/{integration}/proxy/{path}"),
    proxied("HEAD /integrations/v1/{integration}/proxy/{path}"),
    proxied("POST /integrations/v1/{integration}/proxy/{path}"),
    proxied("PUT /integrations/v1/{integration}/proxy/{path}"),
    proxied("PATCH /integrations/v1/{integration}/proxy/{path}"),
    proxied("DELETE /integrations/v1/{integration}/proxy/{path}"),
    managed("DELETE /api/v1/integrations/{id}", "/api/v1/integrations/int_00000000000000000000000000000000"),
    managed("GET /api/v1/integrations", "/api/v1/integrations"),
    managed("GET /api/v1/integrations/providers", "/api/v1/integrations/providers"),
    managed("GET /api/v1/integrations/{id}", "/api/v1/integrations/int_00000000000000000000000000000000"),
    managed(
        "GET /api/v1/integrations/{id}/audit",
        "/api/v1/integrations/int_00000000000000000000000000000000/audit",
    ),
    managed("PATCH /api/v1/integrations/{id}", "/api/v1/integrations/int_00000000000000000000000000000000"),
    managed("POST /api/v1/integrations", "/api/v1/integrations"),
    managed(
        "POST /api/v1/integrations/{id}/activate",
        "/api/v1/integrations/int_00000000000000000000000000000000/activate",
    ),
    managed(
        "POST /api/v1/integrations/{id}/deactivate",
        "/api/v1/integrations/int_00000000000000000000000000000000/deactivate",
    ),
    managed(
        "POST /api/v1/integrations/{id}/restore",
        "/api/v1/integrations/int_00000000000000000000000000000000/restore",
    ),
    managed("PUT /api/v1/integrations/{id}", "/api/v1/integrations/int_00000000000000000000000000000000"),
    // The last one, because it unlinks.
    (
        "DELETE /integrations/v1/{integration}",
        "/integrations/v1/alpha",
        None,
        [401, 401, 401, 401, 403, 403, 404, 404, 204],
    ),
];

/// Without the scopes and roles that these need; with them: `crates/broker/tests/it/managed.rs`.
const fn managed(operation: &'static str, path: &'static str) -> Row {
    (operation, path, Some("{}"), [401, 401, 401, 401, 403, 403, 403, 403, 403])
}

const fn registration(operation: &'static str) -> Row {
    (operation, "/oauth2/register/x.diary", Some("{}"), [401; 9])
}

const fn proxied(operation: &'static str) -> Row {
    (operation, "/integrations/v1/alpha/proxy/1/echo", None, [401, 401, 401, 401, 403, 200, 404, 404, 200])
}

fn method(operation: &str) -> Method {
    operation.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_operation_has_its_row() {
    let app = TestApp::empty(&[], 0).await;
    let public = PUBLIC.iter().map(|(operation, _)| (*operation).to_owned());
    let clients = OF_CLIENTS.iter().map(|(operation, _)| (*operation).to_owned());
    let tokens = OF_TOKENS.iter().map(|(operation, ..)| (*operation).to_owned());
    let lists = [STATUS_LIST, KEYS].map(str::to_owned).into_iter();
    let rows: BTreeSet<String> = public.chain(clients).chain(tokens).chain(lists).collect();
    let described = operations(&app.house);
    let missing: Vec<&String> = described.difference(&rows).collect();
    let surplus: Vec<&String> = rows.difference(&described).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "without a row: {missing:#?}\nwithout an operation: {surplus:#?}"
    );
}

#[tokio::test]
async fn everybody_reads_what_is_public() {
    let app = TestApp::new().await;
    let token = app.token(PATIENT, DIARY, "openid").await;
    for (operation, path) in PUBLIC {
        for bearer in ["", "junk", &token] {
            assert_eq!(app.call(method(operation), path, bearer, None).await.status, 200, "{operation}");
        }
    }
    let list = format!("/oauth2/status/{}", app.status_list().await);
    for bearer in ["", "junk", &token] {
        assert_eq!(app.call(method(STATUS_LIST), &list, bearer, None).await.status, 200, "{STATUS_LIST}");
        let keys = app.call(method(KEYS), "/api/v1/integrations/x/jwks.json", bearer, None).await;
        assert_eq!(keys.json()["error"]["message"], "there is no such integration", "{KEYS}");
    }
}

#[tokio::test]
async fn clients_prove_themselves_in_one_way() {
    let app = TestApp::new().await;
    let token = app.token(PATIENT, DIARY, "openid").await;
    let wrong = App { secret: "hlm_cs_wrong-wrong-wrong-wrong-wrong-wrong-wrong-1", ..DIARY };
    let foreign = App { secret: RIVAL.secret, ..DIARY };
    let unknown = App { client_id: "nobody00000000000000000000000000.diary", ..DIARY };
    for (operation, fields) in OF_CLIENTS {
        let path = operation.split(' ').nth(1).unwrap();
        let mut named = fields.to_vec();
        named.push(("client_id", DIARY.client_id));
        assert_eq!(post(&app, path, &[], fields).await, 401, "{operation} by nobody");
        assert_eq!(post(&app, path, &[], &named).await, 401, "{operation} without a secret");
        let bearer = format!("Bearer {token}");
        // Whoever introspects may do so by a token, which this one is not (SMART App Launch 2.2 §7.0.3).
        let by_token = if path == "/oauth2/introspection" { 403 } else { 401 };
        assert_eq!(
            post(&app, path, &[("authorization", &bearer)], &named).await,
            by_token,
            "{operation} by token"
        );
        let mut refusals = Vec::new();
        for client in [wrong, foreign, unknown] {
            let reply = app.ask_as(client, path, fields).await.expect(401);
            assert_eq!(reply.json()["error"], "invalid_client");
            assert!(reply.header("www-authenticate").starts_with("Basic "), "{operation}");
            refusals.push(reply.bytes);
        }
        assert!(refusals.windows(2).all(|two| two[0] == two[1]), "{operation} tells which part was wrong");
        let in_query = format!("{path}?client_id={}&client_secret={}", DIARY.client_id, DIARY.secret);
        assert_eq!(post(&app, &in_query, &[], fields).await, 400, "{operation} by query");
        let mut both = named.clone();
        both.push(("client_secret", DIARY.secret));
        assert_eq!(app.ask_as(DIARY, path, &both).await.status, 400, "{operation} in two ways");
        let done = if path == "/oauth2/par" { 201 } else { 200 };
        assert_eq!(post(&app, path, &[], &both).await, done, "{operation} by form");
        assert_eq!(app.ask_as(DIARY, path, fields).await.status, done, "{operation}");
    }
}

async fn post(app: &TestApp, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> u16 {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(form(fields))).unwrap()).await.status
}

#[tokio::test]
async fn tokens_open_what_they_are_for() {
    let app = TestApp::new().await;
    let everything = "openid profile email integrations:revoke";
    let expired = app.token(PATIENT, DIARY, everything).await;
    app.clock.advance(Duration::from_secs(3700));
    let browser = app.signed_in(PATIENT).await;
    let right = browser.token(DIARY, everything).await;
    let revoked = browser.token(DIARY, everything).await;
    app.ask_as(DIARY, "/oauth2/revocation", &[("token", &revoked)]).await.expect(200);
    assert_eq!(browser.link("alpha", DIARY).await, "https://diary.example/linked");
    let bearers = [
        String::new(),
        "junk".to_owned(),
        expired,
        revoked,
        app.own_token(DIARY).await,
        browser.token(DIARY, "profile").await,
        browser.token(STRANGER, everything).await,
        app.token(FOREIGN_PATIENT, RIVAL, everything).await,
        right,
    ];
    let mut wrong = Vec::new();
    for (operation, path, body, expected) in OF_TOKENS.iter().copied() {
        for ((bearer, caller), expected) in bearers.iter().zip(CALLERS).zip(expected) {
            let reply = app.call(method(operation), path, bearer, body).await;
            if reply.status != expected {
                wrong.push(format!(
                    "{operation} by {caller}: {} and not {expected}: {}",
                    reply.status,
                    reply.text()
                ));
            }
            if expected == 401 {
                let challenge = reply.header("www-authenticate");
                assert!(challenge.starts_with("Bearer"), "{operation} by {caller}: {challenge}");
                assert_eq!(
                    challenge.contains("invalid_token"),
                    !bearer.is_empty(),
                    "{operation} by {caller}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_client_sees_what_it_is_trusted_for_and_knows_of_nothing_else() {
    let app = TestApp::new().await;
    let browser = app.signed_in(PATIENT).await;
    let token = browser.token(DIARY, "openid").await;
    let names = async |bearer: &str| -> Vec<String> {
        let list = app.call(Method::GET, "/integrations/v1/", bearer, None).await.expect(200).json();
        list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&token).await, ["Alpha health"]);
    assert_eq!(names(&browser.token(STRANGER, "openid").await).await, [""; 0]);
    assert_eq!(names(&app.token(FOREIGN_PATIENT, RIVAL, "openid").await).await, ["Beta health"]);
    // What is there and not this client's is answered exactly as what is not there.
    for below in ["", "/actions", "/proxy/1/echo"] {
        let mut answers = Vec::new();
        for slug in ["beta", "gamma"] {
            let request = Request::get(format!("/integrations/v1/{slug}{below}"))
                .header("authorization", format!("Bearer {token}"))
                .header("x-request-id", "same");
            let reply = app.send(request.body(Body::empty()).unwrap()).await.expect(404);
            answers.push(reply.text().replace(slug, "slug"));
        }
        assert_eq!(answers[0], answers[1], "{below}");
    }
}

#[tokio::test]
async fn a_token_is_the_business_of_its_client_alone() {
    let app = TestApp::new().await;
    let token = app.token(PATIENT, DIARY, "openid").await;
    let active = async |client| {
        app.ask_as(client, "/oauth2/introspection", &[("token", &token)]).await.expect(200).json()
    };
    assert_eq!(active(DIARY).await["active"], true);
    for other in [STRANGER, RIVAL] {
        assert_eq!(active(other).await, serde_json::json!({ "active": false }));
        let refused = app.ask_as(other, "/oauth2/revocation", &[("token", &token)]).await;
        assert!(refused.status == 200 || refused.status == 400, "{}", refused.text());
        assert_eq!(active(DIARY).await["active"], true, "another client ended it");
    }
    app.ask_as(DIARY, "/oauth2/revocation", &[("token", &token)]).await.expect(200);
    assert_eq!(active(DIARY).await, serde_json::json!({ "active": false }));
}
