//! What this authorization server can do.  RFC 8414, RFC 9207 §3

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::sandbox::{SCOPES, Sandbox};

/// `GET /.well-known/oauth-authorization-server`
pub(super) async fn show(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", sandbox.issuer());
    let client_auth = ["client_secret_basic", "client_secret_post", "none"];
    Json(json!({
        "issuer": sandbox.issuer(),
        "authorization_endpoint": at("/oauth2/authorize"),
        "token_endpoint": at("/oauth2/token"),
        "revocation_endpoint": at("/oauth2/revoke"),
        "introspection_endpoint": at("/oauth2/introspect"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": client_auth,
        "revocation_endpoint_auth_methods_supported": client_auth,
        "introspection_endpoint_auth_methods_supported": client_auth,
        "authorization_response_iss_parameter_supported": true,
    }))
}
