//! Introspection.  RFC 7662

use std::sync::Arc;

use axum::{
    Form, Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{client::Said, code::TokenFault};
use crate::sandbox::{
    Sandbox,
    book::{Grant, Standing, TokenHash},
};

#[derive(Deserialize)]
pub(super) struct Request {
    token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// `POST /oauth2/introspect`: whether a token is good. Another client's token is not, to this one.
pub(super) async fn introspect(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Form(request): Form<Request>,
) -> Response {
    match look(&sandbox, &headers, &request) {
        Ok(answer) => Json(answer).into_response(),
        Err(fault) => fault.into_response(),
    }
}

fn look(sandbox: &Sandbox, headers: &HeaderMap, request: &Request) -> Result<Value, TokenFault> {
    let said =
        Said { client_id: request.client_id.as_deref(), client_secret: request.client_secret.as_deref() };
    let client = sandbox.caller(headers, &said)?;
    let hash = TokenHash::of(request.token.as_deref().ok_or(TokenFault::InvalidRequest("token is missing"))?);
    let now = sandbox.world.now();
    Ok(sandbox.book.read(|grants| {
        let found = match grants.access(&hash, now) {
            Standing::Good { grant, expires_at } => Some((grant, Some(expires_at))),
            Standing::Expired | Standing::Unknown => grants.refreshable(&hash).map(|grant| (grant, None)),
        };
        match found.filter(|(grant, _)| grant.client_id == client.client_id) {
            Some((grant, Some(expires_at))) => {
                active(sandbox, grant, json!({ "exp": expires_at.as_seconds(), "token_type": "Bearer" }))
            }
            Some((grant, None)) => active(sandbox, grant, json!({})),
            None => json!({ "active": false }),
        }
    }))
}

fn active(sandbox: &Sandbox, grant: &Grant, more: Value) -> Value {
    let mut answer = json!({
        "active": true,
        "iss": sandbox.issuer(),
        "client_id": grant.client_id,
        "scope": grant.scopes,
        "sub": grant.person.traits().user_id,
        "user_id": grant.person.traits().user_id,
    });
    if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), more) {
        answer.extend(more);
    }
    answer
}
