//! Revocation.  RFC 7009

use std::sync::Arc;

use axum::{
    Form,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{client::Said, code::TokenFault};
use crate::sandbox::{Sandbox, book::TokenHash, lock};

#[derive(Deserialize)]
pub(super) struct Request {
    token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// `POST /oauth2/revoke`: either token ends the whole grant; an unknown one is no error (§2.2).
pub(super) async fn revoke(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Form(request): Form<Request>,
) -> Response {
    match end(&sandbox, &headers, &request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(fault) => fault.into_response(),
    }
}

async fn end(sandbox: &Sandbox, headers: &HeaderMap, request: &Request) -> Result<(), TokenFault> {
    let said =
        Said { client_id: request.client_id.as_deref(), client_secret: request.client_secret.as_deref() };
    let client = sandbox.caller(headers, &said)?;
    let hash = TokenHash::of(request.token.as_deref().ok_or(TokenFault::InvalidRequest("token is missing"))?);
    let now = sandbox.world.now();
    let ended = sandbox.book.change(|grants| grants.revoke(&hash, &client.client_id, now)).await;
    if ended.map_err(|_| TokenFault::Unsaved)? {
        lock(&sandbox.counts).grant_revoked();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::sandbox::visit::Visit;

    const APP: Option<(&str, &str)> = Some(("app", "s3cret"));

    #[tokio::test]
    async fn either_token_ends_the_grant_and_introspection_says_so() {
        for nth in [0, 1] {
            let (mut visit, _) = Visit::begin();
            let (access, refresh) = visit.link().await;
            let tokens = [access.as_str(), refresh.as_str()];
            for token in tokens {
                let told = visit.post("/oauth2/introspect", APP, &[("token", token)]).await.json();
                assert_eq!(
                    (told["active"].as_bool(), told["scope"].as_str()),
                    (Some(true), Some("heartrate sleep"))
                );
            }
            let answer = visit.post("/oauth2/revoke", APP, &[("token", tokens[nth])]).await;
            assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
            for token in tokens {
                let told = visit.post("/oauth2/introspect", APP, &[("token", token)]).await;
                assert_eq!(told.text, r#"{"active":false}"#);
            }
            assert_eq!(visit.counters().await["grants_revoked"], 1);
        }
    }

    #[tokio::test]
    async fn an_unknown_token_is_no_error_and_another_client_s_stays() {
        let (mut visit, _) = Visit::begin();
        let (access, _) = visit.link().await;
        let other = Some(("other", "0ther"));
        assert_eq!(visit.post("/oauth2/revoke", APP, &[("token", "x")]).await.status, StatusCode::OK);
        assert_eq!(visit.post("/oauth2/revoke", other, &[("token", &access)]).await.status, StatusCode::OK);
        assert_eq!(
            visit.post("/oauth2/introspect", other, &[("token", &access)]).await.text,
            r#"{"active":false}"#
        );
        assert_eq!(visit.post("/oauth2/introspect", APP, &[("token", &access)]).await.json()["active"], true);
        let unknown = visit.post("/oauth2/revoke", Some(("app", "wrong")), &[("token", &access)]).await;
        assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    }
}
