//! Create a record.  <https://hl7.org/fhir/R4/http.html#create>

use axum::{
    extract::{Request, State},
    response::Response,
};
use fhirpath::document::Format;
use http::HeaderMap;
use kernel::Interaction;
use web::{Path, Problem};

use super::{
    answer,
    asked::{Asked, type_of},
    json_patch::JsonPatch,
    manner::media::Sent,
    posted::{Posted, Said, document, invalid, is_of},
    search,
    written::{checked, permitted, refused},
};
use crate::{
    Fhir,
    parameter::ResourceType,
    resource::{Draft, LogicalId, Where, WriteFault, Written},
    topic,
};

/// What a record may be sent in.
pub(crate) const RESOURCE: &[Sent] = &[Sent::Resource(Format::Json), Sent::Resource(Format::Xml)];

/// A new record under an id of ours.
#[utoipa::path(post, path = "/fhir/{type}", tag = "records", operation_id = "create_record",
    params(("type" = String, Path, description = "`Patient`"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("X-Provenance" = Option<String>, Header, description = "A Provenance without target, kept with what is written"),
        ("If-None-Exist" = Option<String>, Header, description = "A search: only if it finds nothing")),
    request_body(description = "The resource", content_type = "application/fhir+json"),
    responses((status = 200, description = "There is one already, as the condition asks", content_type = "application/fhir+json"),
        (status = 201, description = "The record as it is kept", content_type = "application/fhir+json"),
        (status = 422, description = "It is not valid", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.c"])))]
pub(crate) async fn create_record(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(of): Path<String>,
    request: Request,
) -> Said<Response> {
    let of = type_of(&of)?;
    asked.rule(of, Interaction::Create)?;
    let unless = unless(&fhir, &asked, of, (request.headers(), request.uri().query()))?;
    let json = Posted::read(request, RESOURCE).await?.json()?;
    if topic::is_subscription(of) {
        if unless.is_some() {
            topic::written_alone(of)?;
        }
        return topic::create(&fhir, &asked, &json).await;
    }
    let document = document(&json)?;
    is_of(&document, of)?;
    let id = fhir.records.new_id();
    let renamed = renamed(&json, &id)?;
    permitted(&fhir, &asked, of, &self::document(&renamed)?, Interaction::Create)?;
    let checked = checked(&fhir, &asked, &document)?;
    let draft = Draft::new(&document, id).map_err(|fault| refused(WriteFault::from(fault)))?;
    let (tenant, author) = (&asked.site.tenant, asked.author());
    let version = match unless {
        None => fhir.records.create(tenant, &author, draft).await.map_err(refused)?,
        Some(unless) => {
            match fhir.records.create_unless(tenant, &author, draft, unless).await.map_err(refused)? {
                Written::Existing(version) => {
                    asked.trace.found(&fhir.registry, &version);
                    return Ok(answer::existing(&fhir, &version, asked.prefer.answer));
                }
                Written::Created(version) | Written::Updated(version) => version,
            }
        }
    };
    Ok(answer::wrote(&fhir, &version, asked.prefer.answer, &checked))
}

/// `If-None-Exist`: the search by which there must be no record. What the caller may not find does not stand in the way.
///
/// Some clients (fhirpy) write the search into the address, where R4 says nothing of it. Passed over it would make records twice.
fn unless(
    fhir: &Fhir,
    asked: &Asked,
    of: ResourceType,
    (headers, query): (&HeaderMap, Option<&str>),
) -> Result<Option<Where>, Problem> {
    let mut said = headers.get_all("if-none-exist").iter();
    let refused = |words: &'static str| invalid(words, "If-None-Exist");
    let in_address = searched(query.unwrap_or_default());
    let query = match (said.next(), said.next()) {
        (None, _) if in_address.is_empty() => return Ok(None),
        (None, _) => &in_address,
        (Some(value), None) if in_address.is_empty() => {
            value.to_str().map_err(|_| refused("If-None-Exist must be ASCII"))?
        }
        (Some(_), None) => {
            return Err(refused("the search stands in If-None-Exist or in the address, not in both"));
        }
        (Some(_), Some(_)) => return Err(refused("If-None-Exist is there more than once")),
    };
    search::condition(fhir, asked, of, (query, "If-None-Exist")).map(Some)
}

/// What of an address is a search, and not how the answer is written.
fn searched(query: &str) -> String {
    let is_search =
        |pair: &&str| !pair.is_empty() && !pair.starts_with("_format=") && !pair.starts_with("_pretty=");
    query.split('&').filter(is_search).collect::<Vec<_>>().join("&")
}

/// The resource under the id that it will have: which id it says it has opens nothing.
pub(super) fn renamed(json: &str, id: &LogicalId) -> Said<String> {
    let patch = format!(r#"[{{"op":"add","path":"/id","value":"{id}"}}]"#);
    let renamed = JsonPatch::read(patch.as_bytes()).and_then(|patch| patch.apply(json));
    Ok(renamed.map_err(|_| invalid("the resource cannot be read", "id"))?)
}
