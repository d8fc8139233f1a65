//! `GET [base]/metadata`: what this server can do.  <https://hl7.org/fhir/R4/capabilitystatement.html>
//!
//! It is made of the OpenAPI document, which is made of the routes, and of the parameters that searches are read with: what is not served
//! is not named, and what is on is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use axum::{
    extract::{FromRequestParts, Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header, request::Parts};
use kernel::Kind;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use web::{Answer, Problem};

use crate::{
    Fhir, audit_event, bulk,
    interaction::{self, Asked},
    operation::everything,
    outcome::FHIR_JSON,
    parameter::{Compartment, Parameter, ParameterId, ParameterKind, Registry, ResourceType, Standing},
    query::SITE_FORMS,
    site::Site,
    topic,
};

/// How long the statement is believed without asking again, in seconds.
pub const MAX_AGE_S: u32 = 300;

/// The statement, once all routes are known.
pub(crate) struct Statement {
    /// Who gives access tokens.
    issuer: String,
    rendered: OnceLock<Rendered>,
}

struct Rendered {
    served: Served,
    general: Told,
}

struct Told {
    body: Bytes,
    etag: HeaderValue,
}

/// What a route does with records of a type.
const OF_TYPE: [(&str, &str, &str); 9] = [
    ("get", "/fhir/{type}/{id}", "read"),
    ("get", "/fhir/{type}/{id}/_history/{version}", "vread"),
    ("put", "/fhir/{type}/{id}", "update"),
    ("patch", "/fhir/{type}/{id}", "patch"),
    ("delete", "/fhir/{type}/{id}", "delete"),
    ("get", "/fhir/{type}/{id}/_history", "history-instance"),
    ("get", "/fhir/{type}/_history", "history-type"),
    ("post", "/fhir/{type}", "create"),
    ("get", "/fhir/{type}", "search-type"),
];
/// What a route does with the site as a whole.
const OF_SITE: [(&str, &str, &str); 4] = [
    ("post", "/fhir", "transaction"),
    ("post", "/fhir", "batch"),
    ("get", "/fhir", "search-system"),
    ("get", "/fhir/_history", "history-system"),
];
/// Where messages are sent to, below the base.
const PROCESS_MESSAGE: &str = "/$process-message";
/// Routes that compartments are searched by.
const COMPARTMENT: (&str, &str) = ("get", "/fhir/{type}/{id}/{of}");

impl Statement {
    pub const fn new(issuer: String) -> Self {
        Self { issuer, rendered: OnceLock::new() }
    }

    /// Who gives access tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    fn of(&self, base: &str, registry: &Registry, served: &Served) -> Told {
        let body = statement((base, &self.issuer), registry, served).to_string().into_bytes();
        Told { etag: interaction::etag_of(&body), body: body.into() }
    }

    /// Every route is known now.
    pub fn settle(&self, fhir: &Fhir, api: &OpenApi) {
        self.rendered.get_or_init(|| {
            let served = Served::of(api);
            let general = self.of(&fhir.base, &fhir.registry, &served);
            Rendered { served, general }
        });
    }
}

/// What the routes serve.
struct Served {
    /// Method and path.
    routes: BTreeSet<(&'static str, String)>,
    /// The types that an operation is of (`{type}` for all, nothing for the site), by its name.
    operations: BTreeMap<String, BTreeSet<String>>,
}

impl Served {
    fn of(api: &OpenApi) -> Self {
        let mut served = Self { routes: BTreeSet::new(), operations: BTreeMap::new() };
        for (path, item) in &api.paths.paths {
            let methods = [
                ("get", &item.get),
                ("put", &item.put),
                ("post", &item.post),
                ("patch", &item.patch),
                ("delete", &item.delete),
            ];
            let own = methods.into_iter().filter(|(_, operation)| operation.is_some());
            served.routes.extend(own.map(|(method, _)| (method, path.clone())));
            let below = path.strip_prefix("/fhir/").and_then(|below| below.split_once('$'));
            if let Some((before, name)) = below.filter(|(_, name)| !name.contains('/')) {
                let of = before.split('/').next().unwrap_or_default().to_owned();
                served.operations.entry(name.to_owned()).or_default().insert(of);
            }
        }
        served
    }

    fn has(&self, method: &str, path: &str) -> bool {
        self.routes.iter().any(|(own, at)| *own == method && at == path)
    }

    fn codes(&self, of: &[(&str, &str, &str)]) -> Vec<Value> {
        let own = of.iter().filter(|(method, path, _)| self.has(method, path));
        own.map(|(.., code)| json!({"code": code})).collect()
    }

    /// The operations of a type; of the site where there is none.
    fn operations(&self, of: Option<ResourceType>) -> Vec<Value> {
        let is_own = |name: &str, types: &BTreeSet<String>| match of {
            None => types.contains(""),
            Some(of) => types.contains(of.as_str()) || (types.contains("{type}") && is_of(name, of)),
        };
        let own = self.operations.iter().filter(|(name, types)| is_own(name, types));
        own.map(|(name, types)| json!({"name": name, "definition": definition(name, of, types)})).collect()
    }

