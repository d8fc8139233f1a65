//! Which version a caller means: `ETag`, `If-Match`, `If-None-Match`.  RFC 9110 §13

use axum::response::{IntoResponse, Response};
use crypto::{b64, sha256};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::Kind as Sort;
use serde::Serialize;
use web::{Json, Problem};

use super::Managed;

/// How much of a digest an `ETag` shows, in bytes.
const TAG_BYTES: usize = 12;

/// `"<version>.<digest>"`: what a change is compared with, and what an answer is.
fn tag(version: i64, body: &[u8]) -> String {
    let digest = sha256(body);
    format!("\"{version}.{}\"", b64::encode(digest.get(..TAG_BYTES).unwrap_or_default()))
}

/// Insist that the caller has seen this version: 428 without `If-Match`, 412 where it is of another.
pub fn seen(headers: &HeaderMap, there: &Managed) -> Result<(), Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Err(Problem::new(Sort::Invalid, "If-Match is needed: the ETag of what is to be changed")
            .with_status(StatusCode::PRECONDITION_REQUIRED)
            .with_path("If-Match"));
    };
    let text = value.to_str().unwrap_or_default();
    let is_this = |tag: &str| {
        let version = tag.strip_prefix('"').and_then(|tag| tag.split(['.', '"']).next());
        version.and_then(|version| version.parse::<i64>().ok()) == Some(there.version)
    };
    if text.trim() == "*" || text.split(',').any(|tag| is_this(tag.trim())) {
        return Ok(());
    }
    Err(Problem::new(Sort::Conflict, "the integration is no longer as you have seen it; read it again")
        .with_status(StatusCode::PRECONDITION_FAILED)
        .with_path("If-Match"))
}

/// The answer under its `ETag`, or 304 where the caller has it.
pub fn answer(headers: &HeaderMap, version: i64, status: StatusCode, body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let tag = tag(version, &bytes);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let has_it = known.flat_map(|text| text.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.trim_start_matches("W/") == tag
    });
    let mut response = if has_it && status == StatusCode::OK {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, Json(body)).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    // It may be kept and has to be asked about each time: who may see it can change.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}
