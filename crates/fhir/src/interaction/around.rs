//! Search the records of more types than one: of the whole site, and of one compartment.
//! <https://hl7.org/fhir/R4/http.html#search>, <https://hl7.org/fhir/R4/compartmentdefinition.html>
//!
//! Whose compartment it is needs not be there, nor be seen: a compartment is a criterion like any other, and finds what the caller sees.

use axum::{
    extract::{RawQuery, Request, State},
    response::Response,
};
use web::Path;

use super::{
    answer,
    asked::{Asked, type_of},
    posted::Said,
    search::{self, Field, form},
};
use crate::{
    Fhir,
    parameter::{Compartment, ResourceType},
    query::Test,
    resource::LogicalId,
};

/// Every type of a compartment, in an address.
const EVERY: &str = "*";

/// Records of the site that match, whatever their types.
#[utoipa::path(get, path = "/fhir", tag = "records", operation_id = "search_site",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("_type" = Option<String>, Query, description = "Types, with commas between them; all where none are named")),
    responses((status = 200, description = "A Bundle of type searchset; of type collection where page or count is asked for", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn search_site(
    State(fhir): State<Fhir>,
    asked: Asked,
    RawQuery(query): RawQuery,
) -> Said<Response> {
    search::answer(&fhir, &asked, Field::site(), &query.unwrap_or_default()).await
}

/// The same, with the parameters in the body.
#[utoipa::path(post, path = "/fhir/_search", tag = "records", operation_id = "search_site_by_form",
    params(("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "The parameters", content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A Bundle of type searchset; of type collection where page or count is asked for", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn search_site_by_form(
    State(fhir): State<Fhir>,
    asked: Asked,
    RawQuery(query): RawQuery,
    request: Request,
) -> Said<Response> {
    let words = form(query.as_deref(), request).await?;
    search::answer(&fhir, &asked, Field::site(), &words).await
}

/// Records of one compartment that match.
#[utoipa::path(get, path = "/fhir/{type}/{id}/{of}", tag = "records", operation_id = "search_compartment",
    params(("type" = String, Path, description = "Whose compartment: `Patient`, `Encounter`, `RelatedPerson`, `Practitioner`, `Device`"),
        ("id" = String, Path, description = "The record's id"),
        ("of" = String, Path, description = "`Observation`; `*` for all types, of which `_type` chooses"),
        ("SU-SiteId" = String, Header, description = "The site")),
    responses((status = 200, description = "A Bundle of type searchset; of type collection where page or count is asked for", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn search_compartment(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((whose, id, of)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Said<Response> {
    let field = field(&fhir, (&whose, &id, &of))?;
    search::answer(&fhir, &asked, field, &query.unwrap_or_default()).await
}

/// The same, with the parameters in the body.
#[utoipa::path(post, path = "/fhir/{type}/{id}/{of}/_search", tag = "records", operation_id = "search_compartment_by_form",
    params(("type" = String, Path, description = "Whose compartment"),
        ("id" = String, Path, description = "The record's id"),
        ("of" = String, Path, description = "`Observation`; `*` for all types"),
        ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "The parameters", content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A Bundle of type searchset; of type collection where page or count is asked for", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.s"])))]
pub(crate) async fn search_compartment_by_form(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((whose, id, of)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Said<Response> {
    let field = field(&fhir, (&whose, &id, &of))?;
    let words = form(query.as_deref(), request).await?;
    search::answer(&fhir, &asked, field, &words).await
}

fn field(fhir: &Fhir, (whose, id, of): (&str, &str, &str)) -> Said<Field> {
    let compartment = Compartment::named(type_of(whose)?.as_str()).ok_or_else(answer::missing)?;
    let id: LogicalId = id.parse().map_err(|_| answer::missing())?;
    let members = fhir.registry.member_types(compartment);
    let named: Vec<ResourceType> = match of {
        EVERY => Vec::new(),
        of => vec![Some(type_of(of)?).filter(|of| members.contains(of)).ok_or_else(answer::missing)?],
    };
    let within = Test::In { compartment, ids: vec![id.as_str().into()] };
    Ok(Field { place: format!("{whose}/{id}/{of}"), named, among: Some(members), within: Some(within) })
}
