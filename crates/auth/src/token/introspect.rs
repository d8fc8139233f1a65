//! Is this token good, and what is it good for?  RFC 7662 §2
//!
//! An outage is an error, never `{"active": false}`: the decision is made only from what is known.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, header::CONTENT_TYPE};
use kernel::Scopes;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{Answer, AuthFault};

use super::{Confirmation, Verified, asker::Asker};
use crate::Auth;

/// What is posted, besides what a client may prove itself with.
#[derive(ToSchema)]
#[schema(as = IntrospectionRequest)]
#[expect(dead_code, reason = "describes the form; the handler reads it parameter by parameter")]
pub(crate) struct IntrospectIn {
    /// The token.
    token: String,
    /// Not needed: there is one kind of token.
    token_type_hint: Option<String>,
}

/// `{"active": false}`, or what the token says.
#[derive(Serialize, ToSchema, Default, Debug, PartialEq, Eq)]
#[schema(as = IntrospectionResponse)]
pub(crate) struct IntrospectOut {
    active: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    token: Option<ActiveToken>,
}

#[derive(Serialize, ToSchema, Debug, PartialEq, Eq)]
struct ActiveToken {
    #[schema(value_type = String)]
    scope: Scopes,
    client_id: String,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    sub: String,
    aud: String,
    iss: String,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Value>,
    /// What its holder is in the client's organisation, in whole words: `org_admin`, `viewer:` and a study's id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    /// The launch context, member by member (SMART App Launch 2.2 §2.3).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    context: Map<String, Value>,
}

/// Introspect a token.
#[utoipa::path(post, path = "/oauth2/introspection", tag = "tokens",
    request_body(content = IntrospectIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Whether it is active", body = IntrospectOut)),
    security(("client_basic" = []), ("bearer" = ["token:introspect"])))]
pub(crate) async fn introspect(State(auth): State<Auth>, asker: Asker) -> Answer<Response> {
    let token = asker.form.require("token", "token is missing")?;
    let known = match auth.check_for_any(token).await {
        Ok(verified) => Some(verified),
        Err(
            AuthFault::Invalid
            | AuthFault::Scope(_)
            | AuthFault::Proof(_)
            | AuthFault::Nonce(_)
            | AuthFault::Throttled(_),
        ) => None,
        Err(outage @ AuthFault::Unavailable(_)) => return Err(outage.into()),
    };
    let shown = known.as_deref().filter(|token| asker.may_see(&auth, token));
    if auth.checker().is_new_question(asker.client.id, token, shown.is_some(), auth.world().now()) {
        let details = serde_json::json!({ "active": shown.is_some() });
        let entry = asker.acting.entry("token.introspected", asker.client.id, details);
        audit::note(auth.db(), auth.world(), &entry);
    }
    Ok(match shown {
        Some(token) => {
            ([JSON], token.told.get_or_init(|| told(token, auth.issuer())).clone()).into_response()
        }
        None => Json(IntrospectOut::default()).into_response(),
    })
}

const JSON: (HeaderName, HeaderValue) = (CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// What is said of a token as long as it is good: written once, since it is asked again and again.
fn told(token: &Verified, issuer: &str) -> Bytes {
    let out = IntrospectOut { active: true, token: Some(ActiveToken::of(token, issuer)) };
    // Texts and numbers are always JSON.
    serde_json::to_vec(&out).unwrap_or_default().into()
}

impl ActiveToken {
    fn of(token: &Verified, issuer: &str) -> Self {
        Self {
            scope: token.caller.scopes.clone(),
            client_id: token.client_id.as_str().to_owned(),
            token_type: Confirmation::token_type(token.confirmation.as_ref()),
            exp: token.expires_at_s,
            iat: token.issued_at_s,
            sub: token.subject.clone(),
            aud: token.audience.clone(),
            iss: issuer.to_owned(),
            jti: token.caller.token.to_string(),
            auth_time: token.authenticated_at_s,
            acr: token.acr.clone(),
            cnf: token.confirmation.clone(),
            act: token.actor.clone(),
            roles: token.caller.grants.iter().map(|grant| grant.to_string()).collect(),
            context: token.context.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inactive_token_tells_nothing_more() {
        assert_eq!(serde_json::to_string(&IntrospectOut::default()).unwrap(), r#"{"active":false}"#);
    }
}
