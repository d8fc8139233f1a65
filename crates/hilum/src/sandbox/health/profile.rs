//! Who it is.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::json;

use crate::sandbox::Sandbox;

/// `GET /1/user/{user}/profile.json`
pub(super) async fn profile(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Path(user): Path<String>,
) -> Response {
    sandbox.serve_call(&headers, &user, "profile", |person| {
        let traits = person.traits();
        Ok(json!({ "user": {
            "age": traits.age,
            "displayName": traits.name,
            "encodedId": traits.user_id,
            "fullName": traits.name,
            "memberSince": "2024-01-01",
            "offsetFromUTCMillis": 0,
            "timezone": "UTC",
        }}))
    })
}
