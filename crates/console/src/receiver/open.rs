//! A link is opened, and left.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use kernel::{Id, Kind, RequestId};
use web::{Answer, Path, Problem, Redirect};
use webhooks::endpoint::Endpoint;

use super::{COOKIE_NAME, Visitor, base_of, nothing};
use crate::{page::endpoint::left, respond::page, state::Console};

/// `GET /receivers/open/{token}`: the token is exchanged for a cookie, and gone from the address with the answer.
pub(crate) async fn open(
    State(console): State<Console>,
    Extension(request): Extension<RequestId>,
    Path(token): Path<String>,
) -> Answer<Response> {
    let Some(opened) = console.webhooks().open_link(&token, Some(request)).await? else { return nothing() };
    let age = opened.until.since(console.now());
    let cookie = console.cookie(COOKIE_NAME).set(opened.value.expose(), Some(age));
    let cookie = cookie.ok_or_else(|| Problem::new(Kind::Internal, Problem::INTERNAL))?;
    let mut response = Redirect::to_trusted(&base_of(opened.endpoint))?.into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /receivers/{id}/leave`
pub(crate) async fn leave(
    State(console): State<Console>,
    visitor: Visitor,
    Path(_): Path<Id<Endpoint>>,
) -> Answer<Response> {
    if let Some(value) = visitor.value(&console) {
        console.webhooks().close_link(value, visitor.request.clone()).await?;
    }
    let mut response = page(&left())?;
    response.headers_mut().append(header::SET_COOKIE, console.cookie(COOKIE_NAME).clear());
    Ok(response)
}
