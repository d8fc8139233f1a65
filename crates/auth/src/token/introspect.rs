//! Is this token good, and what is it good for?  RFC 7662 §2
//!
//! An outage is an error, never `{"active": false}`: the decision is made only from what is known.

use std::sync::Arc;

use axum::{Json, extract::State};
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
pub(crate) async fn introspect(State(auth): State<Auth>, asker: Asker) -> Answer<Json<IntrospectOut>> {
    let token = asker.form.require("token", "token is missing")?;
    let known = match auth.check_for_any(token).await {
        Ok(verified) => Some(verified),
        Err(AuthFault::Invalid | AuthFault::Scope(_) | AuthFault::Proof(_) | AuthFault::Nonce(_)) => None,
        Err(outage @ AuthFault::Unavailable(_)) => return Err(outage.into()),
    };
    let out = judge(&auth, known.as_ref(), &asker);
    if auth.checker().is_new_question(asker.client.id, token, out.active, auth.world().now()) {
        let details = serde_json::json!({ "active": out.active });
        let entry = asker.acting.entry("token.introspected", asker.client.id, details);
        audit::note(auth.db(), auth.world(), &entry);
    }
    Ok(Json(out))
}

/// Everything that can make a token inactive for whoever asks is decided here.
fn judge(auth: &Auth, known: Option<&Arc<Verified>>, asker: &Asker) -> IntrospectOut {
    match known {
        Some(token) if asker.may_see(auth, token) => {
            IntrospectOut { active: true, token: Some(ActiveToken::of(token, auth.issuer())) }
        }
        Some(_) | None => IntrospectOut::default(),
    }
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
