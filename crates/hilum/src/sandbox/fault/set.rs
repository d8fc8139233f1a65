//! Switching faults on and off, and reading the counters, while the sandbox runs.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Change, Faults};
use crate::sandbox::{Sandbox, lock};

/// `GET /sandbox/faults`: what is switched on.
pub(super) async fn show(State(sandbox): State<Arc<Sandbox>>) -> Json<Faults> {
    Json(lock(&sandbox.faults).clone())
}

/// `POST /sandbox/faults`: switch on exactly this, and everything else off; `{}` makes it behave.
pub(super) async fn set(State(sandbox): State<Arc<Sandbox>>, Json(change): Json<Change>) -> Response {
    match sandbox.misbehave(change).await {
        Ok(faults) => Json(faults).into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, Json(json!({ "error": why }))).into_response(),
    }
}

/// `GET /sandbox/counters`: calls since the start.
pub(super) async fn counters(State(sandbox): State<Arc<Sandbox>>) -> Response {
    Json(&*lock(&sandbox.counts)).into_response()
}

impl Sandbox {
    /// From now on, misbehave in exactly this way.
    pub(in crate::sandbox) async fn misbehave(&self, change: Change) -> Result<Faults, &'static str> {
        let Change { mut endpoints, stall_token_s, rate_limit, withdraw_grants_of } = change;
        // what does nothing is not shown as switched on
        endpoints.retain(|_, fault| fault.slow_ms > 0 || fault.answer.is_some());
        let rate_limit = rate_limit.unwrap_or_else(|| lock(&self.faults).rate_limit);
        let faults = Faults { endpoints, stall_token_s, rate_limit };
        faults.check()?;
        for person in withdraw_grants_of {
            let now = self.world.now();
            let withdrawn = self.book.change(|grants| grants.withdraw(person, now)).await;
            withdrawn.map_err(|_| "the state file cannot be written")?;
        }
        lock(&self.faults).clone_from(&faults);
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::sandbox::visit::Visit;

    const HEART: &str = "/1/user/-/activities/heart/date/2026-05-01/1d.json";

    #[tokio::test]
    async fn a_failing_endpoint_fails_as_often_as_it_was_told_and_does_nothing() {
        let (mut visit, _) = Visit::begin();
        let (_, refresh) = visit.link().await;
        visit
            .set_faults(r#"{"endpoints":{"token":{"answer":{"kind":"status","code":503},"times":2}}}"#)
            .await;
        let statuses = [visit.refresh(&refresh).await.status, visit.refresh(&refresh).await.status];
        assert_eq!(statuses, [StatusCode::SERVICE_UNAVAILABLE; 2]);
        assert_eq!(visit.refresh(&refresh).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_garbled_answer_comes_after_the_work_was_done() {
        let (mut visit, _) = Visit::begin();
        let (_, refresh) = visit.link().await;
        visit.set_faults(r#"{"endpoints":{"token":{"answer":{"kind":"garbage"},"times":1}}}"#).await;
        let garbled = visit.refresh(&refresh).await;
        assert_eq!(garbled.status, StatusCode::OK);
        assert!(serde_json::from_str::<serde_json::Value>(&garbled.text).is_err());
        assert_eq!(visit.refresh(&refresh).await.json()["error"], "invalid_grant", "the token was used");
    }

    #[tokio::test]
    async fn too_many_is_told_in_both_forms() {
        let (visit, _) = Visit::begin();
        visit.set_faults(r#"{"endpoints":{"heart":{"answer":{"kind":"too_many","retry_after_s":7}}}}"#).await;
        assert_eq!(visit.call(HEART, "x").await.header("retry-after"), "7");
        let dated =
            r#"{"endpoints":{"heart":{"answer":{"kind":"too_many","retry_after_s":7,"as_date":true}}}}"#;
        visit.set_faults(dated).await;
        assert_eq!(visit.call(HEART, "x").await.header("retry-after"), "Thu, 28 May 2026 20:26:47 GMT");
    }

    #[tokio::test]
    async fn a_person_can_take_everything_back_and_give_it_again() {
        let (mut visit, _) = Visit::begin();
        let (access, refresh) = visit.link().await;
        visit.set_faults(r#"{"withdraw_grants_of":["river"]}"#).await;
        assert_eq!(visit.call(HEART, &access).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(visit.refresh(&refresh).await.json()["error"], "invalid_grant");
        let (access, _) = visit.link().await;
        assert_eq!(visit.call(HEART, &access).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn what_is_set_replaces_what_was() {
        let (visit, _) = Visit::begin();
        let bad =
            visit.set_faults(r#"{"endpoints":{"token":{"answer":{"kind":"status","code":200}}}}"#).await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST);
        visit
            .set_faults(r#"{"stall_token_s":3,"endpoints":{"sleep":{"slow_ms":5}},"rate_limit":false}"#)
            .await;
        let set = visit.set_faults(r#"{"endpoints":{"heart":{"times":1}}}"#).await.json();
        assert_eq!(set, serde_json::json!({ "endpoints": {}, "stall_token_s": 0, "rate_limit": false }));
        assert_eq!(visit.get("/sandbox/faults").await.json(), set);
    }

    #[tokio::test]
    async fn a_stalled_token_answer_comes_after_the_work_was_done() {
        let (mut visit, _) = Visit::begin();
        let (_, refresh) = visit.link().await;
        visit.set_faults(r#"{"stall_token_s":600}"#).await;
        let done = async {
            while visit.counters().await["token_by_grant"]["refresh_token"] != 1 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = visit.refresh(&refresh) => panic!("the answer came at once"),
            () = done => {}
        }
        visit.set_faults("{}").await;
        assert_eq!(visit.refresh(&refresh).await.json()["error"], "invalid_grant", "the token was used");
    }
}
