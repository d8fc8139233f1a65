//! Update, patch and delete the record that a search finds.  <https://hl7.org/fhir/R4/http.html#cond-update>,
//! <https://hl7.org/fhir/R4/http.html#patch>, <https://hl7.org/fhir/R4/http.html#3.1.0.7.1>
//!
//! Which record is meant is asked inside the unit that writes, of what the caller may find: what is hidden is not meant, and nothing of the
//! answer tells of it.

use axum::{
    extract::{RawQuery, Request, State},
    response::Response,
};
use http::HeaderMap;
use kernel::Interaction;
use web::{Path, Problem};

use super::{
    answer,
    asked::{Asked, type_of},
    create::RESOURCE,
    delete::gone,
    expected,
    patch::{Change, TAKEN},
    posted::{Posted, Refusal, Said, document, id_in, invalid, is_of},
    search,
    update::{absent, no_upsert},
    written::{checked, refused},
};
use crate::{
    Fhir,
    access::Rule,
    parameter::ResourceType,
    resource::{Condition, Deletion, Draft, Expected, LogicalId, Meant, OwnId, Where, WriteFault, Written},
    topic,
};

/// What the three have in common.
struct Opened {
    of: ResourceType,
    rule: Rule,
    meant: Where,
    condition: Condition,
}

fn open(
    fhir: &Fhir,
    asked: &Asked,
    (of, query): (&str, Option<&str>),
    (headers, interaction): (&HeaderMap, Interaction),
) -> Said<Opened> {
    let of = type_of(of)?;
    let rule = asked.rule(of, interaction)?;
    if interaction != Interaction::Delete {
        topic::written_alone(of)?;
    }
    let meant = search::condition(fhir, asked, of, (query.unwrap_or_default(), "url"))?;
    let judge = rule.judge(of, &fhir.reader(&asked.site.tenant));
    let condition = Condition { expected: expected::of(headers)?, judge, keep: asked.keeps(fhir) };
    Ok(Opened { of, rule, meant, condition })
}

/// The next version of the record that the search finds; a new record if it finds none.
#[utoipa::path(put, path = "/fhir/{type}", tag = "records", operation_id = "update_record_where",
    params(("type" = String, Path, description = "`Patient`; the record is said by a search: `?identifier=…`"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("X-Provenance" = Option<String>, Header, description = "A Provenance without target, kept with what is written"),
        ("If-Match" = Option<String>, Header, description = "The version that is changed"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is none")),
    request_body(description = "The resource", content_type = "application/fhir+json"),
    responses((status = 200, description = "The record as it is kept", content_type = "application/fhir+json"),
        (status = 201, description = "There was none", content_type = "application/fhir+json"),
        (status = 412, description = "There are several, or it has changed since", content_type = "application/fhir+json"),
        (status = 422, description = "It is not valid", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.cus"])))]
pub(crate) async fn update_record_where(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(of): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Said<Response> {
    let call = (request.headers(), Interaction::Update);
    let Opened { of, rule, meant, condition } = open(&fhir, &asked, (&of, query.as_deref()), call)?;
    let expected = condition.expected;
    let json = Posted::read(request, RESOURCE).await?.json()?;
    let document = document(&json)?;
    is_of(&document, of)?;
    let (id, own_id) = match id_in(&document) {
        Some(own) => (named(&own)?, OwnId::Chosen),
        None => (fhir.records.new_id(), OwnId::Given),
    };
    let checked = checked(&fhir, &asked, &document)?;
    let draft = Draft::new(&document, id).map_err(|fault| refused(WriteFault::from(fault)))?;
    let (absent, author) = (absent(&asked, of), asked.author());
    let found = (meant, absent, condition);
    let written = fhir.records.update_where(&asked.site.tenant, &author, (draft, own_id), found).await;
    match written {
        Ok(Written::Created(version) | Written::Updated(version) | Written::Existing(version)) => {
            Ok(answer::wrote(&fhir, &version, asked.prefer.answer, &checked))
        }
        Err(WriteFault::Missing) if rule.is_everything() && !matches!(expected, Expected::Version(_)) => {
            Err(no_upsert().into())
        }
        Err(fault) => Err(unmet(fault, expected)),
    }
}

/// Change the record that the search finds.
#[utoipa::path(patch, path = "/fhir/{type}", tag = "records", operation_id = "patch_record_where",
    params(("type" = String, Path, description = "`Patient`; the record is said by a search: `?identifier=…`"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("X-Provenance" = Option<String>, Header, description = "A Provenance without target, kept with what is written"),
        ("If-Match" = Option<String>, Header, description = "The version that is changed")),
    request_body(description = "The patch", content_type = "application/json-patch+json"),
    responses((status = 200, description = "The record as it is kept", content_type = "application/fhir+json"),
        (status = 404, description = "There is none", content_type = "application/fhir+json"),
        (status = 412, description = "There are several, or it has changed since", content_type = "application/fhir+json"),
        (status = 422, description = "It cannot be done, or what comes of it is not valid", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.us"])))]
pub(crate) async fn patch_record_where(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(of): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Said<Response> {
    let call = (request.headers(), Interaction::Update);
    let Opened { of, meant, condition, .. } = open(&fhir, &asked, (&of, query.as_deref()), call)?;
    let expected = condition.expected;
    let patch = Change::read(&Posted::read(request, TAKEN).await?)?.patch(&fhir, &asked, of);
    let (tenant, author) = (&asked.site.tenant, asked.author());
    let written = fhir.records.patch(tenant, &author, (of, Meant::Where(meant)), (patch, condition)).await;
    let version = written.map_err(|fault| unmet(fault, expected))?;
    Ok(answer::wrote(&fhir, &version, asked.prefer.answer, &crate::package::Checked::default()))
}

/// The record that the search finds is gone.
#[utoipa::path(delete, path = "/fhir/{type}", tag = "records", operation_id = "delete_record_where",
    params(("type" = String, Path, description = "`Patient`; the record is said by a search: `?identifier=…`"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("If-Match" = Option<String>, Header, description = "The version that is deleted")),
    responses((status = 200, description = "It is gone, or there is none", content_type = "application/fhir+json"),
        (status = 412, description = "There are several, or it has changed since", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.ds"])))]
pub(crate) async fn delete_record_where(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(of): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Said<Response> {
    let call = (&headers, Interaction::Delete);
    let Opened { of, meant, condition, .. } = open(&fhir, &asked, (&of, query.as_deref()), call)?;
    let expected = condition.expected;
    let (tenant, author) = (&asked.site.tenant, asked.author());
    let deleted = fhir.records.delete_where(tenant, &author, (of, meant), (Deletion::One, condition)).await;
    let deleted = deleted.map_err(|fault| unmet(fault, expected))?;
    Ok(gone(deleted.first()))
}

fn named(own: &str) -> Result<LogicalId, Problem> {
    own.parse().map_err(|_| invalid("an id has 1 to 64 letters, digits, - and .", "id"))
}

/// With `If-Match` none is as wrong as another version.  RFC 9110 §13.1.1
fn unmet(fault: WriteFault, expected: Expected) -> Refusal {
    match (fault, expected) {
        (WriteFault::Missing, Expected::Version(_)) => refused(WriteFault::NoneMeant),
        (fault, _) => refused(fault),
    }
}
