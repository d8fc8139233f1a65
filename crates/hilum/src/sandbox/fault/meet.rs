//! How a call goes when a fault is switched on.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::MethodRouter,
};
use serde_json::json;
use tokio::time::sleep;

use super::{Answer, Endpoint};
use crate::sandbox::{Sandbox, lock};

/// Marks an answer that must not leave: the server closes the connection instead.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Lost;

/// The route, counted and open to faults.
pub(in crate::sandbox) fn watched(
    sandbox: &Arc<Sandbox>,
    at: Endpoint,
    route: MethodRouter<Arc<Sandbox>>,
) -> MethodRouter<Arc<Sandbox>> {
    let sandbox = Arc::clone(sandbox);
    route.layer(middleware::from_fn(move |request: Request, next: Next| {
        let sandbox = Arc::clone(&sandbox);
        async move { meet(&sandbox, at, request, next).await }
    }))
}

async fn meet(sandbox: &Sandbox, at: Endpoint, request: Request, next: Next) -> Response {
    lock(&sandbox.counts).arrived(at);
    let fault = lock(&sandbox.faults).meet(at);
    if fault.slow_ms > 0 {
        sleep(Duration::from_millis(fault.slow_ms)).await;
    }
    match fault.answer {
        None => next.run(request).await,
        Some(Answer::Status { code }) => broken(code),
        Some(Answer::TooMany { retry_after_s, as_date }) => too_many(sandbox, retry_after_s, as_date),
        Some(Answer::Lost) => {
            drop(next.run(request).await);
            let mut answer = StatusCode::INTERNAL_SERVER_ERROR.into_response();
            answer.extensions_mut().insert(Lost);
            answer
        }
        Some(Answer::Garbage) => {
            drop(next.run(request).await);
            Html("<html><body>Pardon our dust</body").into_response()
        }
    }
}

fn broken(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let errors = json!([{ "errorType": "system", "message": "The sandbox was told to fail." }]);
    (status, Json(json!({ "errors": errors, "success": false }))).into_response()
}

/// 429 with `Retry-After` in the form that was asked for.  RFC 9110 §10.2.3
fn too_many(sandbox: &Sandbox, retry_after_s: u32, as_date: bool) -> Response {
    let after = if as_date {
        http_date(sandbox.world.now().as_seconds().saturating_add(retry_after_s.into()))
    } else {
        retry_after_s.to_string()
    };
    let errors = json!([{ "errorType": "request", "message": "Too many requests." }]);
    let mut answer =
        (StatusCode::TOO_MANY_REQUESTS, Json(json!({ "errors": errors, "success": false }))).into_response();
    if let Ok(after) = HeaderValue::try_from(after) {
        answer.headers_mut().insert(header::RETRY_AFTER, after);
    }
    answer
}

/// IMF-fixdate.  RFC 9110 §5.6.7
fn http_date(seconds: i64) -> String {
    let instant = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_wants_them() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
