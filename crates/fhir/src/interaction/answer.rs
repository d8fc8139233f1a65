//! How a record is answered: its body, its version, its place.  <https://hl7.org/fhir/R4/http.html#versioning>

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::Kind;
use web::Problem;

use super::manner::{http_date, prefer::Return, read_http_date};
use crate::{
    Fhir,
    outcome::{self, Severity, Told},
    package::Checked,
    resource::Version,
};

/// `W/"3"`
pub(crate) fn etag(version: u32) -> HeaderValue {
    HeaderValue::from_str(&format!("W/\"{version}\"")).unwrap_or(HeaderValue::from_static("W/\"0\""))
}

fn stamped(headers: &mut HeaderMap, version: &Version) {
    headers.insert(header::ETAG, etag(version.version));
    if let Ok(at) = HeaderValue::from_str(&http_date(version.at)) {
        headers.insert(header::LAST_MODIFIED, at);
    }
}

/// A version that is read.
pub(crate) fn read(version: Version, asked: &HeaderMap) -> Response {
    let tag = etag(version.version);
    let mut response = match (is_known(asked, &tag, &version), &version.body) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, Some(body)) => body.as_str().to_owned().into_response(),
        (false, None) => return gone(&version).into_response(),
    };
    response.headers_mut().insert(header::CONTENT_TYPE, outcome::FHIR_JSON);
    stamped(response.headers_mut(), &version);
    response
}

/// Whether the caller has it already: `If-None-Match`, and only without it `If-Modified-Since`.  RFC 9110 §13.2.2
fn is_known(asked: &HeaderMap, tag: &HeaderValue, version: &Version) -> bool {
    if asked.contains_key(header::IF_NONE_MATCH) {
        return super::is_known(asked, tag);
    }
    let since = asked.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    // What is no date is passed over: RFC 9110 §13.1.3.
    since.and_then(read_http_date).is_some_and(|since| version.at.as_seconds() <= since.as_seconds())
}

/// A part of a version that is read: another text than the whole, so it has no tag.
pub(crate) fn read_part(version: &Version, part: impl Fn(&str) -> String) -> Response {
    let Some(body) = &version.body else { return gone(version).into_response() };
    let mut response = part(body.as_str()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, outcome::FHIR_JSON);
    response
}

/// 410: the record was deleted.
pub(crate) fn gone(version: &Version) -> Problem {
    Problem::new(Kind::Gone, "the record was deleted")
        .with_code("MSG_DELETED")
        .with_header(header::ETAG, etag(version.version))
}

/// 404, whether it is not there or not the caller's.
pub(crate) fn missing() -> Problem {
    Problem::new(Kind::NotFound, "there is no such record").with_code("MSG_NO_EXIST")
}

/// A record that stands in the way of a conditional create.
pub(crate) fn existing(fhir: &Fhir, version: &Version, answer: Return) -> Response {
    let mut response = wrote(fhir, version, answer, &Checked::default());
    *response.status_mut() = StatusCode::OK;
    response
}

/// A version that was written: what the caller prefers of it, and where it is.
pub(crate) fn wrote(fhir: &Fhir, version: &Version, answer: Return, checked: &Checked) -> Response {
    let status = if version.version == 1 { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = match (answer, &version.body) {
        (Return::Representation, Some(body)) => (status, body.as_str().to_owned()).into_response(),
        (Return::Outcome, _) => {
            let done = Told::new(Severity::Information, "informational", "the record was written")
                .with_message(if version.version == 1 { "MSG_CREATED" } else { "MSG_UPDATED" });
            let issues: Vec<Told> = checked.issues.iter().cloned().chain([done]).collect();
            outcome::answer(status, &issues)
        }
        _ => status.into_response(),
    };
    let headers = response.headers_mut();
    if answer != Return::Minimal {
        headers.insert(header::CONTENT_TYPE, outcome::FHIR_JSON);
    }
    stamped(headers, version);
    let place = format!("{}/{}/_history/{}", fhir.base, version.reference(), version.version);
    if let Ok(place) = HeaderValue::from_str(&place) {
        headers.insert(header::LOCATION, place);
    }
    response
}
