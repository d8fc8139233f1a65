//! Update a record, or create it under an id that the caller names.  <https://hl7.org/fhir/R4/http.html#update>

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, header};
use kernel::{Interaction, Kind};
use web::{Path, Problem};

use super::{
    answer,
    asked::{Asked, type_of},
    create::RESOURCE,
    expected,
    posted::{Posted, Said, document, id_in, invalid, is_of},
    written::{checked, permitted, refused},
};
use crate::{
    Fhir,
    parameter::ResourceType,
    resource::{Absent, Condition, Draft, Expected, LogicalId, Method, WriteFault},
    site::Upsert,
    topic,
};

/// The next version of a record.
#[utoipa::path(put, path = "/fhir/{type}/{id}", tag = "records", operation_id = "update_record",
    params(("type" = String, Path, description = "`Patient`"), ("id" = String, Path, description = "The record's id"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("X-Provenance" = Option<String>, Header, description = "A Provenance without target, kept with what is written"),
        ("If-Match" = Option<String>, Header, description = "The version that is changed")),
    request_body(description = "The resource", content_type = "application/fhir+json"),
    responses((status = 200, description = "The record as it is kept", content_type = "application/fhir+json"),
        (status = 201, description = "It was not there before", content_type = "application/fhir+json"),
        (status = 412, description = "It has changed since", content_type = "application/fhir+json"),
        (status = 422, description = "It is not valid", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.u"])))]
pub(crate) async fn update_record(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((of, id)): Path<(String, String)>,
    request: Request,
) -> Said<Response> {
    let of = type_of(&of)?;
    let id: LogicalId =
        id.parse().map_err(|_| invalid("an id has 1 to 64 letters, digits, - and .", "id"))?;
    asked.rule(of, Interaction::Update)?;
    let expected = expected::of(request.headers())?;
    let json = Posted::read(request, RESOURCE).await?.json()?;
    let document = document(&json)?;
    is_of(&document, of)?;
    same_id(id_in(&document).as_deref(), &id)?;
    if topic::is_subscription(of) {
        return topic::replace(&fhir, &asked, (id, expected), &json).await;
    }
    let rule = permitted(&fhir, &asked, of, &document, Interaction::Update)?;
    let checked = checked(&fhir, &asked, &document)?;
    let draft = Draft::new(&document, id).map_err(|fault| refused(WriteFault::from(fault)))?;
    let (tenant, author, absent) = (&asked.site.tenant, asked.author(), absent(&asked, of));
    let condition =
        Condition { expected, judge: rule.judge(of, &fhir.reader(&asked.site.tenant)), keep: None };
    let written = fhir.records.update(tenant, &author, (draft, Method::Put), (absent, condition)).await;
    match written {
        Err(WriteFault::Missing | WriteFault::Withheld)
            if rule.is_everything()
                && absent == Absent::Refuse
                && !matches!(expected, Expected::Version(_)) =>
        {
            Err(no_upsert().into())
        }
        written => Ok(answer::wrote(&fhir, &written.map_err(refused)?, asked.prefer.answer, &checked)),
    }
}

/// Whether a record may be made under an id that the caller names. Who may write some records only may not: it would tell which
/// ids others have.
pub(crate) fn absent(asked: &Asked, of: ResourceType) -> Absent {
    let may_create = asked.access.rule(of.as_str(), Interaction::Create).is_everything();
    let sees_all = asked.access.rule(of.as_str(), Interaction::Update).is_everything();
    match asked.site.policy.upsert {
        Upsert::Allowed if may_create && sees_all => Absent::Create,
        _ => Absent::Refuse,
    }
}

pub(super) fn no_upsert() -> Problem {
    Problem::new(Kind::NotFound, "there is no such record, and none is made under an id that a caller names")
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
        .with_code("MSG_OP_NOT_ALLOWED")
        .with_header(header::ALLOW, http::HeaderValue::from_static("GET"))
}

/// The resource says the id of the address.
fn same_id(said: Option<&str>, id: &LogicalId) -> Result<(), Problem> {
    match said {
        Some(said) if said == id.as_str() => Ok(()),
        Some(_) => {
            Err(invalid("id must be the one in the address", "id").with_code("MSG_RESOURCE_ID_MISMATCH"))
        }
        None => Err(invalid("id is missing: it must be the one in the address", "id")
            .with_code("MSG_RESOURCE_ID_MISSING")),
    }
}
