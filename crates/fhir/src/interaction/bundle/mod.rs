//! Batch and transaction: many calls in one.  <https://hl7.org/fhir/R4/http.html#transaction>

mod batch;
mod entry;
mod transaction;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use fhirpath::document::{Document, DocumentLimits};
use http::header;
use kernel::Kind;
use serde_json::Value;
use web::Problem;

use super::{
    asked::Asked,
    create::RESOURCE,
    posted::{Posted, Said, invalid},
};
use crate::{Fhir, outcome};
use entry::Asking;

/// The largest Bundle that is sent, in bytes.
pub const BUNDLE_BYTES_MAX: usize = 64 << 20;
/// Elements of a Bundle that is sent.
pub const BUNDLE_ELEMENTS_MAX: usize = 4_000_000;

/// Do what the entries of a Bundle ask for: each by itself (`batch`), or all or nothing (`transaction`).
#[utoipa::path(post, path = "/fhir", tag = "records", operation_id = "process_bundle",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("X-Provenance" = Option<String>, Header, description = "A Provenance without target, kept with what is written")),
    request_body(description = "A Bundle of type batch or transaction", content_type = "application/fhir+json"),
    responses((status = 200, description = "What became of each entry, in their order", content_type = "application/fhir+json")),
    security(("bearer" = ["system/*.cruds"])))]
pub(crate) async fn process_bundle(
    State(fhir): State<Fhir>,
    asked: Asked,
    request: Request,
) -> Said<Response> {
    let extensions = request.extensions().clone();
    let limits = limits();
    let json = Posted::read(request, RESOURCE).await?.json_within(&limits)?;
    let document = Document::from_json(json.as_bytes(), &limits);
    let document = document.map_err(|fault| outcome::unreadable(&fault))?;
    let entries = entry::read(&document, fhir.records.entries_max)?;
    let kind = document.root().child("type").and_then(|kind| kind.text().map(|text| text.into_owned()));
    match kind.as_deref() {
        Some("transaction") => transaction::run(&fhir, &asked, extensions, entries).await,
        Some("batch") => Ok(batch::run(&fhir, &asked, extensions, entries).await),
        _ => Err(invalid("a Bundle that is sent here is of type batch or transaction", "Bundle.type").into()),
    }
}

/// Of a Bundle that is sent.
pub(crate) fn limits() -> DocumentLimits {
    DocumentLimits { elements_max: BUNDLE_ELEMENTS_MAX, ..super::posted::limits() }
}

/// What became of an entry.
struct Became {
    status: String,
    location: Option<String>,
    etag: Option<String>,
    modified: Option<String>,
    /// The record, in JSON.
    resource: Option<String>,
    /// What is to be said of it, in JSON.
    outcome: Option<String>,
}

/// The answer: what became of each entry, in their order.
fn answer(kind: &str, all: &[Became]) -> Response {
    let mut out = format!(r#"{{"resourceType":"Bundle","type":"{kind}-response""#);
    for (nth, became) in all.iter().enumerate() {
        out.push_str(if nth == 0 { r#","entry":["# } else { "," });
        out.push('{');
        if let Some(resource) = &became.resource {
            out.push_str(r#""resource":"#);
            out.push_str(resource);
            out.push(',');
        }
        out.push_str(r#""response":{"status":"#);
        out.push_str(&Value::from(became.status.as_str()).to_string());
        let texts =
            [("location", &became.location), ("etag", &became.etag), ("lastModified", &became.modified)];
        for (name, text) in texts {
            if let Some(text) = text {
                out.push_str(&format!(r#","{name}":{}"#, Value::from(text.as_str())));
            }
        }
        if let Some(outcome) = &became.outcome {
            out.push_str(r#","outcome":"#);
            out.push_str(outcome);
        }
        out.push_str("}}");
    }
    out.push_str(if all.is_empty() { "}" } else { "]}" });
    let mut response = out.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, outcome::FHIR_JSON);
    response
}

pub(crate) fn too_many(entries_max: usize) -> Problem {
    Problem::new(Kind::Invalid, format!("a Bundle has {entries_max} entries at the most"))
        .with_status(http::StatusCode::PAYLOAD_TOO_LARGE)
        .with_path("Bundle.entry")
}
