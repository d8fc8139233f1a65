//! Lines are sent.

use audit::Subject;
use axum::{
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jobs::enqueue;
use kernel::{BulkJob, Id, Interaction, Kind as Fault};
use serde_json::{Value, json};
use store::{DbError, Writer};
use web::Problem;

use super::run::Import;
use crate::{
    Fhir,
    bulk::{
        BULK_JOBS_RUNNING_MAX,
        chunk::{Chunk, Lines, append},
        export::is_patient,
        held::Held,
        queries::{self, New},
        row::{Kind, Role},
    },
    interaction::{
        Asked, RECORD_BYTES_MAX,
        posted::{Said, invalid},
    },
    outcome::{self, Severity, Told},
    parameter::ResourceType,
    resource::Rid,
};

/// Bytes of lines that are sent at once.
pub const IMPORT_BYTES_MAX: usize = 64 << 20;
/// Seconds after which a client that has too many jobs under way may ask again.
const AGAIN_AFTER_S: u64 = 60;

/// Write records, one of each line; with an id that is the record's, without one a new record.
#[utoipa::path(post, path = "/fhir/$import", tag = "bulk", operation_id = "import_records",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("Prefer" = String, Header, description = "`respond-async`")),
    request_body(description = "A resource in each line", content_type = "application/fhir+ndjson"),
    responses((status = 202, description = "It has begun; `Content-Location` says where its status is")),
    security(("bearer" = ["system/*.cu"])))]
pub(crate) async fn import_records(
    State(fhir): State<Fhir>,
    asked: Asked,
    request: Request,
) -> Said<Response> {
    is_patient(request.headers())?;
    is_ndjson(request.headers())?;
    may_write(&asked)?;
    let body = axum::body::to_bytes(request.into_body(), IMPORT_BYTES_MAX).await;
    let body = body.map_err(|_| Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let chunks = chunks(&body)?;
    let id: Id<BulkJob> = fhir.world.new_id();
    keep(&fhir, &asked, id, chunks).await?;
    let told = Told::new(Severity::Information, "informational", "the import has begun");
    let mut response = outcome::answer(StatusCode::ACCEPTED, &[told]);
    if let Ok(place) = HeaderValue::from_str(&format!("{}/$bulk-status/{id}", fhir.base)) {
        response.headers_mut().insert(header::CONTENT_LOCATION, place);
    }
    Ok(response)
}

fn is_ndjson(headers: &HeaderMap) -> Result<(), Problem> {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match ["application/fhir+ndjson", "application/ndjson", "application/x-ndjson"].contains(&&*essence) {
        true => Ok(()),
        false => {
            Err(Problem::new(Fault::Unsupported, "send application/fhir+ndjson, a resource in each line")
                .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .with_path("Content-Type"))
        }
    }
}

fn may_write(asked: &Asked) -> Result<(), Problem> {
    let may = |of: ResourceType| {
        let rule = |interaction| asked.access.rule(of.as_str(), interaction);
        [Interaction::Create, Interaction::Update].into_iter().any(|one| !rule(one).is_nothing())
    };
    match ResourceType::all().any(may) {
        true => Ok(()),
        false => Err(Problem::new(Fault::Forbidden, "the access token lets no records be written")
            .with_code("insufficient_scope")),
    }
}

/// The lines, in pieces that end where a line ends.
fn chunks(body: &Bytes) -> Result<Vec<Chunk>, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| invalid("the lines must be UTF-8", "body"))?;
    let mut lines = Lines::default();
    for (nth, line) in text.lines().enumerate() {
        if line.len() > RECORD_BYTES_MAX {
            return Err(invalid(format!("line {} is longer than {RECORD_BYTES_MAX} bytes", nth + 1), "body"));
        }
        lines.push(Role::Input, "Resource", line).map_err(DbError::from)?;
    }
    match lines.bytes() {
        0 => Err(invalid("there is no line", "body")),
        _ => Ok(lines.chunks().map_err(DbError::from)?),
    }
}

async fn keep(fhir: &Fhir, asked: &Asked, id: Id<BulkJob>, chunks: Vec<Chunk>) -> Result<(), Problem> {
    let (owned, tenant, by) = (fhir.clone(), asked.site.tenant.number(), asked.by.clone());
    let (now, held) = (fhir.world.now(), Held::of(asked));
    let bytes: i64 = chunks.iter().map(|chunk| chunk.bytes).sum();
    let lines: i64 = chunks.iter().map(|chunk| chunk.resources).sum();
    let details = json!({ "site": asked.site.tenant.site().to_string(), "lines": lines });
    let new = New {
        key: (tenant, id),
        kind: Kind::Import,
        asked: Value::Null,
        held,
        request: format!("{}/$import", fhir.base),
        horizon: Rid::numbered(bytes),
        taken_at: now,
        now,
    };
    let begun = fhir.db.write(async move |tx: &mut Writer| {
        if queries::running(tx, tenant, new.held.client).await? >= BULK_JOBS_RUNNING_MAX {
            return Ok(false);
        }
        queries::insert(tx, new.clone()).await?;
        append(tx, new.key, &chunks).await?;
        enqueue(tx, &owned.world, &Import { tenant, id }, now, None).await?;
        audit::record(tx, &owned.world, &by.did("import.begun", Subject::of(id), details.clone())).await?;
        Ok::<_, DbError>(true)
    });
    match begun.await? {
        true => Ok(()),
        false => Err(Problem::new(Fault::Throttled, "too many jobs of this client are under way")
            .with_retry_after(AGAIN_AFTER_S)),
    }
}
