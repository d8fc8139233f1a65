//! Create a record.  <https://hl7.org/fhir/R4/http.html#create>

use axum::{
    extract::{Request, State},
    response::Response,
};
use fhirpath::document::Format;
use kernel::Interaction;
use web::Path;

use super::{
    answer,
    asked::{Asked, type_of},
    json_patch::JsonPatch,
    manner::media::Sent,
    posted::{Posted, Said, document, invalid, is_of},
    written::{checked, permitted, refused},
};
use crate::{
    Fhir,
    resource::{Draft, LogicalId, WriteFault},
};

/// What a record may be sent in.
pub(super) const RESOURCE: &[Sent] = &[Sent::Resource(Format::Json), Sent::Resource(Format::Xml)];

/// A new record under an id of ours.
#[utoipa::path(post, path = "/fhir/{type}", tag = "records", operation_id = "create_record",
    params(("type" = String, Path, description = "`Patient`"),
        ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "The resource", content_type = "application/fhir+json"),
    responses((status = 201, description = "The record as it is kept", content_type = "application/fhir+json"),
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
    let json = Posted::read(request, RESOURCE).await?.json()?;
    let document = document(&json)?;
    is_of(&document, of)?;
    let id = fhir.records.new_id();
    let renamed = renamed(&json, &id)?;
    permitted(&fhir, &asked, of, &self::document(&renamed)?, Interaction::Create)?;
    let checked = checked(&fhir, &asked, &document)?;
    let draft = Draft::new(&document, id).map_err(|fault| refused(WriteFault::from(fault)))?;
    let version = fhir.records.create(&asked.site.tenant, &asked.author(), draft).await.map_err(refused)?;
    Ok(answer::wrote(&fhir, &version, asked.prefer.answer, &checked))
}

/// The resource under the id that it will have: which id it says it has opens nothing.
fn renamed(json: &str, id: &LogicalId) -> Said<String> {
    let patch = format!(r#"[{{"op":"add","path":"/id","value":"{id}"}}]"#);
    let renamed = JsonPatch::read(patch.as_bytes()).and_then(|patch| patch.apply(json));
    Ok(renamed.map_err(|_| invalid("the resource cannot be read", "id"))?)
}
