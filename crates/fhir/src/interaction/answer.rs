//! How a record is answered: its body, its version, its place.  <https://hl7.org/fhir/R4/http.html#versioning>

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::Kind;
use web::Problem;

use super::{
    manner::{http_date, prefer::Return},
    posted::invalid,
};
use crate::{
    Fhir,
    interaction::check::Checked,
    outcome::{self, Severity, Told},
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
    let mut response = match (super::is_known(asked, &tag), &version.body) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, Some(body)) => body.as_str().to_owned().into_response(),
        (false, None) => return gone(&version).into_response(),
    };
    response.headers_mut().insert(header::CONTENT_TYPE, outcome::FHIR_JSON);
    stamped(response.headers_mut(), &version);
    response
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

/// The version that `If-Match` names.  RFC 9110 §13.1.1
///
/// # Errors
/// 400 for what is no tag of ours.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<u32>, Problem> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let refused = || invalid("If-Match must be the ETag of one version, such as W/\"3\"", "If-Match");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| refused())?.trim();
            let tag = text.strip_prefix("W/").unwrap_or(text);
            let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
            let is_number = tag.bytes().all(|byte| byte.is_ascii_digit());
            tag.parse().ok().filter(|_| is_number).map(Some).ok_or_else(refused)
        }
        (Some(_), Some(_)) => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_version_if_match_names() {
        for (value, expected) in [
            (None, Ok(None)),
            (Some("W/\"3\""), Ok(Some(3))),
            (Some("\"3\""), Ok(Some(3))),
            (Some("3"), Ok(Some(3))),
            (Some("*"), Err(400)),
            (Some("W/\"3\", W/\"4\""), Err(400)),
            (Some("W/\"+3\""), Err(400)),
            (Some("\"\""), Err(400)),
            (Some("abc"), Err(400)),
        ] {
            let headers: HeaderMap =
                value.map(|value| (header::IF_MATCH, HeaderValue::from_static(value))).into_iter().collect();
            let read = if_match(&headers).map_err(|problem| problem.status().as_u16());
            assert_eq!(read, expected, "{value:?}");
        }
    }
}
