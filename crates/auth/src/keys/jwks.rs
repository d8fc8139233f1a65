//! The public keys.  RFC 7517 §5

use axum::{Json, extract::State, response::IntoResponse};

use crate::{Auth, discovery::for_anybody};

/// The keys with which tokens of this server are checked.
#[utoipa::path(get, path = "/oauth2/jwks", tag = "discovery",
    responses((status = 200, description = "A JSON Web Key Set", body = serde_json::Value)))]
pub async fn jwks(State(auth): State<Auth>) -> impl IntoResponse {
    for_anybody(Json(auth.keys().public().to_json()))
}
