//! `GET [base]/metadata`: what this server can do, made of what is on.  <https://hl7.org/fhir/R4/capabilitystatement.html>

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    Fhir, bulk, interaction,
    outcome::FHIR_JSON,
    parameter::{Parameter, Registry, ResourceType},
};

/// How long the statement is believed without asking again, in seconds.
pub const MAX_AGE_S: u32 = 300;

/// The statement, made once.
pub(crate) struct Statement {
    body: Bytes,
    etag: HeaderValue,
}

/// What can be done with records of every type; each is a route of this crate.
const OF_TYPE: [&str; 9] = [
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
];
/// What can be done with the site as a whole.
const OF_SITE: [&str; 3] = ["transaction", "batch", "history-system"];

impl Statement {
    pub fn new(base: &str, issuer: &str, registry: &Registry) -> Self {
        let body = statement(base, issuer, registry).to_string().into_bytes();
        Self { etag: interaction::etag_of(&body), body: body.into() }
    }
}

/// How parameters are called that every type has beside its own.
fn parameters(registry: &Registry, of: ResourceType) -> Vec<Value> {
    let shown =
        |parameter: &Arc<Parameter>| json!({"name": &*parameter.code, "type": parameter.kind.as_str()});
    registry.parameters(of).map(shown).collect()
}

fn statement(base: &str, issuer: &str, registry: &Registry) -> Value {
    let codes = |all: &[&str]| -> Vec<Value> { all.iter().map(|code| json!({"code": code})).collect() };
    let resource = |of: ResourceType| {
        json!({
            "type": of.as_str(),
            "interaction": codes(&OF_TYPE),
            "versioning": "versioned-update",
            "readHistory": true,
            "updateCreate": true,
            "conditionalRead": "full-support",
            "conditionalCreate": true,
            "conditionalUpdate": true,
            "conditionalDelete": "single",
            "searchParam": parameters(registry, of),
            "operation": operations(of),
        })
    };
    let resources: Vec<Value> = ResourceType::all().map(resource).collect();
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": RELEASED,
        "publisher": "Hilum",
        "kind": "instance",
        "software": {"name": "Hilum", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "Records of sites", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"],
        "rest": [{
            "mode": "server",
            "documentation": "Every call names its site in SU-SiteId.",
            "security": {
                "extension": [oauth_uris(issuer)],
                "cors": true,
                "service": [{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR",
                }]}],
            },
            "resource": resources,
            "interaction": codes(&OF_SITE),
            "operation": [bulk::operation(None)],
        }],
        "instantiates": [bulk::STATEMENT],
    })
}

fn operations(of: ResourceType) -> Vec<Value> {
    let validate = json!({
        "name": "validate",
        "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    });
    let bulk = ["Patient", "Group"].contains(&of.as_str()).then(|| bulk::operation(Some(of)));
    [validate].into_iter().chain(bulk).collect()
}

/// Where tokens come from, for clients that look here and not in `.well-known/smart-configuration`.  SMART App Launch 1.0 §2.4
fn oauth_uris(issuer: &str) -> Value {
    let uris: Vec<Value> = [
        ("authorize", "authorize"),
        ("token", "token"),
        ("introspect", "introspection"),
        ("revoke", "revocation"),
    ]
    .iter()
    .map(|(name, path)| json!({"url": name, "valueUri": format!("{issuer}/{path}")}))
    .collect();
    json!({"url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris", "extension": uris})
}

/// When the statement's shape changed last.
const RELEASED: &str = "2026-11-21";

/// What this server can do.
#[utoipa::path(get, path = "/fhir/metadata", tag = "records", operation_id = "capabilities",
    responses((status = 200, description = "A CapabilityStatement", content_type = "application/fhir+json"),
        (status = 304, description = "It is what the caller has already")))]
pub(crate) async fn capabilities(State(fhir): State<Fhir>, headers: HeaderMap) -> Response {
    let statement = &fhir.statement;
    let mut response = match interaction::is_known(&headers, &statement.etag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => statement.body.clone().into_response(),
    };
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, FHIR_JSON);
    told.insert(header::ETAG, statement.etag.clone());
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={MAX_AGE_S}")) {
        told.insert(header::CACHE_CONTROL, value);
    }
    response
}
