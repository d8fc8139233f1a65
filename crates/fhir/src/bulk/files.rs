//! A file of a job: served piece by piece, whole or from a byte on.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::Kind;
use serde_json::json;
use store::DbError;
use web::{Answer, Path, Problem};

use super::{
    chunk,
    queries::{self, Key},
    range::{Wanted, wanted},
    row::{File, Role, State as Standing},
    status::{own, reaches},
};
use crate::{
    Fhir,
    interaction::{self, Asked, answer},
};

const NDJSON: HeaderValue = HeaderValue::from_static("application/fhir+ndjson");

/// A file of an export, in NDJSON. `Range` goes on with a download that broke off.
#[utoipa::path(get, path = "/fhir/$bulk-file/{job}/{file}", tag = "bulk", operation_id = "bulk_file",
    params(("job" = String, Path, description = "The job"), ("file" = String, Path, description = "As the manifest says"),
        ("SU-SiteId" = String, Header, description = "The site"),
        ("Range" = Option<String>, Header, description = "`bytes=1000-`")),
    responses((status = 200, description = "The file", content_type = "application/fhir+ndjson"),
        (status = 206, description = "A part of it", content_type = "application/fhir+ndjson"),
        (status = 304, description = "It is what the caller has already"),
        (status = 416, description = "It has no such bytes")),
    security(("bearer" = ["system/*.rs"])))]
pub(crate) async fn bulk_file(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let job = own(&fhir, &asked, &id).await?;
    let number = name.split('.').next().and_then(|number| number.parse().ok());
    let number: i64 = number.filter(|_| job.state == Standing::Done).ok_or_else(answer::missing)?;
    let key = (job.tenant, job.id);
    let file = queries::file(&mut fhir.db.read().await?, key, number).await?;
    let file = file.filter(|file| file.name() == name && file.role != Role::Input);
    let file = file.ok_or_else(answer::missing)?;
    let standing = job.held.standing(&fhir).await?.ok_or_else(answer::missing)?;
    if file.role == Role::Output {
        reaches(&asked, &standing.access, &file.of)?;
    }
    let etag = HeaderValue::from_str(&format!("\"{}-{}\"", job.id, file.number));
    let etag = etag.unwrap_or(HeaderValue::from_static("\"\""));
    if interaction::is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let details = json!({ "file": file.number, "resources": file.resources });
    audit::note(&fhir.db, &fhir.world, &asked.by.did("export.fetched", audit::Subject::of(job.id), details));
    served(&fhir, key, &file, (wanted(&headers, &etag, file.bytes), etag))
}

fn served(fhir: &Fhir, key: Key, file: &File, (wanted, etag): (Wanted, HeaderValue)) -> Answer<Response> {
    let said = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    let (status, (from, to)) = match wanted {
        Wanted::Whole => (StatusCode::OK, (0, file.bytes)),
        Wanted::Part(from, to) => (StatusCode::PARTIAL_CONTENT, (from, to)),
        Wanted::Nothing => {
            return Err(Problem::new(Kind::Invalid, "the file has no such bytes")
                .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
                .with_path("Range")
                .with_header(header::CONTENT_RANGE, said(format!("bytes */{}", file.bytes))));
        }
    };
    let body = Body::from_stream(pieces(fhir.clone(), key, file.number, (from, to)));
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {from}-{}/{}", to - 1, file.bytes);
        headers.insert(header::CONTENT_RANGE, said(range));
    }
    headers.insert(header::CONTENT_LENGTH, said((to - from).to_string()));
    headers.insert(header::CONTENT_TYPE, NDJSON);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, etag);
    Ok(response)
}

/// The bytes from one place up to another, a piece at a time: no more than one is in memory.
fn pieces(
    fhir: Fhir,
    key: Key,
    file: i64,
    (from, to): (i64, i64),
) -> impl futures_util::Stream<Item = Result<Bytes, DbError>> {
    stream::try_unfold(from, move |at| {
        let fhir = fhir.clone();
        async move {
            if at >= to {
                return Ok(None);
            }
            let missing = || DbError::Corrupt { why: "a piece of a file of a bulk job is missing".into() };
            let found = queries::chunk_at(&mut fhir.db.read().await?, key, (file, at)).await?;
            let (starts, bytes, body) = found.ok_or_else(missing)?;
            let text = chunk::unpack(&body, bytes)?;
            let end = to.min(starts + bytes);
            let within = |place: i64| usize::try_from(place - starts).unwrap_or(usize::MAX);
            let part = text.get(within(at)..within(end)).filter(|part| !part.is_empty());
            let part = Bytes::copy_from_slice(part.ok_or_else(missing)?);
            Ok(Some((part, end)))
        }
    })
}
