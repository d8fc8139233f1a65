//! Answers in gzip, where that is worth it and tells nothing.  RFC 9110 §8.4

use std::{convert::Infallible, future::ready};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderMap, HeaderValue, Request, StatusCode, Version, header};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::{CompressionLayer, Predicate, predicate::SizeAbove};

use crate::dialect::NotCompressed;

/// Answers below this many bytes gain nothing by compression.
const COMPRESSED_BYTES_MIN: u64 = 512;

/// What the caller says of encodings.
pub(crate) struct Accepted(Vec<HeaderValue>);

impl Accepted {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get_all(header::ACCEPT_ENCODING).iter().cloned().collect())
    }
}

/// The answer in an encoding that is accepted, where it is worth it.
pub(crate) async fn compressed(response: Response, accepted: Accepted) -> Response {
    let is_worth = SizeAbove::new(COMPRESSED_BYTES_MIN).and(worth_compressing);
    if !is_worth.should_compress(&response) {
        return response;
    }
    let mut asked = Request::new(Body::empty());
    for value in accepted.0 {
        asked.headers_mut().append(header::ACCEPT_ENCODING, value);
    }
    let mut answer = Some(response);
    let answering =
        service_fn(move |_: Request<Body>| ready(Ok::<_, Infallible>(answer.take().unwrap_or_default())));
    let Ok(response) =
        CompressionLayer::new().gzip(true).compress_when(is_worth).layer(answering).oneshot(asked).await;
    response.into_response()
}

/// Text, unless it may hold a secret (BREACH): token answers are marked, and a handler marks others
/// by `Cache-Control: no-transform` (RFC 9111 §5.2.2.6).
fn worth_compressing(_: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    if extensions.get::<NotCompressed>().is_some() {
        return false;
    }
    let text =
        |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let content_type = text(header::CONTENT_TYPE);
    let is_text = content_type.starts_with("text/") && !content_type.starts_with("text/event-stream");
    let is_data =
        content_type.contains("json") || content_type.contains("javascript") || content_type.contains("xml");
    (is_text || is_data) && !text(header::CACHE_CONTROL).contains("no-transform")
}
