//! Whose data a call may see, and how calls are refused.  RFC 6750

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::rate::Allowance;
use crate::sandbox::{
    Person, Sandbox,
    book::{Standing, TokenHash},
    lock,
};

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    InvalidToken,
    ExpiredToken,
    Scope(&'static str),
    /// Another person's data.
    NotYours,
    /// The path names a field wrongly.
    Field(&'static str, &'static str),
    TooMany,
}

/// Someone whose data this call may see.
pub(super) struct Access {
    pub(super) person: Person,
    allowance: Allowance,
}

impl Sandbox {
    /// Carry out a call for whoever the token stands for, if it has the scope.
    pub(super) fn serve_call(
        &self,
        headers: &HeaderMap,
        user: &str,
        scope: &'static str,
        answer: impl FnOnce(Person) -> Result<Value, Refusal>,
    ) -> Response {
        match self.access(headers, user, scope) {
            Ok(access) if access.allowance.is_spent() => {
                access.allowance.told(Refusal::TooMany.into_response())
            }
            Ok(access) => {
                let outcome = answer(access.person).map(Json);
                access.allowance.told(outcome.into_response())
            }
            Err(refusal) => refusal.into_response(),
        }
    }

    fn access(&self, headers: &HeaderMap, user: &str, scope: &'static str) -> Result<Access, Refusal> {
        let token = bearer(headers).ok_or(Refusal::InvalidToken)?;
        let hash = TokenHash::of(token);
        let now = self.world.now();
        let (person, client_id) = self.book.read(|grants| match grants.access(&hash, now) {
            Standing::Good { grant, .. } if grant.scopes.has(scope) => {
                Ok((grant.person, grant.client_id.clone()))
            }
            Standing::Good { .. } => Err(Refusal::Scope(scope)),
            Standing::Expired => Err(Refusal::ExpiredToken),
            Standing::Unknown => Err(Refusal::InvalidToken),
        })?;
        if user != "-" && user != person.traits().user_id {
            return Err(Refusal::NotYours);
        }
        let limited = lock(&self.faults).rate_limit;
        let allowance = lock(&self.rates).spend(person, client_id, now, limited);
        Ok(Access { person, allowance })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    error_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_name: Option<&'static str>,
    message: &'static str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error_type, message) = match self {
            Self::InvalidToken => {
                (StatusCode::UNAUTHORIZED, "invalid_token", "The access token is unknown or revoked.")
            }
            Self::ExpiredToken => {
                (StatusCode::UNAUTHORIZED, "expired_token", "The access token has expired.")
            }
            Self::Scope(_) => (
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "The person has not granted the scope that this needs.",
            ),
            Self::NotYours => {
                (StatusCode::FORBIDDEN, "insufficient_permissions", "The token stands for another person.")
            }
            Self::Field(_, message) => (StatusCode::BAD_REQUEST, "validation", message),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "request", "Too many requests."),
        };
        let field_name = if let Self::Field(field, _) = self { Some(field) } else { None };
        let problem = Problem { error_type, field_name, message };
        let mut answer = (status, Json(json!({ "errors": [problem], "success": false }))).into_response();
        if let Some(challenge) = self.challenge() {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

impl Refusal {
    fn challenge(self) -> Option<HeaderValue> {
        match self {
            Self::InvalidToken | Self::ExpiredToken => {
                Some(HeaderValue::from_static("Bearer realm=\"sandbox\", error=\"invalid_token\""))
            }
            Self::Scope(scope) => HeaderValue::try_from(format!(
                "Bearer realm=\"sandbox\", error=\"insufficient_scope\", scope=\"{scope}\""
            ))
            .ok(),
            Self::NotYours | Self::Field(..) | Self::TooMany => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::sandbox::visit::Visit;

    const HEART: &str = "/1/user/-/activities/heart/date/2026-05-01/1d.json";
    const STEPS: &str = "/1/user/-/activities/steps/date/2026-05-01/2026-05-02.json";
    const SLEEP: &str = "/1.2/user/R7V3RS/sleep/date/2026-05-01/2026-05-02.json";

    #[tokio::test]
    async fn a_token_sees_what_it_was_granted_and_nobody_else_s() {
        let (mut visit, _) = Visit::begin();
        let (access, refresh) = visit.link().await;
        assert_eq!(visit.call(HEART, &access).await.status, StatusCode::OK);
        assert_eq!(visit.call(SLEEP, &access).await.json()["sleep"].as_array().unwrap().len(), 2);
        let refused = visit.call(STEPS, &access).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["errors"][0]["errorType"], "insufficient_scope");
        assert_eq!(visit.call("/1/user/-/profile.json", &access).await.status, StatusCode::FORBIDDEN);
        let other = visit.call(&HEART.replace("/-/", "/SK9Y2X/"), &access).await;
        assert_eq!(other.status, StatusCode::FORBIDDEN);
        for token in ["", "x", refresh.as_str()] {
            let refused = visit.call(HEART, token).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
            assert!(refused.header("www-authenticate").contains("invalid_token"));
        }
    }

    #[tokio::test]
    async fn an_expired_token_says_so() {
        let (mut visit, hand) = Visit::begin();
        let (access, _) = visit.link().await;
        hand.forward(28_800);
        assert_eq!(visit.call(HEART, &access).await.json()["errors"][0]["errorType"], "expired_token");
    }

    #[tokio::test]
    async fn the_hourly_limit_is_told_and_can_be_switched_off() {
        let (mut visit, _) = Visit::begin();
        let (access, _) = visit.link().await;
        let first = visit.call(SLEEP, &access).await;
        assert_eq!(
            (first.header("fitbit-rate-limit-limit"), first.header("fitbit-rate-limit-remaining")),
            ("150", "149")
        );
        for _ in 1..150 {
            assert_eq!(visit.call(SLEEP, &access).await.status, StatusCode::OK);
        }
        let spent = visit.call(SLEEP, &access).await;
        assert_eq!(spent.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(spent.header("retry-after"), spent.header("fitbit-rate-limit-reset"));
        visit.set_faults(r#"{"rate_limit":false}"#).await;
        assert_eq!(visit.call(SLEEP, &access).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_wrong_path_is_explained() {
        let (mut visit, _) = Visit::begin();
        let (access, _) = visit.link().await;
        for (uri, field) in [
            ("/1/user/-/activities/heart/date/2026-05-01/1d", "format"),
            ("/1/user/-/activities/heart/date/may/1d.json", "date"),
            ("/1.2/user/-/sleep/date/2026-05-02/2026-05-01.json", "endDate"),
            ("/1.2/user/-/sleep/date/2025-01-01/2026-05-01.json", "endDate"),
        ] {
            let refused = visit.call(uri, &access).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{uri}");
            assert_eq!(refused.json()["errors"][0]["fieldName"], field, "{uri}");
        }
    }
}