    fn conditions(&self) -> Map<String, Value> {
        let forms = [
            ("get", "/fhir/{type}/{id}", "conditionalRead", json!("full-support")),
            ("post", "/fhir/{type}", "conditionalCreate", json!(true)),
            ("put", "/fhir/{type}", "conditionalUpdate", json!(true)),
            ("delete", "/fhir/{type}", "conditionalDelete", json!("single")),
        ];
        let own = forms.into_iter().filter(|(method, path, ..)| self.has(method, path));
        own.map(|(.., name, how)| (name.to_owned(), how)).collect()
    }
}

/// Whether an operation whose route is of any type is of this one.
fn is_of(name: &str, of: ResourceType) -> bool {
    name != "everything" || everything::is_of(of).0
}

/// The operation's own definition.
fn definition(name: &str, of: Option<ResourceType>, types: &BTreeSet<String>) -> String {
    const R4: &str = "http://hl7.org/fhir/OperationDefinition";
    const BULK: &str = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition";
    const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition";
    match (name, of.map(ResourceType::as_str)) {
        ("export" | "import", None) => format!("{BULK}/{name}"),
        ("status" | "events" | "get-ws-binding-token", Some("Subscription")) => {
            format!("{BACKPORT}/backport-subscription-{name}")
        }
        ("export", Some(of)) => format!("{BULK}/{}-export", of.to_ascii_lowercase()),
        ("process-message", _) => format!("{R4}/MessageHeader-process-message"),
        ("everything", Some(of)) => format!("{R4}/{of}-everything"),
        (_, Some(of)) if types.contains(of) => format!("{R4}/{of}-{name}"),
        _ => format!("{R4}/Resource-{name}"),
    }
}

fn parameters<'p>(all: impl Iterator<Item = &'p Arc<Parameter>>) -> Vec<Value> {
    let shown = |parameter: &Arc<Parameter>| {
        let (name, kind) = (&*parameter.code, parameter.kind.as_str());
        match parameter.id.0 < ParameterId::ADDED_MIN {
            true => json!({"name": name, "type": kind}),
            false => json!({"name": name, "definition": &*parameter.url, "type": kind}),
        }
    };
    all.map(shown).collect()
}

/// Parameters that every type has and that select no element. `_text` and `_content` read the records that the others leave.
const OF_NO_ELEMENT: [(&str, &str); 4] =
    [("_content", "string"), ("_filter", "special"), ("_list", "special"), ("_text", "string")];

fn of_type(registry: &Registry, of: ResourceType) -> Vec<Value> {
    let mut all = parameters(registry.parameters(of).filter(|one| one.standing == Standing::Ready));
    all.extend(SITE_FORMS.iter().filter_map(|(name, meant)| {
        let known = registry.parameter(of, meant)?;
        Some(json!({"name": name, "definition": &*known.url, "type": known.kind.as_str()}))
    }));
    all.extend(OF_NO_ELEMENT.map(|(name, kind)| json!({"name": name, "type": kind})));
    all
}

/// What is read and searched, and nothing else: nobody writes it, it includes nothing, and asks nothing but what it says.
fn audit_events(registry: &Registry, of: ResourceType) -> Value {
    let mut parameters = parameters(registry.parameters(of));
    parameters.push(json!({"name": "_filter", "type": "special"}));
    json!({
        "type": of.as_str(),
        "documentation": "Made by this server of what is done to records: IHE Basic Audit Log Patterns 1.1.4",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": false,
        "updateCreate": false,
        "conditionalRead": "full-support",
        "searchParam": parameters,
    })
}

/// Those that every type has.
fn common(registry: &Registry) -> Vec<Value> {
    let first = ResourceType::all().next();
    let is_common = |parameter: &&Arc<Parameter>| {
        ResourceType::all().all(|of| {
            registry.parameter(of, &parameter.code).is_some_and(|other| other.kind == parameter.kind)
        })
    };
    let own = first.into_iter().flat_map(|of| registry.parameters(of));
    parameters(own.filter(is_common))
}

/// References of every type, by what they may lead to: `Observation:subject`, and whether it may lead anywhere.
struct References(Vec<(ResourceType, String, Vec<ResourceType>)>);

impl References {
    fn of(registry: &Registry) -> Self {
        // What is not written is not found by what it refers to.
        let kept = ResourceType::all().filter(|of| !audit_event::is_audit_event(*of));
        let all = kept.flat_map(|of| {
            let own = registry.parameters(of).filter(|one| one.kind == ParameterKind::Reference);
            let own = own.filter(|one| one.standing == Standing::Ready);
            own.map(move |one| (of, format!("{of}:{}", one.code), one.targets.to_vec()))
        });
        Self(all.collect())
    }

    fn from(&self, of: ResourceType) -> Vec<&str> {
        let own = self.0.iter().filter(|(source, ..)| *source == of).map(|(_, name, _)| name.as_str());
        ["*"].into_iter().chain(own).collect()
    }

