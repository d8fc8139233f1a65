//! `$validate`: what would be found, without keeping anything.  <https://hl7.org/fhir/R4/resource-operation-validate.html>

use axum::{
    extract::{RawQuery, Request, State},
    response::Response,
};
use fhirpath::document::{Document, Element};
use http::StatusCode;
use web::Path;

use super::{
    asked::{Asked, type_of},
    create::RESOURCE,
    posted::{Posted, Said, document, invalid, is_of},
};
use crate::{
    Fhir,
    outcome::{self, Severity, Told},
};

/// Check a resource, alone or in `Parameters` (`resource`, `profile`).
#[utoipa::path(post, path = "/fhir/{type}/$validate", tag = "records", operation_id = "validate_record",
    params(("type" = String, Path, description = "`Patient`"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("profile" = Option<String>, Query, description = "A profile that it has to conform to")),
    request_body(description = "The resource, or Parameters that hold it", content_type = "application/fhir+json"),
    responses((status = 200, description = "What was found", content_type = "application/fhir+json")),
    security(("bearer" = [])))]
pub(crate) async fn validate_record(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(of): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Said<Response> {
    let of = type_of(&of)?;
    asked.subscribed(of)?;
    let json = Posted::read(request, RESOURCE).await?.json()?;
    let whole = document(&json)?;
    let mut profiles = profiles_of(query.as_deref().unwrap_or_default());
    let inner = match whole.root().resource_type().as_deref() {
        Some("Parameters") => Some(resource_in(&whole, &mut profiles)?),
        _ => None,
    };
    let resource = match &inner {
        Some(json) => document(json)?,
        None => whole,
    };
    is_of(&resource, of)?;
    let profiles: Vec<&str> = profiles.iter().map(String::as_str).collect();
    let found = fhir.found(&asked.site, &resource, &profiles).map_err(web::Problem::from)?;
    let mut issues = found.issues;
    if issues.is_empty() {
        issues.push(Told::new(Severity::Information, "informational", "nothing was found"));
    }
    Ok(outcome::answer(StatusCode::OK, &issues))
}

/// How many profiles may be named.
const PROFILES_MAX: usize = 20;

fn profiles_of(query: &str) -> Vec<String> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .filter(|(name, _)| name == "profile")
        .map(|(_, value)| value.into_owned())
        .take(PROFILES_MAX)
        .collect()
}

fn resource_in(parameters: &Document<'_>, profiles: &mut Vec<String>) -> Said<String> {
    let text = |element: Option<Element<'_>>| element.and_then(|it| it.text().map(|text| text.into_owned()));
    let mut found = None;
    for parameter in parameters.root().members().filter(|member| member.name() == "parameter") {
        match text(parameter.child("name")).as_deref() {
            Some("resource") => found = parameter.child("resource").map(|it| it.to_json()),
            Some("profile") if profiles.len() < PROFILES_MAX => {
                profiles
                    .extend(text(parameter.child("valueUri").or_else(|| parameter.child("valueCanonical"))));
            }
            _ => {}
        }
    }
    Ok(found.ok_or_else(|| invalid("Parameters has no parameter `resource`", "Parameters.parameter"))?)
}
