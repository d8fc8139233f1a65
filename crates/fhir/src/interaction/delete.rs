//! Delete a record.  <https://hl7.org/fhir/R4/http.html#delete>, contract 3: "200 with an OperationOutcome"

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode, header};
use kernel::Interaction;
use web::Path;

use super::{
    answer,
    asked::{Asked, type_of},
    expected,
    posted::Said,
    read::newest,
    written::refused,
};
use crate::{
    Fhir,
    outcome::{self, Severity, Told},
    resource::{Condition, LogicalId, Version},
};

/// A record is gone; what it was before remains in its history.
#[utoipa::path(delete, path = "/fhir/{type}/{id}", tag = "records", operation_id = "delete_record",
    params(("type" = String, Path, description = "`Patient`"), ("id" = String, Path, description = "The record's id"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("If-Match" = Option<String>, Header, description = "The version that is deleted")),
    responses((status = 200, description = "It is gone", content_type = "application/fhir+json"),
        (status = 412, description = "It has changed since", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.d"])))]
pub(crate) async fn delete_record(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((of, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Said<Response> {
    let of = type_of(&of)?;
    let rule = asked.rule(of, Interaction::Delete)?;
    let id: LogicalId = id.parse().map_err(|_| answer::missing())?;
    let expected = expected::of(&headers)?;
    let condition =
        Condition { expected, judge: rule.judge(of, &fhir.reader(&asked.site.tenant)), keep: None };
    // That it is deleted already may be known to whom it could have been deleted by.
    newest(&fhir, &asked, (of, &id), &rule).await?.ok_or_else(answer::missing)?;
    let deleted = fhir.records.delete(&asked.site.tenant, &asked.author(), (of, id), condition).await;
    let deleted = deleted.map_err(refused)?;
    Ok(gone(Some(&deleted)))
}

/// That it is gone; that there was none where there was none.
pub(super) fn gone(deleted: Option<&Version>) -> Response {
    let words = if deleted.is_some() { "the record is deleted" } else { "there is none to delete" };
    let told = Told::new(Severity::Information, "informational", words);
    let mut response = outcome::answer(StatusCode::OK, &[told.with_message("MSG_DELETED_DONE")]);
    if let Some(deleted) = deleted {
        response.headers_mut().insert(header::ETAG, answer::etag(deleted.version));
    }
    response
}
