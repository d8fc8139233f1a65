//! Sign out, here and not only in the browser.

use auth::{Guest, session};
use axum::{
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::header::SET_COOKIE;
use web::{Answer, Redirect};

use crate::{page::plain, respond::page, state::Console};

/// `GET /sign-out`: an application cannot sign a person out by a mere link.
pub(crate) async fn ask() -> Answer<Response> {
    page(&plain::sign_out())
}

/// `POST /sign-out`
pub(crate) async fn leave(State(console): State<Console>, Guest(guest): Guest) -> Answer<Response> {
    let onward = Redirect::to_page("/signed-out");
    let Some(who) = guest else { return Ok(onward.into_response()) };
    let change = session::end(console.auth(), &who).await?;
    Ok((AppendHeaders([(SET_COOKIE, change.set_cookie)]), onward).into_response())
}

/// `GET /signed-out`
pub(crate) async fn show() -> Answer<Response> {
    page(&plain::signed_out())
}
