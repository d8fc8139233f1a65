//! The whole body, within its limit and its time.

use std::error::Error;

use axum::body::Body;
use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};

use crate::{Problem, limits::BodyLimit, serve::SlowBody};

/// Read the body; one that is over the router's limit is refused unread where it says its length.
pub(super) async fn read(extensions: &Extensions, body: Body) -> Result<Bytes, Problem> {
    let BodyLimit(bytes_max) = extensions.get().copied().unwrap_or_default();
    if body.size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(cut_off(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let read = Limited::new(body, bytes_max).collect().await;
    read.map(Collected::to_bytes).map_err(|error| refusal(&*error))
}

fn refusal(error: &(dyn Error + Send + Sync + 'static)) -> Problem {
    let first: &(dyn Error + 'static) = error;
    let mut causes = std::iter::successors(Some(first), |cause| (**cause).source());
    let status = causes.find_map(|cause| {
        if cause.is::<LengthLimitError>() {
            Some(StatusCode::PAYLOAD_TOO_LARGE)
        } else {
            cause.is::<SlowBody>().then_some(StatusCode::REQUEST_TIMEOUT)
        }
    });
    cut_off(status.unwrap_or(StatusCode::BAD_REQUEST))
}

/// What is still on its way must not be taken for the next request.
fn cut_off(status: StatusCode) -> Problem {
    Problem::of_status(status).with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

/// The media type without its parameters, in lower case; a character set other than UTF-8 is none that we read.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let mut parts = value.split(';');
    let essence = parts.next()?.trim().to_ascii_lowercase();
    let is_utf8 = |parameter: &str| match parameter.trim().split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    parts.all(is_utf8).then_some(essence)
}

/// 415, and what would be right.
pub(super) fn unsupported_media(expected: &'static str) -> Problem {
    Problem::new(kernel::Kind::Invalid, format!("send {expected} in UTF-8"))
        .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .with_header(header::ACCEPT, HeaderValue::from_static(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_read_without_their_parameters() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(text));
            media_type(&headers)
        };
        assert_eq!(of("Application/JSON; charset=\"UTF-8\"").as_deref(), Some("application/json"));
        assert_eq!(of("application/json;v=1").as_deref(), Some("application/json"));
        assert_eq!(of("application/json; charset=utf-16"), None);
        assert_eq!(media_type(&HeaderMap::new()), None);
    }
}
