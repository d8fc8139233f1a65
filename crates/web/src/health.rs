//! Whether this process lives, and whether it should get requests.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use futures_util::future::{BoxFuture, join_all};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{Json, Metrics, Shutdown};

/// How long one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The checks behind `/health/ready`. Readiness is red as soon as shutdown has begun.
#[derive(Clone)]
pub struct Health {
    shutdown: Shutdown,
    timeout: Duration,
    checks: Vec<(&'static str, Check)>,
}

#[derive(Serialize)]
struct LiveOut {
    status: &'static str,
}

#[derive(Debug, PartialEq, Serialize)]
struct ReadyOut {
    status: &'static str,
    checks: Vec<CheckOut>,
}

#[derive(Debug, PartialEq, Serialize)]
struct CheckOut {
    name: &'static str,
    status: &'static str,
}

impl Health {
    /// Nothing to check but the shutdown.
    pub fn new(shutdown: &Shutdown) -> Self {
        Self { shutdown: shutdown.clone(), timeout: CHECK_TIMEOUT, checks: Vec::new() }
    }

    /// Ready only if this holds too. The reason of a failure goes to the log; the answer says only which check failed.
    #[must_use]
    pub fn check<F, R>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// `/health/live` and `/health/ready`.
    pub fn routes(self) -> Router {
        let routes = Router::new().route("/health/live", get(live)).route("/health/ready", get(ready));
        routes.with_state(self)
    }

    /// The admin listener: `/metrics` and the health routes.
    pub fn admin(self, metrics: &Metrics) -> Router {
        Router::new().route("/metrics", get(show)).with_state(metrics.clone()).merge(self.routes())
    }
}

async fn live() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(LiveOut { status: "live" }))
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let found =
        join_all(health.checks.iter().map(|(name, check)| examine(name, check, health.timeout))).await;
    let (status, out) = verdict(health.shutdown.has_begun(), found);
    (status, [(header::CACHE_CONTROL, "no-store")], Json(out))
}

async fn show(State(metrics): State<Metrics>) -> impl IntoResponse {
    const OPEN_METRICS: HeaderValue =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, OPEN_METRICS)], metrics.encode())
}

async fn examine(name: &'static str, check: &Check, limit: Duration) -> (&'static str, bool) {
    let failed = match tokio::time::timeout(limit, check()).await {
        Ok(Ok(())) => return (name, true),
        Ok(Err(why)) => why,
        Err(_) => "no answer in time".to_owned(),
    };
    tracing::warn!(check = name, why = failed, "not ready");
    (name, false)
}

fn verdict(is_ending: bool, found: Vec<(&'static str, bool)>) -> (StatusCode, ReadyOut) {
    let all = found.iter().all(|(_, holds)| *holds);
    let checks =
        found.into_iter().map(|(name, holds)| CheckOut { name, status: if holds { "ok" } else { "failed" } });
    let checks = checks.collect();
    match (is_ending, all) {
        (false, true) => (StatusCode::OK, ReadyOut { status: "ready", checks }),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, ReadyOut { status: "not ready", checks }),
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, ReadyOut { status: "shutting down", checks }),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get_text(routes: &Router, path: &str) -> (u16, String) {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let response = routes.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap(),
        )
    }

    #[tokio::test]
    async fn readiness_names_what_failed_and_not_why() {
        let shutdown = Shutdown::new();
        let good = Health::new(&shutdown).check("database", || async { Ok(()) });
        let bad = good.clone().check("audit", || async { Err("disk /secret is full".to_owned()) });
        let admin = good.clone().admin(&Metrics::new());
        let (good, bad) = (good.routes(), bad.routes());
        let ready = r#"{"status":"ready","checks":[{"name":"database","status":"ok"}]}"#;
        assert_eq!(get_text(&good, "/health/ready").await, (200, ready.to_owned()));
        let (status, text) = get_text(&bad, "/health/ready").await;
        assert_eq!(status, 503);
        assert!(text.contains(r#"{"name":"audit","status":"failed"}"#) && !text.contains("secret"), "{text}");
        assert_eq!(get_text(&bad, "/health/live").await, (200, r#"{"status":"live"}"#.to_owned()));
        assert!(get_text(&admin, "/metrics").await.1.ends_with("# EOF\n"));
        shutdown.begin();
        assert_eq!(get_text(&good, "/health/ready").await.0, 503);
        assert_eq!(get_text(&good, "/health/live").await.0, 200);
    }

    #[tokio::test]
    async fn a_check_that_does_not_answer_has_failed() {
        let mut health = Health::new(&Shutdown::new()).check("stuck", std::future::pending);
        health.timeout = Duration::from_millis(10);
        assert_eq!(get_text(&health.routes(), "/health/ready").await.0, 503);
    }
}
