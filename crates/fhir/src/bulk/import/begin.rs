//! An import begins: of lines that are sent, or of files that are fetched.

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, StatusCode, header};
use kernel::{Client, Id, Interaction, Kind as Fault};
use store::{DbError, Reader};
use web::Problem;

use super::{manifest, queries as own, upload};
use crate::{
    Fhir,
    bulk::{BULK_JOBS_RUNNING_MAX, export::is_patient, queries},
    interaction::{Asked, posted::Said},
    parameter::ResourceType,
};

/// Write records: one of each line that is sent, or of each line of the files that are named. With an id that is the record's, without
/// one a new record.
#[utoipa::path(post, path = "/fhir/$import", tag = "bulk", operation_id = "import_records",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("Prefer" = String, Header, description = "`respond-async`")),
    request_body(description = "A resource in each line; or, as application/fhir+json, which files are to be fetched: `inputFormat`, `inputSource`, `input` with `type` and `url`",
        content_type = "application/fhir+ndjson"),
    responses((status = 202, description = "It has begun; `Content-Location` says where its status is")),
    security(("bearer" = ["system/*.cu"])))]
pub(crate) async fn import_records(
    State(fhir): State<Fhir>,
    asked: Asked,
    request: Request,
) -> Said<Response> {
    is_patient(request.headers())?;
    let form = Form::of(request.headers())?;
    may_write(&asked)?;
    let begun = match form {
        Form::Lines => {
            is_taken(request.headers())?;
            upload::receive(&fhir, &asked, request.into_body()).await?
        }
        Form::Files => manifest::begin(&fhir, &asked, request).await?,
    };
    Ok(begun.answer(&fhir)?)
}

/// What the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The records themselves.
    Lines,
    /// Where they are.
    Files,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let said =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match &*essence {
            "application/fhir+ndjson" | "application/ndjson" | "application/x-ndjson" => Ok(Self::Lines),
            "application/json" | "application/fhir+json" | "application/fhir+xml" => Ok(Self::Files),
            _ => Err(Problem::new(
                Fault::Unsupported,
                "send application/fhir+ndjson, a resource in each line, or application/fhir+json that says where the files are",
            )
            .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .with_path("Content-Type")),
        }
    }
}

/// Lines come as they are, or packed by gzip, which they show themselves; more than is taken is refused unread where the call says how
/// much it is.
fn is_taken(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::CONTENT_ENCODING).is_some_and(|coding| !["gzip", "x-gzip", "identity"].contains(&coding))
    {
        let words = "lines may be packed by gzip, and in no other way";
        return Err(Problem::new(Fault::Unsupported, words)
            .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .with_path("Content-Encoding"));
    }
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    match length {
        Some(length) if length > upload::IMPORT_BYTES_MAX => {
            Err(Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE))
        }
        _ => Ok(()),
    }
}

fn may_write(asked: &Asked) -> Result<(), Problem> {
    match ResourceType::all().any(|of| is_writable(asked, of)) {
        true => Ok(()),
        false => Err(Problem::new(Fault::Forbidden, "the access token lets no records be written")
            .with_code("insufficient_scope")),
    }
}

/// Whether some records of the type may be written.
pub(super) fn is_writable(asked: &Asked, of: ResourceType) -> bool {
    let rule = |interaction| asked.access.rule(of.as_str(), interaction);
    [Interaction::Create, Interaction::Update].into_iter().any(|one| !rule(one).is_nothing())
}

/// Whether the client may begin another one, lines that are on their way among them.
pub(super) async fn is_admitted(
    reader: &mut Reader,
    tenant: i64,
    client: Id<Client>,
) -> Result<bool, DbError> {
    let running = queries::running(reader, tenant, client).await?;
    Ok(running + own::sending(reader, tenant, client).await? < BULK_JOBS_RUNNING_MAX)
}
