//! How a job stands, and its end by its caller.  <https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request>

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use jobs::enqueue;
use kernel::{BulkJob, Id, Interaction, Kind as Fault};
use serde_json::{Value, json};
use store::{DbError, Writer};
use web::{Answer, Path, Problem};

use super::{
    import::{self, Source, SourceState},
    queries,
    retire::Clear,
    row::{File, Job, Kind, Role, State as Standing},
};
use crate::{
    Fhir,
    interaction::{Asked, answer, manner::http_date},
    outcome::{self, Severity, Told},
};

const PROGRESS: HeaderName = HeaderName::from_static("x-progress");

/// Seconds after which a status may be asked for again.
pub const STATUS_AGAIN_S: u32 = 2;

/// How an export or import stands: 202 while it is under way, 200 with the manifest of its files when it is done.
#[utoipa::path(get, path = "/fhir/$bulk-status/{job}", tag = "bulk", operation_id = "bulk_status",
    params(("job" = String, Path, description = "As `Content-Location` said"), ("SU-SiteId" = String, Header, description = "The site")),
    responses((status = 200, description = "The files", content_type = "application/json"),
        (status = 202, description = "It is under way: `X-Progress`, `Retry-After`")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn bulk_status(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer<Response> {
    let job = own(&fhir, &asked, &id).await?;
    match job.state {
        Standing::Running if is_fetched(&job) => {
            let sources = import::sources(&mut fhir.db.read().await?, (job.tenant, job.id)).await?;
            let through = sources.iter().filter(|source| source.state != SourceState::Waiting).count();
            Ok(progress(&format!("{through} of {} files, {} lines", sources.len(), job.resources)))
        }
        Standing::Running => Ok(under_way(&job)),
        Standing::Done => {
            let key = (job.tenant, job.id);
            let mut reader = fhir.db.read().await?;
            let files = queries::files(&mut reader, key).await?;
            let sources = import::sources(&mut reader, key).await?;
            let counts = import::counts(&mut reader, key).await?;
            drop(reader);
            let fetched = if is_fetched(&job) { Some(urls(&fhir, &job, &sources).await?) } else { None };
            Ok(manifest(&fhir, &job, (&files, fetched.as_deref()), counts))
        }
        Standing::Failed => {
            let why = job.why.unwrap_or_else(|| "it could not be finished".to_owned());
            let told = Told::new(Severity::Error, "exception", format!("it has failed: {why}"))
                .with_message("MSG_LOCAL_FAIL");
            Ok(outcome::answer(StatusCode::INTERNAL_SERVER_ERROR, &[told]))
        }
        Standing::Ended => Err(answer::missing()),
    }
}

/// End a job, or let go of its files.
#[utoipa::path(delete, path = "/fhir/$bulk-status/{job}", tag = "bulk", operation_id = "end_bulk_job",
    params(("job" = String, Path, description = "As `Content-Location` said"), ("SU-SiteId" = String, Header, description = "The site")),
    responses((status = 202, description = "It is ended, and its files are gone")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn end_bulk_job(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer<Response> {
    let job = own(&fhir, &asked, &id).await?;
    let (owned, by, now) = (fhir.clone(), asked.by.clone(), fhir.world.now());
    let ended = fhir.db.write(async move |tx: &mut Writer| {
        let key = (job.tenant, job.id);
        let is_ended = queries::end(tx, key, now).await?;
        if is_ended {
            let act = if job.kind == Kind::Import { "import.ended" } else { "export.ended" };
            let entry = by.did(act, audit::Subject::of(job.id), Value::Null);
            audit::record(tx, &owned.world, &entry).await?;
            enqueue(tx, &owned.world, &Clear { tenant: job.tenant, id: job.id }, now, None).await?;
        }
        Ok::<_, DbError>(is_ended)
    });
    match ended.await? {
        true => {
            let told = Told::new(Severity::Information, "informational", "it is ended");
            Ok(outcome::answer(StatusCode::ACCEPTED, &[told]))
        }
        false => Err(answer::missing()),
    }
}

/// A job of this site that this caller began and whose time is not up. Of another's is known what is known of none.
pub(super) async fn own(fhir: &Fhir, asked: &Asked, id: &str) -> Result<Job<Value>, Problem> {
    let id: Id<BulkJob> = id.parse().map_err(|_| answer::missing())?;
    let key = (asked.site.tenant.number(), id);
    let job: Option<Job<Value>> = queries::job(&mut fhir.db.read().await?, None, key).await?;
    let caller = &asked.caller;
    job.filter(|job| (job.client, job.person) == (caller.client, caller.person))
        .filter(|job| fhir.world.now() < job.expires_at && job.state != Standing::Ended)
        .ok_or_else(answer::missing)
}

/// The token that asks for a file lets records of its type be had as the one of the kick-off did.
pub(super) fn reaches(asked: &Asked, kept: &crate::access::Access, of: &str) -> Result<(), Problem> {
    let rules = [Interaction::Read, Interaction::Search];
    let is_same = |interaction| {
        let now = asked.access.rule(of, interaction);
        now.is_everything() || now == kept.rule(of, interaction)
    };
    match rules.into_iter().all(is_same) {
        true => Ok(()),
        false => Err(Problem::new(Fault::NotFound, "there is no such record").with_code("MSG_NO_EXIST")),
    }
}

/// Whether it is an import of files that are named.
fn is_fetched(job: &Job<Value>) -> bool {
    job.kind == Kind::Import && !job.asked.is_null()
}

/// The files of a kick-off by their numbers: where each was, and how many records there are because of it.
async fn urls(fhir: &Fhir, job: &Job<Value>, sources: &[Source]) -> Result<Vec<(i64, String, i64)>, Problem> {
    let vault = fhir.vault.tenant(job.held.caller().organisation).await?;
    let url = |source: &Source| {
        let text = vault.open_text(import::place(job.id, source.number), &source.url)?;
        Ok::<_, Problem>((source.number, text.expose().clone(), source.written))
    };
    sources.iter().map(url).collect()
}

fn under_way(job: &Job<Value>) -> Response {
    let (done, all) = (job.place.number() - job.first.number(), job.horizon.number() - job.first.number());
    let percent = done.max(0) * 100 / all.max(1);
    progress(&format!("{percent}%, {} records", job.resources))
}

fn progress(told: &str) -> Response {
    let mut response = StatusCode::ACCEPTED.into_response();
    let headers = response.headers_mut();
    if let Ok(progress) = HeaderValue::from_str(told) {
        headers.insert(PROGRESS, progress);
    }
    headers.insert(header::RETRY_AFTER, HeaderValue::from(STATUS_AGAIN_S));
    response
}

/// A file that was fetched: its number in the kick-off, its address, and how many records it came to.
type Fetched = (i64, String, i64);

/// What each file that was fetched came to, in the order of the kick-off.
fn output(fetched: Option<&[Fetched]>) -> Option<Vec<Value>> {
    let told = |(_, url, written): &Fetched| json!({"inputUrl": url, "count": written});
    Some(fetched?.iter().map(told).collect())
}

/// <https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status>, and what SMART's proposal for `$import` adds
fn manifest(
    fhir: &Fhir,
    job: &Job<Value>,
    (files, fetched): (&[File], Option<&[Fetched]>),
    counts: import::Counts,
) -> Response {
    let url_of = |source: i64| fetched?.iter().find(|(number, ..)| *number == source).map(|(_, url, _)| url);
    let of_role = |role: Role| -> Vec<Value> {
        let own = files.iter().filter(|file| file.role == role);
        own.map(|file| {
            let url = format!("{}/$bulk-file/{}/{}", fhir.base, job.id, file.name());
            let mut told = json!({"type": file.of, "url": url, "count": file.resources});
            if let (Some(url), Some(members)) = (url_of(file.source), told.as_object_mut()) {
                members.insert("inputUrl".to_owned(), url.as_str().into());
            }
            told
        })
        .collect()
    };
    let mut manifest = json!({
        "transactionTime": job.taken_at.to_string(),
        "request": job.request,
        "requiresAccessToken": true,
        "output": output(fetched).unwrap_or_else(|| of_role(Role::Output)),
        "deleted": of_role(Role::Deleted),
        "error": of_role(Role::Error),
    });
    if let (Kind::Import, Some(members)) = (job.kind, manifest.as_object_mut()) {
        members.insert("extension".to_owned(), counts.told());
    }
    let mut response = manifest.to_string().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(until) = HeaderValue::from_str(&http_date(job.expires_at)) {
        headers.insert(header::EXPIRES, until);
    }
    response
}
