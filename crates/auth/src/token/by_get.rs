//! A token asked for by `GET` with a form in the body, as an old system does it.  Contract 2, rulings
//!
//! Only of a `legacy` client whose registration says so, and which authenticates with `Basic`. Everybody else is told 405, and nobody
//! is told which clients may.

use axum::{
    extract::{FromRequest, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, header};
use web::Problem;

use super::exchange;
use crate::{
    Auth,
    client::{Client, Profile, authenticate::FlowCall},
};

/// Stands before the token endpoint.
pub(crate) async fn by_get(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    if !request.headers().contains_key(header::AUTHORIZATION) {
        return post_only().into_response();
    }
    match FlowCall::from_request(request, &auth).await {
        Ok(call) if may_get(&call.0.client) => exchange::exchange(State(auth), call).await.into_response(),
        Err(problem) if problem.status().is_server_error() => problem.into_response(),
        Ok(_) | Err(_) => post_only().into_response(),
    }
}

fn may_get(client: &Client) -> bool {
    client.profile == Profile::Legacy && client.metadata.token_by_get
}

/// RFC 9110 §15.5.6
fn post_only() -> Problem {
    Problem::of_status(StatusCode::METHOD_NOT_ALLOWED)
        .with_header(header::ALLOW, HeaderValue::from_static("POST"))
}
