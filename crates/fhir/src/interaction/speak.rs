//! The manners around every call: the version that answers, the format that is wanted, and every refusal as an OperationOutcome.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    middleware::Next,
    response::Response,
};
use fhirpath::document::{Document, DocumentLimits, Format};
use http::{HeaderValue, StatusCode, header};
use kernel::Kind;
use web::Problem;

use super::{
    manner::{
        media::{self, Layout, Wanted},
        version,
    },
    shape,
};
use crate::outcome;

/// The longest answer that is written in XML or laid out, in bytes: it is held whole.
pub const REWRITTEN_BYTES_MAX: usize = 64 << 20;

const FHIR_XML: HeaderValue = HeaderValue::from_static("application/fhir+xml");

pub(crate) async fn speak(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let chosen = version::choose(headers, version::OFFERED);
    let wanted = media::wanted(headers, request.uri().query().unwrap_or_default());
    let (response, wanted) = match (chosen.as_ref(), wanted) {
        (Ok(_), Ok(wanted)) => (next.run(request).await, Some(wanted)),
        (Err(problem), wanted) => (outcome::of_problem(problem), wanted.ok()),
        (Ok(_), Err(problem)) => (outcome::of_problem(&problem), None),
    };
    let mut response = worded(response);
    if let Some(wanted) = wanted {
        response = written(response, wanted).await;
    }
    let headers = response.headers_mut();
    if let Ok(version) = chosen {
        version::tell(headers, version);
    }
    // What is kept of people is for the caller alone: no cache on the way keeps it.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The same for what is in a format of its own and has no other.
pub(crate) async fn speak_as_is(request: Request, next: Next) -> Response {
    let chosen = version::choose(request.headers(), version::OFFERED);
    let mut response = match chosen.as_ref() {
        Ok(_) => worded(next.run(request).await),
        Err(problem) => outcome::of_problem(problem),
    };
    let headers = response.headers_mut();
    if let Ok(version) = chosen {
        version::tell(headers, version);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A problem becomes an outcome, and so does what the framework refuses; everything else says already what it has to.
fn worded(mut response: Response) -> Response {
    let status = response.status();
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) => outcome::of_problem(&problem),
        None if is_bare(&response) => {
            let mut worded = outcome::of_problem(&Problem::of_status(status));
            let allow = response.headers_mut().remove(header::ALLOW);
            worded.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
            worded
        }
        None => response,
    }
}

fn is_bare(response: &Response) -> bool {
    let status = response.status();
    let plain = |value: &HeaderValue| value.as_bytes().starts_with(b"text/plain");
    (status.is_client_error() || status.is_server_error())
        && response.headers().get(header::CONTENT_TYPE).is_none_or(plain)
}

/// The answer in the format that is wanted. What cannot be written so stays in JSON, and says so.
async fn written(response: Response, wanted: Wanted) -> Response {
    let is_resource = response.headers().get(header::CONTENT_TYPE) == Some(&outcome::FHIR_JSON);
    if !is_resource || (wanted.format == Format::Json && wanted.layout == Layout::Compact) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, REWRITTEN_BYTES_MAX).await else {
        return outcome::of_problem(&Problem::new(Kind::Invalid, "the answer is too long for this format"));
    };
    let Some((text, media)) = rewritten(&bytes, wanted) else {
        let problem = Problem::new(Kind::Unsupported, "the record cannot be written in XML")
            .with_status(StatusCode::NOT_ACCEPTABLE);
        return outcome::of_problem(&problem);
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, media);
    Response::from_parts(parts, Body::from(text))
}

fn rewritten(bytes: &[u8], wanted: Wanted) -> Option<(String, HeaderValue)> {
    let text = std::str::from_utf8(bytes).ok()?;
    match wanted.format {
        Format::Json => Some((shape::pretty(text), outcome::FHIR_JSON)),
        Format::Xml => {
            let limits = DocumentLimits { bytes_max: REWRITTEN_BYTES_MAX, ..DocumentLimits::default() };
            let document = Document::from_json(bytes, &limits).ok()?;
            Some((document.to_xml().ok()?, FHIR_XML))
        }
    }
}
