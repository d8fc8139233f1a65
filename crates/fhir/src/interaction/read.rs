//! Read a record, or one version of it.  <https://hl7.org/fhir/R4/http.html#read>

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::HeaderMap;
use kernel::Interaction;
use web::{Answer, Path, Problem};

use super::{
    answer,
    asked::{Asked, type_of},
};
use crate::{
    Fhir,
    access::Rule,
    audit_event,
    parameter::ResourceType,
    resource::{LogicalId, Version},
};

/// A record as it is now.
#[utoipa::path(get, path = "/fhir/{type}/{id}", tag = "records", operation_id = "read_record",
    params(("type" = String, Path, description = "`Patient`"), ("id" = String, Path, description = "The record's id"),
        ("SU-SiteId" = String, Header, description = "The site")),
    responses((status = 200, description = "The record", content_type = "application/fhir+json"),
        (status = 304, description = "It is what the caller has already")),
    security(("bearer" = ["system/*.r"])))]
pub(crate) async fn read_record(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((of, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer<Response> {
    let (of, rule) = may_read(&asked, &of)?;
    let id: LogicalId = id.parse().map_err(|_| answer::missing())?;
    let version = match audit_event::is_audit_event(of) {
        true => audit_event::read(&fhir, &asked, (of, &id)).await?,
        false => newest(&fhir, &asked, (of, &id), &rule).await?,
    };
    let version = version.ok_or_else(answer::missing)?;
    asked.read(&fhir, &version);
    super::show::record(&headers, query.as_deref(), version)
}

/// One version of a record.
#[utoipa::path(get, path = "/fhir/{type}/{id}/_history/{version}", tag = "records", operation_id = "read_version",
    params(("type" = String, Path, description = "`Patient`"), ("id" = String, Path, description = "The record's id"),
        ("version" = String, Path, description = "Its `meta.versionId`"),
        ("SU-SiteId" = String, Header, description = "The site")),
    responses((status = 200, description = "The version", content_type = "application/fhir+json"),
        (status = 304, description = "It is what the caller has already")),
    security(("bearer" = ["system/*.r"])))]
pub(crate) async fn read_version(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((of, id, version)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer<Response> {
    let (of, rule) = may_read(&asked, &of)?;
    audit_event::only_read(of)?;
    let id: LogicalId = id.parse().map_err(|_| answer::missing())?;
    let number: u32 = version.parse().map_err(|_| answer::missing())?;
    // Who may not know of the record as it is now, since it turned out to be another patient's, does not know of what it was.
    newest(&fhir, &asked, (of, &id), &rule).await?.ok_or_else(answer::missing)?;
    let version = fhir.records.vread(&asked.site.tenant, (of, &id), number).await?;
    let version = version.ok_or_else(answer::missing)?;
    if !may_know(&fhir, &asked, &version, &rule).await? {
        return Err(answer::missing());
    }
    asked.read(&fhir, &version);
    super::show::record(&headers, query.as_deref(), version)
}

fn may_read(asked: &Asked, of: &str) -> Answer<(ResourceType, Rule)> {
    let of = type_of(of)?;
    Ok((of, asked.rule(of, Interaction::Read)?))
}

/// The newest version, if the caller may know of it.
pub(crate) async fn newest(
    fhir: &Fhir,
    asked: &Asked,
    (of, id): (ResourceType, &LogicalId),
    rule: &Rule,
) -> Result<Option<Version>, Problem> {
    let Some(version) = fhir.records.read(&asked.site.tenant, of, id).await? else { return Ok(None) };
    Ok(may_know(fhir, asked, &version, rule).await?.then_some(version))
}

/// Who could see what was deleted may know that it was.
pub(crate) async fn may_know(
    fhir: &Fhir,
    asked: &Asked,
    version: &Version,
    rule: &Rule,
) -> Result<bool, Problem> {
    if rule.permits_version(version, &fhir.reader(&asked.site.tenant)) {
        return Ok(true);
    }
    if !version.is_deletion() || rule.is_nothing() {
        return Ok(false);
    }
    let before = version.version.saturating_sub(1);
    let before = fhir.records.vread(&asked.site.tenant, (version.resource_type, &version.id), before).await?;
    Ok(before.is_some_and(|before| rule.permits_version(&before, &fhir.reader(&asked.site.tenant))))
}
