//! The sign-in page. Everybody's password is "anything": there is nothing to protect here.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::desk::{COOKIE, SIGNED_IN};
use crate::sandbox::{Person, Sandbox, lock, page};

#[derive(Deserialize)]
pub(super) struct Step {
    request: String,
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    request: String,
    person: String,
    password: String,
}

/// `GET /sign-in`: who are you?
pub(super) async fn ask(State(sandbox): State<Arc<Sandbox>>, Query(step): Query<Step>) -> Response {
    match sandbox.pending(&step.request) {
        Some(_) => page::sign_in(&step.request, None),
        None => page::refusal(StatusCode::BAD_REQUEST, page::TOO_LATE),
    }
}

/// `POST /sign-in`: on to the consent page.
pub(super) async fn sign_in(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Form(credentials): Form<Credentials>,
) -> Response {
    if page::is_cross_site(&headers) {
        return page::refusal(StatusCode::FORBIDDEN, page::CROSS_SITE);
    }
    let Some(person) = Person::named(credentials.person.trim()).filter(|_| !credentials.password.is_empty())
    else {
        return page::sign_in(&credentials.request, Some("Choose one of the people and type any password."));
    };
    let browser = lock(&sandbox.desk).browsers.put(&sandbox.world, person, SIGNED_IN);
    let cookie =
        format!("{COOKIE}={browser}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}", SIGNED_IN.as_secs());
    // the name of a pending request is ours, and of unreserved characters, or it finds nothing there
    let to: String = url::form_urlencoded::byte_serialize(credentials.request.as_bytes()).collect();
    ([(header::SET_COOKIE, cookie)], Redirect::to(&format!("/oauth2/consent?request={to}"))).into_response()
}
