//! The kick-off of an export.  <https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request>

use axum::{extract::State, response::Response};
use web::Path;

use super::{
    begin::{begin, of_group},
    call::Call,
    wish::Level,
};
use crate::{Fhir, interaction::posted::Said};

/// Export the records of the site.
#[utoipa::path(get, path = "/fhir/$export", tag = "bulk", operation_id = "export_site",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("Prefer" = String, Header, description = "`respond-async`"),
        ("_type" = Option<String>, Query, description = "Types, with commas between them"),
        ("_since" = Option<String>, Query, description = "Changed after this instant"),
        ("_until" = Option<String>, Query, description = "Changed before this instant"),
        ("_elements" = Option<String>, Query, description = "Names of elements, such as `id` or `Patient.name`"),
        ("_typeFilter" = Option<String>, Query, description = "Searches such as `Observation?category=laboratory`")),
    responses((status = 202, description = "It has begun; `Content-Location` says where its status is")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn export_site(State(fhir): State<Fhir>, call: Call) -> Said<Response> {
    begin(&fhir, call, Level::System).await
}

/// Export the records of the site; the parameters stand in a `Parameters` resource.
#[utoipa::path(post, path = "/fhir/$export", tag = "bulk", operation_id = "export_site_by_parameters",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("Prefer" = String, Header, description = "`respond-async`")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 202, description = "It has begun; `Content-Location` says where its status is")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn export_site_by_parameters(state: State<Fhir>, call: Call) -> Said<Response> {
    export_site(state, call).await
}

/// Export the records of all patients.
#[utoipa::path(get, path = "/fhir/Patient/$export", tag = "bulk", operation_id = "export_patients",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("Prefer" = String, Header, description = "`respond-async`"),
        ("_type" = Option<String>, Query, description = "Types, with commas between them"),
        ("_since" = Option<String>, Query, description = "Changed after this instant")),
    responses((status = 202, description = "It has begun; `Content-Location` says where its status is")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn export_patients(State(fhir): State<Fhir>, call: Call) -> Said<Response> {
    begin(&fhir, call, Level::Patients).await
}

/// Export the records of all patients, or of some (`patient`); the parameters stand in a `Parameters` resource.
#[utoipa::path(post, path = "/fhir/Patient/$export", tag = "bulk", operation_id = "export_patients_by_parameters",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("Prefer" = String, Header, description = "`respond-async`")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 202, description = "It has begun; `Content-Location` says where its status is")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn export_patients_by_parameters(state: State<Fhir>, call: Call) -> Said<Response> {
    export_patients(state, call).await
}

/// Export the records of the members of a group.
#[utoipa::path(get, path = "/fhir/Group/{id}/$export", tag = "bulk", operation_id = "export_group",
    params(("id" = String, Path, description = "The group"), ("SU-SiteId" = String, Header, description = "The site"),
        ("Prefer" = String, Header, description = "`respond-async`"),
        ("_type" = Option<String>, Query, description = "Types, with commas between them"),
        ("_since" = Option<String>, Query, description = "Changed after this instant")),
    responses((status = 202, description = "It has begun; `Content-Location` says where its status is")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn export_group(
    State(fhir): State<Fhir>,
    Path(id): Path<String>,
    call: Call,
) -> Said<Response> {
    let level = of_group(&fhir, &call, &id).await?;
    begin(&fhir, call, level).await
}

/// Export the records of the members of a group, or of some of them (`patient`); the parameters stand in a `Parameters` resource.
#[utoipa::path(post, path = "/fhir/Group/{id}/$export", tag = "bulk", operation_id = "export_group_by_parameters",
    params(("id" = String, Path, description = "The group"), ("SU-SiteId" = String, Header, description = "The site"),
        ("Prefer" = String, Header, description = "`respond-async`")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 202, description = "It has begun; `Content-Location` says where its status is")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn export_group_by_parameters(
    state: State<Fhir>,
    id: Path<String>,
    call: Call,
) -> Said<Response> {
    export_group(state, id, call).await
}