    fn to(&self, of: ResourceType) -> Vec<&str> {
        let leads = |targets: &[ResourceType]| targets.is_empty() || targets.contains(&of);
        let own = self.0.iter().filter(|(.., targets)| leads(targets)).map(|(_, name, _)| name.as_str());
        ["*"].into_iter().chain(own).collect()
    }
}

fn statement((base, issuer): (&str, &str), registry: &Registry, served: &Served) -> Value {
    let references = References::of(registry);
    let resource = |of: ResourceType| {
        let mut resource = json!({
            "type": of.as_str(),
            "interaction": served.codes(&OF_TYPE),
            "versioning": "versioned-update",
            "readHistory": true,
            "updateCreate": true,
            "searchInclude": references.from(of),
            "searchRevInclude": references.to(of),
            "searchParam": of_type(registry, of),
        });
        if let Some(members) = resource.as_object_mut() {
            members.extend(served.conditions());
            let operations = served.operations(Some(of));
            members.extend((!operations.is_empty()).then(|| ("operation".to_owned(), operations.into())));
        }
        resource
    };
    let resource = |of: ResourceType| {
        let mut told = resource(of);
        if topic::is_subscription(of) {
            topic::tell(base, &mut told);
        }
        if audit_event::is_audit_event(of) {
            told = audit_events(registry, of);
        }
        told
    };
    let resources: Vec<Value> = ResourceType::all().map(resource).collect();
    let mut rest = json!({
        "mode": "server",
        "documentation": "Every call names its site in SU-SiteId, and may say in Purpose-Of-Use what it is for: a code of v3-ActReason. With BTG \
            and a Break-Glass-Reason those whom the site's administrators named see in an emergency what patients withhold; the answer then says \
            Break-Glass: on-record.",
        "security": {
            "extension": [oauth_uris(issuer)],
            "cors": true,
            "service": [{"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                "code": "SMART-on-FHIR",
            }]}],
        },
        "resource": resources,
        "interaction": served.codes(&OF_SITE),
        "searchParam": common(registry),
    });
    if let Some(members) = rest.as_object_mut() {
        let operations = served.operations(None);
        members.extend((!operations.is_empty()).then(|| ("operation".to_owned(), operations.into())));
        let compartment = |one: Compartment| {
            format!("http://hl7.org/fhir/CompartmentDefinition/{}", one.as_str().to_ascii_lowercase())
        };
        let compartments: Vec<String> = Compartment::ALL.into_iter().map(compartment).collect();
        let has = served.has(COMPARTMENT.0, COMPARTMENT.1);
        members.extend(has.then(|| ("compartment".to_owned(), compartments.into())));
    }
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
        "rest": [rest],
        "instantiates": [bulk::STATEMENT],
        "messaging": [{
            "endpoint": [{
                "protocol": {"system": "http://terminology.hl7.org/CodeSystem/message-transport", "code": "http"},
                "address": format!("{base}{PROCESS_MESSAGE}"),
            }],
            "documentation": "A message is answered with the call. A site with active MessageDefinitions takes their events alone.",
        }],
    })
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
const RELEASED: &str = "2026-11-22";

/// What this server can do.
#[utoipa::path(get, path = "/fhir/metadata", tag = "records", operation_id = "capabilities",
    responses((status = 200, description = "A CapabilityStatement", content_type = "application/fhir+json"),
        (status = 304, description = "It is what the caller has already")))]
pub(crate) async fn capabilities(State(fhir): State<Fhir>, request: Request) -> Answer<Response> {
    let rendered = fhir
        .statement
        .rendered
        .get()
        .ok_or_else(|| Problem::new(Kind::Unavailable, "not all is known yet").with_retry_after(1))?;
    let (mut parts, _) = request.into_parts();
    let own = own_site(&fhir, &mut parts)
        .await
        .map(|site| fhir.statement.of(&fhir.base, &fhir.records.registry_of(&site.tenant), &rendered.served));
    let is_general = own.is_none();
    let statement = own.as_ref().unwrap_or(&rendered.general);
    let mut response = match interaction::is_known(&parts.headers, &statement.etag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => statement.body.clone().into_response(),
    };
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, FHIR_JSON);
    told.insert(header::ETAG, statement.etag.clone());
    let whose = if is_general { "public" } else { "private" };
    if let Ok(value) = HeaderValue::from_str(&format!("{whose}, max-age={MAX_AGE_S}")) {
        told.insert(header::CACHE_CONTROL, value);
    }
    told.insert(header::VARY, HeaderValue::from_static("Authorization, SU-SiteId"));
    Ok(response)
}

/// The site that the caller shows to be its own, if records of it are found by more than R4's parameters. Whoever shows nothing, or
/// nothing good, is told what every site can do.
async fn own_site(fhir: &Fhir, parts: &mut Parts) -> Option<Arc<Site>> {
    if !parts.headers.contains_key(interaction::SITE) || !parts.headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    let asked = Asked::from_request_parts(parts, fhir).await.ok()?;
    (!asked.site.tenant.added().is_empty()).then_some(asked.site)
}
