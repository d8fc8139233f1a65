//! The OpenAPI document, and a page to read it that needs no other site.  OpenAPI 3.1

use axum::{Router, response::Response};
use http::{HeaderValue, header};
use utoipa::openapi::{
    Components, Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiVersion, Ref, RefOr, ResponseBuilder,
    Schema,
    path::{Operation, Parameter, PathItem},
    schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type},
    security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme},
};
use utoipa_swagger_ui::SwaggerUi;

use crate::{Csp, Dialect};

/// Swagger UI puts styles into elements, and nothing else inline; it is the only page with this policy.
const DOCS_POLICY: Csp = Csp::of(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
);

/// `/openapi.json`, and `/docs` to read it.
pub fn document(title: &str, version: &str, api: OpenApi) -> Router {
    let api = titled(title, version, api);
    let config = utoipa_swagger_ui::Config::default().validator_url("none");
    let pages: Router = SwaggerUi::new("/docs").config(config).url("/openapi.json", api).into();
    pages.layer(axum::middleware::map_response(|mut response: Response| async move {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, DOCS_POLICY.value());
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
        response
    }))
}

/// The whole document under its title, as `hilum openapi` prints it.
pub fn titled(title: &str, version: &str, mut api: OpenApi) -> OpenApi {
    /// What all crates are under.
    const LICENCE: &str = env!("CARGO_PKG_LICENSE");
    const ABOUT: &str =
        "The health integration gateway: people, applications and clinical systems connect to each other.";
    api.openapi = OpenApiVersion::Version31;
    let licence = LicenseBuilder::new().name(LICENCE).identifier(Some(LICENCE)).build();
    api.info = InfoBuilder::new()
        .title(title)
        .version(version)
        .description(Some(ABOUT))
        .license(Some(licence))
        .build();
    operations(&mut api).for_each(|operation| {
        without_null(operation);
        without_nul(operation);
    });
    let paths = std::mem::take(&mut api.paths.paths);
    api.paths.paths =
        paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), named_apart(item))).collect();
    api
}

/// A parameter that may be left out is there or not; it is never null.
fn without_null(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        match &mut parameter.schema {
            Some(RefOr::T(Schema::Object(object))) => {
                if let SchemaType::Array(types) = &mut object.schema_type {
                    types.retain(|one| *one != Type::Null);
                    if let [one] = types.as_slice() {
                        object.schema_type = SchemaType::Type(one.clone());
                    }
                }
            }
            Some(RefOr::T(Schema::OneOf(choice))) => {
                choice.items.retain(|one| !is_null(one));
                if let [one] = choice.items.as_slice() {
                    parameter.schema = Some(one.clone());
                }
            }
            _ => {}
        }
    }
}

/// A text in an address has no U+0000: PostgreSQL keeps none.
fn without_nul(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(Parameter { schema: Some(RefOr::T(Schema::Object(object))), .. }) = parameter else {
            continue;
        };
        let is_plain = object.format.is_none() && object.enum_values.is_none() && object.pattern.is_none();
        if object.schema_type == SchemaType::Type(Type::String) && is_plain {
            object.pattern = Some(r"^[^\x00]*$".to_owned());
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// Say of every operation that takes a token that it takes an API key in its place.
pub fn with_api_keys(mut api: OpenApi) -> OpenApi {
    const SCHEME: &str = "api_key";
    for operation in operations(&mut api) {
        // What is for everybody says so by asking for nothing.
        let nothing = SecurityRequirement::default();
        if let Some(security) = operation.security.as_mut().filter(|security| !security.contains(&nothing)) {
            security.push(SecurityRequirement::new::<_, [&str; 0], &str>(SCHEME, []));
        }
    }
    let description = "`<API Key Id>.<key>`, with the key's own scopes and roles";
    let key = ApiKey::Header(ApiKeyValue::with_description("X-API-Key", description));
    api.components
        .get_or_insert_with(Components::new)
        .add_security_scheme(SCHEME, SecurityScheme::ApiKey(key));
    api
}

/// One handler may answer several methods of a path; each operation still has a name of its own.  OpenAPI 3.1 §4.8.10
fn named_apart(mut item: PathItem) -> PathItem {
    let of_path = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("head", &mut item.head),
        ("patch", &mut item.patch),
    ];
    let named = of_path
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?.operation_id.as_mut()?)));
    let mut named: Vec<_> = named.collect();
    let shared: Vec<String> = named.iter().map(|(_, id)| (*id).clone()).collect();
    for (method, id) in &mut named {
        if shared.iter().filter(|other| *other == *id).count() > 1 {
            **id = format!("{method}_{id}");
        }
    }
    item
}

/// Add the family's error body to every operation as its `default` response, so that no handler lists errors.
pub fn with_errors(dialect: Dialect, mut api: OpenApi) -> OpenApi {
    let Some((name, media, schema)) = error_schema(dialect) else { return api };
    let response = ResponseBuilder::new()
        .description("Refused")
        .content(media, Content::new(Some(RefOr::Ref(Ref::from_schema_name(name)))))
        .build();
    for operation in operations(&mut api) {
        operation.responses.responses.entry("default".to_owned()).or_insert_with(|| response.clone().into());
    }
    api.components.get_or_insert_with(Components::new).schemas.insert(name.to_owned(), RefOr::T(schema));
    api
}

fn operations(api: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    api.paths.paths.values_mut().flat_map(|item| {
        let all = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.options,
            &mut item.head,
            &mut item.patch,
            &mut item.trace,
        ];
        all.into_iter().filter_map(Option::as_mut)
    })
}

/// The name, media type and shape of a dialect's body; pages are not described.
fn error_schema(dialect: Dialect) -> Option<(&'static str, &'static str, Schema)> {
    match dialect {
        Dialect::ProblemJson => Some(("Problem", "application/problem+json", problem())),
        Dialect::OAuth => Some(("OAuthError", "application/json", oauth())),
        Dialect::Fhir => Some(("OperationOutcome", "application/fhir+json", operation_outcome())),
        Dialect::Int => Some(("IntegrationError", "application/json", int())),
        Dialect::Meta => Some(("MetaError", "application/json", meta())),
        Dialect::Page(_) => None,
    }
}

fn object(members: &[(&str, RefOr<Schema>)], required: &[&str]) -> Schema {
    let object = members
        .iter()
        .fold(ObjectBuilder::new(), |object, (name, schema)| object.property(*name, schema.clone()));
    required.iter().fold(object, |object, name| object.required(*name)).into()
}

fn text() -> RefOr<Schema> {
    RefOr::T(ObjectBuilder::new().schema_type(Type::String).into())
}

fn number() -> RefOr<Schema> {
    RefOr::T(ObjectBuilder::new().schema_type(Type::Integer).into())
}

fn list(of: impl Into<RefOr<Schema>>) -> RefOr<Schema> {
    RefOr::T(ArrayBuilder::new().items(of.into()).into())
}

fn problem() -> Schema {
    let errors = list(object(&[("field", text()), ("detail", text())], &["field", "detail"]));
    object(
        &[
            ("type", text()),
            ("title", text()),
            ("status", number()),
            ("detail", text()),
            ("instance", text()),
            ("code", text()),
            ("field", text()),
            ("request_id", text()),
            ("errors", errors),
        ],
        &["type", "title", "status", "detail"],
    )
}

fn oauth() -> Schema {
    object(&[("error", text()), ("error_description", text())], &["error"])
}

fn operation_outcome() -> Schema {
    let coding = object(&[("system", text()), ("code", text())], &["system", "code"]);
    let issue = object(
        &[
            ("severity", text()),
            ("code", text()),
            ("diagnostics", text()),
            ("details", RefOr::T(object(&[("coding", list(coding)), ("text", text())], &[]))),
            ("expression", list(text())),
        ],
        &["severity", "code"],
    );
    object(&[("resourceType", text()), ("id", text()), ("issue", list(issue))], &["resourceType", "issue"])
}

fn int() -> Schema {
    let details = list(object(&[("field", text()), ("message", text())], &["field", "message"]));
    let nullable = SchemaType::Array(vec![Type::String, Type::Null]);
    let field = RefOr::T(ObjectBuilder::new().schema_type(nullable).into());
    let error = object(
        &[
            ("code", text()),
            ("message", text()),
            ("field", field),
            ("details", details),
            ("timestamp", text()),
            ("request_id", text()),
        ],
        &["code", "message", "field", "details", "timestamp", "request_id"],
    );
    object(&[("error", error.into())], &["error"])
}

fn meta() -> Schema {
    let rule = object(
        &[("rule", text()), ("description", text()), ("params", list(text()))],
        &["rule", "description", "params"],
    );
    let invalid = object(
        &[("entry_type", text()), ("entry", text()), ("rules", list(rule))],
        &["entry_type", "entry", "rules"],
    );
    let error =
        object(&[("type", text()), ("message", text()), ("invalid", list(invalid))], &["type", "message"]);
    let meta = object(
        &[("code", number()), ("url", text()), ("type", text()), ("request_id", text())],
        &["code", "type"],
    );
    object(&[("meta", meta.into()), ("error", error.into())], &["meta", "error"])
}
